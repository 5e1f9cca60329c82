"""The time that a function's runs have: to start, and to finish."""

from datetime import UTC, datetime

import pytest

from tarry import App, Context, Event, Timeouts, TriggerEvent
from tarry_dev.cloud import Host
from tests.functional.contract.diary import Diary
from tests.functional.contract.traces import in_indexes

PLACED = TriggerEvent(event="placed")


def add_order(app: App, diary: Diary, timeouts: Timeouts) -> None:
    @app.create_function(fn_id="order", trigger=PLACED, timeouts=timeouts)
    async def order(ctx: Context) -> str:
        await ctx.step.run("bill", diary.write, "bill")
        await ctx.step.wait_for_event("paid", event="paid", timeout="30d")
        await ctx.step.run("ship", diary.write, "ship")
        return "shipped"


def reasons(host: Host) -> list[str]:
    return [event.data["reason"] for event in host.events("tarry/function.cancelled")]


@pytest.mark.parametrize("finish", ["90s", "1h", "3d"])
def test_a_run_that_has_not_ended_in_time_is_cancelled_to_the_second(
    app: App, host: Host, diary: Diary, finish: str
) -> None:
    add_order(app, diary, Timeouts(finish=finish))
    host.send("placed")
    run = host.run()
    begun = host.cloud.clock.now()
    host.cloud.advance(finish)
    host.cloud.advance("2s")
    assert run.status == "cancelled"
    assert host.cloud.clock.now() - begun < 3 * 86_400_000 + 5_000
    host.send("paid")
    assert (diary.entries, reasons(host)) == (["bill"], ["timeouts.finish"])
    assert (in_indexes(host.cloud), host.dead_letters) == (set(), [])


def test_a_run_that_ends_in_time_leaves_no_timer(app: App, host: Host, diary: Diary) -> None:
    add_order(app, diary, Timeouts(start="1m", finish="1h"))
    host.send("placed")
    host.advance("59m")
    host.send("paid")
    host.advance("2h")
    assert (host.run().output, reasons(host)) == ("shipped", [])
    assert (in_indexes(host.cloud), host.dead_letters) == (set(), [])


@pytest.mark.parametrize("late", [False, True])
def test_a_run_that_begins_too_late_is_cancelled_and_its_function_not_called(
    app: App, host: Host, diary: Diary, late: bool
) -> None:
    add_order(app, diary, Timeouts(start="1m"))
    with host.cloud.hold("runs"):
        host.send("placed")
        host.advance("65s" if late else "50s")
    host.advance("1s")
    assert host.run().status == ("cancelled" if late else "running")
    assert (diary.entries, reasons(host)) == (([], ["timeouts.start"]) if late else (["bill"], []))


def test_the_time_to_start_counts_from_an_events_own_time_if_that_is_later(app: App, host: Host, diary: Diary) -> None:
    add_order(app, diary, Timeouts(start="1m"))
    ahead = datetime(2026, 1, 5, 12, 5, tzinfo=UTC)
    with host.cloud.hold("runs"):
        host.send([Event("placed", ts=round(ahead.timestamp() * 1000))])
        host.advance(ahead)
    host.advance("1s")
    assert (host.run().status, reasons(host)) == ("running", [])

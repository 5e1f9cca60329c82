"""An event with a ``ts`` in the future starts its runs then: they are there at once, and rest until that time."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tarry import App, Context, ContextSync, Event, EventError, TriggerEvent
from tarry_backend.runtime import runtime
from tarry_dev.cli.describe import now_doing
from tarry_dev.cli.times import Calendar
from tarry_dev.cloud import Cloud, Host
from tests.functional.contract.deaths import Mortal, deaths
from tests.functional.contract.diary import Diary
from tests.functional.contract.traces import in_indexes

PLACED = TriggerEvent(event="placed")
HOUR = 3_600_000

Add = Callable[[App, Diary], None]


def order_async(app: App, diary: Diary) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> str:
        return await ctx.step.run("bill", diary.write, "billed")


def order_sync(app: App, diary: Diary) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    def order(ctx: ContextSync) -> str:
        ctx.step.run("bill", diary.entries.append, "billed")
        return "billed"


def ahead(host: Host, milliseconds: int, event_id: str = "e") -> Event:
    return Event("placed", {"id": "7"}, id=event_id, ts=host.cloud.clock.now() + milliseconds)


def until(host: Host, event: Event, less: int = 0) -> datetime:
    return datetime.fromtimestamp((event.ts - less) / 1000, UTC)


@pytest.mark.parametrize("add", [order_async, order_sync], ids=lambda add: add.__name__)
@pytest.mark.parametrize("span", [5_000, HOUR, 30 * 24 * HOUR], ids=["seconds", "an hour", "a month"])
def test_the_run_is_there_at_once_and_begins_at_the_time(
    app: App, host: Host, diary: Diary, add: Add, span: int
) -> None:
    add(app, diary)
    event = ahead(host, span)
    host.send([event])
    run = host.run("order")
    assert (run.status, run.steps, run.event.ts) == ("running", {}, event.ts)
    host.cloud.advance(until(host, event, less=1_000))
    assert diary.entries == []
    host.cloud.advance(until(host, event) + timedelta(seconds=2))
    assert (run.status, run.output, diary.entries) == ("finished", "billed", ["billed"])
    assert in_indexes(host.cloud) == set()


def test_a_second_ahead_is_a_clock_that_differs(app: App, host: Host, diary: Diary) -> None:
    order_async(app, diary)
    host.send([ahead(host, 1_000, "clock"), ahead(host, 1_100, "later")])
    assert [run.status for run in host.runs("order")] == ["finished", "running"]


def test_what_the_past_has_in_store_begins_at_once(app: App, host: Host, diary: Diary) -> None:
    order_async(app, diary)
    host.send([ahead(host, -30 * 24 * HOUR)])
    assert host.run("order").status == "finished"


def test_the_same_event_before_and_after_its_time_starts_one_run(app: App, host: Host, diary: Diary) -> None:
    order_async(app, diary)
    event = ahead(host, HOUR)
    host.send([event, event])
    host.advance("20m")
    host.send([event])
    assert diary.entries == []
    host.advance("1h")
    host.send([event])
    host.advance("1h")
    assert diary.entries == ["billed"]
    assert [run.status for run in host.runs("order")] == ["finished"]


def test_a_run_that_has_not_begun_can_be_cancelled(app: App, host: Host, diary: Diary) -> None:
    order_async(app, diary)
    host.send([ahead(host, HOUR)])
    run = host.run("order")
    host.cancel(run)
    assert (run.status, in_indexes(host.cloud)) == ("cancelled", set())
    host.advance("2h")
    assert diary.entries == []


def test_a_wait_of_such_a_run_sees_what_came_since_its_event_was_received(app: App, host: Host) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> str | None:
        paid = await ctx.step.wait_for_event("paid", event="paid", match="data.id", timeout="1h")
        return paid.id if paid else None

    host.send([Event("paid", {"id": "7"}, id="too early")])
    host.send([ahead(host, HOUR)])
    host.send([Event("paid", {"id": "7"}, id="meanwhile")])
    host.advance("2h")
    assert host.run("order").output == "meanwhile"


def test_a_wait_is_resumed_at_once_whatever_the_time_of_the_event(app: App, host: Host) -> None:
    @app.create_function(fn_id="ask", trigger=TriggerEvent(event="asked"))
    async def ask(ctx: Context) -> str | None:
        placed = await ctx.step.wait_for_event("wait", event="placed", timeout="10m")
        return placed.id if placed else None

    host.send("asked")
    host.send([ahead(host, HOUR)])
    assert host.run("ask").output == "e"


def test_a_function_that_fails_once_it_has_begun_is_tried_again(app: App, host: Host) -> None:
    began: list[datetime] = []

    @app.create_function(fn_id="order", trigger=PLACED, backoff=["1h"])
    async def order(ctx: Context) -> int:
        began.append(datetime.now(UTC))
        if ctx.attempt == 0:
            raise ConnectionError
        return ctx.attempt

    event = ahead(host, HOUR)
    host.send([event])
    host.advance("4h")
    assert host.run("order").output == 1
    assert [round((each.timestamp() * 1000 - event.ts) / HOUR) for each in began] == [0, 1]


def test_what_is_more_than_a_year_ahead_is_refused_at_send_and_cut_to_a_year_otherwise(
    app: App, host: Host, diary: Diary
) -> None:
    order_async(app, diary)
    with pytest.raises(EventError, match="at most 366 days from now"):
        host.send([ahead(host, 367 * 24 * HOUR)])
    moment = host.now + timedelta(days=5_000)
    host.put_events({"Source": "shop", "DetailType": "placed", "Detail": "{}", "Time": moment})
    host.advance("365d")
    assert diary.entries == []
    host.advance("2d")
    assert diary.entries == ["billed"]


def test_tarry_runs_says_when_it_begins(app: App, host: Host, diary: Diary) -> None:
    order_async(app, diary)
    host.send([ahead(host, HOUR)])
    snapshot = runtime().store.runs.load(host.run().id)
    assert snapshot is not None
    assert now_doing(snapshot, Calendar(host.cloud.clock.now(), UTC), 48) == "begins at 13:00:00"


def begun_with(mortal: Mortal) -> tuple[object, ...]:
    """What has become of a run with such a Lambda."""
    app, diary = App("shop"), Diary()
    order_async(app, diary)
    with Cloud(app) as cloud:
        host = Host(cloud)
        with cloud.dies(mortal):
            host.send([ahead(host, 120_000)])
            host.advance("2h")
        run = host.run("order")
        return run.status, run.output, in_indexes(cloud), host.dead_letters, set(diary.entries)


@pytest.mark.parametrize("function", ["executor", "timers"])
def test_whichever_call_a_lambda_dies_at_the_run_begins(function: str) -> None:
    immortal = Mortal(function)
    alive = begun_with(immortal)
    assert alive == ("finished", "billed", set(), [], {"billed"})
    assert immortal.calls != []
    for death in deaths(function, immortal.calls):
        mortal = Mortal(function, death)
        assert begun_with(mortal) == alive, death
        assert mortal.has_died, death

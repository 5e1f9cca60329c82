"""Row W38: a ``timeout`` that is a moment is that moment, also if it had passed when the function came to it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tarry import App, Context, Event, EventMatch, StepError, TriggerEvent
from tarry_dev.cloud import Host
from tests.functional.contract.traces import in_indexes

PLACED = TriggerEvent(event="placed")
SECOND = timedelta(seconds=1)


def moment(host: Host) -> datetime:
    """The cloud's time."""
    return datetime.fromtimestamp(host.cloud.clock.now() / 1000, UTC)


def paid(event_id: str, name: str = "paid") -> Event:
    return Event(name, {"id": "7"}, id=event_id)


def by_event(ctx: Context, step_id: str, timeout: Any) -> Any:
    return ctx.step.wait_for_event(step_id, event="paid", match="data.id", timeout=timeout)


def by_first(ctx: Context, step_id: str, timeout: Any) -> Any:
    waits = [EventMatch("paid", match="data.id"), EventMatch("refused", match="data.id")]
    return ctx.step.wait_for_first(step_id, waits, timeout=timeout)


@pytest.mark.parametrize("before", [True, False], ids=["one before", "none before"])
@pytest.mark.parametrize("wait", [by_event, by_first])
def test_w38_a_wait_whose_moment_had_passed_has_the_event_before_it_and_the_next_wait_the_one_after(
    app: App, host: Host, wait: Callable[[Context, str, Any], Any], before: bool
) -> None:
    """start ── (before) ── 1 s ── moment ── 1 s ── after ── 60 s ── the wait ── the next wait"""
    deadline = moment(host) + timedelta(minutes=1)

    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> list[str | None]:
        await ctx.step.wait_for_event("go", event="go", match="data.id", timeout="1h")
        first = await wait(ctx, "first", deadline)
        second = await wait(ctx, "second", "1h")
        return [event and event.id for event in (first, second)]

    host.send("placed", {"id": "7"})
    host.advance(deadline - moment(host) - SECOND)
    if before:
        host.send([paid("before")])
    host.advance(2 * SECOND)
    host.send([paid("after")])
    host.advance(60 * SECOND)
    assert host.run().status == "running"
    host.send("go", {"id": "7"})
    assert host.run().output == ["before" if before else None, "after"]
    assert in_indexes(host.cloud) == set()


def test_w18_a_duration_lasts_at_least_zero_and_has_what_the_log_holds_at_the_call(app: App, host: Host) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> list[str | None]:
        await ctx.step.wait_for_event("go", event="go", match="data.id", timeout="1h")
        events = [await by_event(ctx, step_id, "-1h") for step_id in ("first", "second")]
        return [event and event.id for event in events]

    host.send("placed", {"id": "7"})
    host.advance("5m")
    host.send([paid("p")])
    host.send("go", {"id": "7"})
    assert host.run().output == ["p", None]


def test_w38_a_wait_for_a_signal_whose_moment_had_passed_leaves_what_was_sent_after_it_to_the_next(
    app: App, host: Host
) -> None:
    deadline = moment(host) + timedelta(minutes=1)

    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> list[Any]:
        await ctx.step.wait_for_event("go", event="go", match="data.id", timeout="1h")
        timeouts: list[Any] = [deadline, deadline, "1h"]
        return [await ctx.step.wait_for_signal("approved", signal="approval/7", timeout=each) for each in timeouts]

    host.send("placed", {"id": "7"})
    host.signal("approval/7", "before", keep="1h")
    host.advance("2m")
    host.signal("approval/7", "after", keep="1h")
    host.send("go", {"id": "7"})
    assert host.run().output == ["before", None, "after"]


def test_w38_an_invocation_whose_moment_had_passed_times_out_at_once_and_its_function_runs(
    app: App, host: Host
) -> None:
    @app.create_function(fn_id="pack", trigger=TriggerEvent(event="pack"))
    async def pack(ctx: Context) -> None:
        await ctx.step.sleep("rest", "1m")

    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> str:
        try:
            await ctx.step.invoke_by_id("pack", function_id="pack", timeout=datetime(2020, 1, 1, tzinfo=UTC))
        except StepError as error:
            return f"{error.name}: {error.message.partition('within')[2]}"
        return "packed"

    host.send("placed", {"id": "7"})
    host.advance("2s")
    assert host.run("order").output == "InvokeTimeoutError:  0:00:00 (h:mm:ss); it goes on"
    host.advance("2m")
    assert host.run("pack").status == "finished"


def test_w38_a_sleep_until_a_moment_that_had_passed_ends_where_it_began(app: App, host: Host) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> Any:
        await ctx.step.wait_for_event("go", event="go", match="data.id", timeout="1h")
        await ctx.step.sleep_until("until", datetime(2020, 1, 1, tzinfo=UTC))
        event = await by_event(ctx, "paid", 0)
        return event.id if event else None

    host.send("placed", {"id": "7"})
    host.send([paid("before the sleep")])
    host.advance("1s")
    host.send("go", {"id": "7"})
    assert (host.run().status, host.run().output) == ("finished", None)

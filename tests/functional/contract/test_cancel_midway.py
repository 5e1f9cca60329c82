"""A run is cancelled while it executes: the running step ends and is kept, and nothing after it runs."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tarry import App, Cancel, Context, ContextSync, Event, Timeouts, TriggerEvent
from tarry_backend.events.address import run_id_of
from tarry_backend.queues.cancel_runs import request_cancel
from tarry_backend.runtime import runtime
from tarry_dev.cloud import Host
from tests.functional.contract.diary import Diary
from tests.functional.contract.traces import in_indexes

PLACED = TriggerEvent(event="placed")
GUARDS: dict[str, Any] = {"cancel": Cancel("gone", match="data.id"), "timeouts": Timeouts(finish="1h")}


def three_async(app: App, charge: Callable[[], str], diary: Diary) -> None:
    @app.create_function(fn_id="order", trigger=PLACED, **GUARDS)
    async def order(ctx: Context) -> None:
        await ctx.step.run("charge", charge)
        await ctx.step.run("ship", diary.write, "ship")
        await ctx.step.run("thank", diary.write, "thank")


def three_sync(app: App, charge: Callable[[], str], diary: Diary) -> None:
    @app.create_function(fn_id="order", trigger=PLACED, **GUARDS)
    def order(ctx: ContextSync) -> None:
        ctx.step.run("charge", charge)
        ctx.step.run("ship", diary.write, "ship")
        ctx.step.run("thank", diary.write, "thank")


def side_by_side(app: App, charge: Callable[[], str], diary: Diary) -> None:
    @app.create_function(fn_id="order", trigger=PLACED, **GUARDS)
    async def order(ctx: Context) -> None:
        async def after(step_id: str) -> None:
            await ctx.step.sleep("moment", 0)
            await ctx.step.run(step_id, diary.write, step_id)

        await ctx.step.run("charge", charge)
        await asyncio.gather(after("ship"), after("thank"))


def by_event(host: Host) -> None:
    events = host.cloud.queues["events"]
    host.cloud.send(Event("gone", {"id": "7"}, id="g-1"))
    events.deliver(events.receive())


def by_hand(host: Host) -> None:
    request_cancel([run_id_of("shop", "order", "p-1", "tarry.shop", "placed")], runtime().store, runtime().queues)


def by_time(host: Host) -> None:
    host.cloud.clock.move_to(host.cloud.clock.now() + 3_600_000)


WAYS = {"event": by_event, "by hand": by_hand, "timeouts.finish": by_time}


@pytest.mark.parametrize("reason", WAYS)
@pytest.mark.parametrize("add", [three_async, three_sync, side_by_side], ids=lambda add: add.__name__)
def test_the_running_step_ends_and_nothing_after_it_runs(
    app: App, host: Host, diary: Diary, add: Callable[..., None], reason: str
) -> None:
    def charge() -> str:
        WAYS[reason](host)
        host.cloud.clock.move_to(host.cloud.clock.now() + 1_500)
        diary.entries.append("charge")
        return "charged"

    add(app, charge, diary)
    host.send([Event("placed", {"id": "7"}, id="p-1")])
    run = host.run("order")
    assert (run.status, diary.entries) == ("cancelled", ["charge"])
    assert run.steps["charge"].output == "charged"
    assert run.cancellation is not None
    assert run.cancellation.reason == reason
    host.advance("2h")
    assert (run.status, diary.entries) == ("cancelled", ["charge"])
    assert len(host.events("tarry/function.cancelled")) == 1
    assert (in_indexes(host.cloud), host.dead_letters) == (set(), [])


@pytest.mark.parametrize("reason", ["event", "by hand"])
def test_a_step_that_begins_within_a_second_of_the_last_look_may_still_run(
    app: App, host: Host, diary: Diary, reason: str
) -> None:
    """To look costs requests; short runs make none. The message that stands behind the run ends it where it rests."""

    @app.create_function(fn_id="order", trigger=PLACED, **GUARDS)
    async def order(ctx: Context) -> None:
        await ctx.step.run("charge", WAYS[reason], host)
        await ctx.step.run("ship", diary.write, "ship")
        await ctx.step.sleep("rest", "1h")
        await ctx.step.run("thank", diary.write, "thank")

    host.send([Event("placed", {"id": "7"}, id="p-1")])
    assert (host.run().status, diary.entries) == ("cancelled", ["ship"])
    assert in_indexes(host.cloud) == set()

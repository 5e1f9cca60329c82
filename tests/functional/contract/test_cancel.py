"""A run is cancelled: it ends where it is, once, and nothing of it is left."""

import asyncio
from collections.abc import Callable

import pytest

from tarry import App, Context, ContextSync, Event, TriggerEvent
from tarry_backend.queues.messages import CancelRun
from tarry_backend.runtime import runtime
from tarry_dev.cloud import Cloud, Host, HostedRun
from tests.functional.contract.deaths import Mortal, deaths
from tests.functional.contract.diary import Diary
from tests.functional.contract.traces import in_indexes

PLACED = TriggerEvent(event="placed")
CANCELLED = "tarry/function.cancelled"
EITHER = "async.data.id == event.data.id || async.data.all == true"

Add = Callable[[App, Diary], None]


def waits_async(app: App, diary: Diary) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> str:
        await ctx.step.run("bill", diary.write, "bill")
        await asyncio.gather(
            ctx.step.wait_for_event("paid", event="paid", if_exp=EITHER, timeout="2h"),
            ctx.step.sleep("rest", "1h"),
        )
        return await ctx.step.run("ship", diary.write, "ship")


def waits_sync(app: App, diary: Diary) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    def order(ctx: ContextSync) -> None:
        ctx.step.run("bill", diary.entries.append, "bill")
        ctx.step.wait_for_event("paid", event="paid", if_exp=EITHER, timeout="2h")
        ctx.step.run("ship", diary.entries.append, "ship")


def sleeps_async(app: App, diary: Diary) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> None:
        await ctx.step.run("bill", diary.write, "bill")
        await ctx.step.sleep("rest", "1h")
        await ctx.step.run("ship", diary.write, "ship")


def sleeps_sync(app: App, diary: Diary) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    def order(ctx: ContextSync) -> None:
        ctx.step.run("bill", diary.entries.append, "bill")
        ctx.step.sleep("rest", "1h")
        ctx.step.run("ship", diary.entries.append, "ship")


def step_retries(app: App, diary: Diary) -> None:
    @app.create_function(fn_id="order", trigger=PLACED, backoff=["1h"])
    async def order(ctx: Context) -> None:
        async def bill() -> None:
            await diary.write("bill")
            raise ConnectionError

        await ctx.step.run("bill", bill)


def function_retries(app: App, diary: Diary) -> None:
    @app.create_function(fn_id="order", trigger=PLACED, backoff=["1h"])
    async def order(ctx: Context) -> None:
        await diary.write("bill")
        raise ConnectionError


@pytest.fixture
def listened(app: App) -> list[str]:
    """The ids of the runs whose cancelling a function was started by."""
    heard: list[str] = []

    @app.create_function(fn_id="listener", trigger=TriggerEvent(event=CANCELLED))
    async def listener(ctx: Context) -> None:
        heard.append(ctx.event.data["run_id"])

    return heard


def paid() -> Event:
    return Event("paid", {"id": "7"})


def cancel(run: HostedRun) -> None:
    """Asks for it, and lets nothing happen yet."""
    runtime().queues.send_to_runs([CancelRun(run.id)])


@pytest.mark.parametrize(
    "add",
    [waits_async, waits_sync, sleeps_async, sleeps_sync, step_retries, function_retries],
    ids=lambda add: add.__name__,
)
def test_w20_a_run_that_rests_is_cancelled_where_it_is_and_hears_no_more(
    app: App, host: Host, diary: Diary, listened: list[str], add: Add
) -> None:
    add(app, diary)
    host.send("placed", {"id": "7"})
    run = host.run("order")
    assert run.status == "running"
    assert in_indexes(host.cloud) != set()
    host.cancel(run)
    assert (run.status, run.output, run.error) == ("cancelled", None, None)
    assert {step.status for step in run.steps.values()} <= {"done", "withdrawn"}
    assert in_indexes(host.cloud) == set()
    before = repr(run)
    host.send([paid()])
    host.advance("3h")
    assert (repr(run), diary.entries, listened) == (before, ["bill"], [run.id])
    assert host.dead_letters == []


def test_the_bus_is_told_which_run_was_cancelled_and_by_what_it_was_started(app: App, host: Host, diary: Diary) -> None:
    waits_async(app, diary)
    host.send([Event("placed", {"id": "7"}, id="p-1")])
    run = host.run()
    host.cancel(run)
    [told] = host.events(CANCELLED)
    assert told.data.keys() == {"function_id", "run_id", "event", "reason", "cancelled_by"}
    assert (told.data["reason"], told.data["cancelled_by"]) == ("by hand", None)
    assert (told.data["function_id"], told.data["run_id"]) == ("order", run.id)
    assert told.data["event"]["id"] == "p-1"
    assert host.events("tarry/function.finished") == []


def test_a_run_that_is_cancelled_twice_is_cancelled_once(
    app: App, host: Host, diary: Diary, listened: list[str]
) -> None:
    waits_async(app, diary)
    host.send("placed", {"id": "7"})
    run = host.run("order")
    host.cancel(run)
    ended = repr(run)
    host.cancel(run)
    host.advance("10m")  # from here on the queue does not drop a second one by itself
    host.cancel(run)
    assert (repr(run), listened) == (ended, [run.id])


def test_a_run_that_has_ended_stays_as_it_ended(app: App, host: Host, listened: list[str]) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> str:
        return "shipped"

    host.send("placed", {"id": "7"})
    run = host.run("order")
    host.cancel(run)
    assert (run.status, run.output, listened) == ("finished", "shipped", [])
    assert host.dead_letters == []


def test_a_run_that_is_not_there_is_nothing_to_cancel(host: Host) -> None:
    host.cancel(HostedRun("0000000000000000000000000Z"))
    host.advance("3h")
    assert host.dead_letters == []


@pytest.mark.parametrize("first", ["event", "cancel"])
def test_of_an_event_and_a_cancel_at_the_same_time_the_one_that_the_queue_has_first_wins(
    app: App, cloud: Cloud, host: Host, diary: Diary, first: str
) -> None:
    """runs queue    resume ── cancel      or      cancel ── resume"""
    waits_sync(app, diary)
    host.send("placed", {"id": "7"})
    run = host.run("order")
    with cloud.hold("runs"):
        if first == "cancel":
            cancel(run)
        host.send([paid()])
        if first == "event":
            cancel(run)
        kinds = [message.json["tarry"] for message in cloud.queues["runs"].messages]
    assert kinds == (["resume", "cancel"] if first == "event" else ["cancel", "resume"])
    host.advance("3h")
    assert run.status == ("finished" if first == "event" else "cancelled")
    assert diary.entries == (["bill", "ship"] if first == "event" else ["bill"])
    assert in_indexes(cloud) == set()
    assert host.dead_letters == []


def test_the_step_that_runs_when_the_cancel_comes_is_kept_and_nothing_after_a_rest_runs(
    app: App, host: Host, diary: Diary
) -> None:
    """The message waits in the run's group behind the one that is being worked on."""

    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> None:
        async def charge() -> str:
            cancel(host.run())
            return await diary.write("charged")

        await ctx.step.run("charge", charge)
        await ctx.step.sleep("rest", "1h")
        await ctx.step.run("ship", diary.write, "ship")

    host.send("placed", {"id": "7"})
    host.advance("2h")
    run = host.run()
    assert (run.status, diary.entries) == ("cancelled", ["charged"])
    assert {key: step.status for key, step in run.steps.items()} == {"charge": "done", "rest": "withdrawn"}


def test_a_run_whose_function_is_gone_can_be_cancelled(app: App, host: Host, diary: Diary) -> None:
    waits_sync(app, diary)
    host.send("placed", {"id": "7"})
    run = host.run()
    app.functions.pop("order")  # type: ignore[attr-defined]
    host.cancel(run)
    assert run.status == "cancelled"
    assert host.dead_letters == []


def cancelled_by(executor: Mortal) -> tuple[object, ...]:
    """What there is once a run was cancelled by such an executor."""
    app, diary, heard = App("shop"), Diary(), Diary()
    waits_async(app, diary)

    @app.create_function(fn_id="listener", trigger=TriggerEvent(event=CANCELLED))
    async def listener(ctx: Context) -> None:
        await heard.write(ctx.event.data["run_id"])

    with Cloud(app) as cloud:
        host = Host(cloud)
        host.send("placed", {"id": "7"})
        run = host.run("order")
        cancel(run)
        with cloud.dies(executor):
            cloud.queues["runs"].deliver(cloud.queues["runs"].receive())
        host.send([paid()])
        host.advance("20m")
        assert heard.entries == [run.id]
        return run.status, diary.entries, in_indexes(cloud), host.dead_letters, [*run.steps], host.events()[-1].name


def test_whichever_call_the_executor_dies_at_the_run_is_cancelled_once_and_nothing_of_it_is_left() -> None:
    immortal = Mortal("executor")
    alive = cancelled_by(immortal)
    assert alive[:4] == ("cancelled", ["bill"], set(), [])
    assert len(immortal.calls) >= 4, "a query, the end, the bus, the steps"
    for death in deaths("executor", immortal.calls):
        executor = Mortal("executor", death)
        assert cancelled_by(executor) == alive, death
        assert executor.has_died, death

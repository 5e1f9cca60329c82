"""Runs beside each other: one's slow step, failure or death is not the others'."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest

from tarry import App, Context, ContextSync, Event, TriggerEvent
from tarry_dev.cloud import Cloud, Host, RealClock
from tests.functional.contract.diary import Diary
from tests.functional.contract.traces import in_indexes


@pytest.mark.parametrize("face", ["async", "def"])
def test_runs_go_side_by_side_in_a_served_cloud(face: str) -> None:
    """Each of three bodies waits for the other two: one after another they would wait for ever."""
    app = App("shop")
    together = threading.Barrier(3, timeout=20)
    met = threading.Semaphore(0)
    trigger = TriggerEvent(event="placed")

    def body() -> None:
        together.wait()
        met.release()

    if face == "async":

        @app.create_function(fn_id="order", trigger=trigger)
        async def order(ctx: Context) -> None:
            await ctx.step.run("meet", body)
    else:

        @app.create_function(fn_id="order", trigger=trigger)
        def order_too(ctx: ContextSync) -> None:
            ctx.step.run("meet", body)

    with Cloud(app, clock=RealClock()) as cloud, cloud.serve():
        cloud.send([Event("placed", id=str(number)) for number in range(3)])
        assert all(met.acquire(timeout=20) for _ in range(3))


def test_w33_a_quick_runs_next_message_is_handled_while_a_slow_ones_step_lasts(app: App, host: Host) -> None:
    """Both runs' messages are in the queue at once, and an invocation of the executor has begun with the slow one's."""
    begun, may_end = threading.Event(), threading.Event()

    @app.create_function(fn_id="slow", trigger=TriggerEvent(event="placed"))
    async def slow(ctx: Context) -> str:
        return await ctx.step.run("work", work)

    def work() -> str:
        begun.set()
        assert may_end.wait(20)
        return "worked"

    @app.create_function(fn_id="quick", trigger=TriggerEvent(event="placed"))
    async def quick(ctx: Context) -> str:
        event = await ctx.step.wait_for_event("answer", event="answered", timeout="1h")
        return "answered" if event else "in vain"

    queue = host.cloud.queues["runs"]
    with host.cloud.hold("runs"):
        host.send("placed")
        batch = queue.receive()
    with ThreadPoolExecutor(1) as lambdas:
        delivery = lambdas.submit(queue.deliver, batch)
        try:
            assert begun.wait(20)
            host.cloud.pump()
            host.send("answered")
            assert host.run("quick").output == "answered"
            assert not delivery.done()
        finally:
            may_end.set()
        assert delivery.result(20).error is None
    assert host.run("slow").output == "worked"


def test_a_run_that_fails_leaves_the_others_alone(app: App, host: Host) -> None:
    """One's message is for a function that is gone: it comes again until it is a dead letter."""

    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"))
    async def order(ctx: Context) -> str:
        return await ctx.step.run("note", lambda: ctx.event.id)

    @app.create_function(fn_id="gone", trigger=TriggerEvent(event="lost"))
    async def gone(ctx: Context) -> None: ...

    with host.cloud.hold("runs"):
        host.send([Event("placed", id="a"), Event("lost", id="b"), Event("placed", id="c")])
        del app._functions["gone"]  # as a deployment of other code does
    host.cloud.pump()
    assert [run.output for run in host.runs("order")] == ["a", "c"]
    host.advance("6h")
    assert [letter.body.count('"gone"') for letter in host.dead_letters] == [1]


def test_r22_of_five_runs_three_that_kill_their_executor_fail_with_a_reason_and_two_are_untouched(
    app: App, host: Host, diary: Diary
) -> None:
    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"))
    async def order(ctx: Context) -> str:
        await ctx.step.run("count", count, ctx.event.id)
        return "done"

    def count(event_id: str) -> None:
        diary.entries.append(event_id)
        if event_id.startswith("poison"):
            boto3.client("s3").list_buckets()

    ids = ["poison 1", "sound 1", "poison 2", "sound 2", "poison 3"]
    with host.cloud.dies(lambda call: call.operation == "ListBuckets", function="executor"):
        host.send([Event("placed", id=event_id) for event_id in ids])
        host.advance("6h")
    runs = {run.event.id: run for run in host.runs()}
    for event_id, run in runs.items():
        if event_id.startswith("poison"):
            assert (run.status, run.error and run.error.name) == ("failed", "ExecutorDied")
        else:
            assert run.output == "done"
    bodies = Counter(diary.entries)
    assert (bodies["sound 1"], bodies["sound 2"]) == (1, 1)
    assert {event.data["run_id"] for event in host.events("tarry/function.failed")} == {
        run.id for event_id, run in runs.items() if event_id.startswith("poison")
    }
    assert host.dead_letters == []
    assert in_indexes(host.cloud) == set()

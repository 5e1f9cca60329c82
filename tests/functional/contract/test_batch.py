"""A batch of the runs queue holds several runs: they go side by side, and one's failure is not the others'."""

import threading

import pytest

from tarry import App, Context, ContextSync, Event, TriggerEvent
from tarry_dev.cloud import Host


@pytest.mark.parametrize("face", ["async", "def"])
def test_runs_of_one_batch_go_side_by_side(app: App, host: Host, face: str) -> None:
    """Each of three bodies waits for the other two: one after another they would wait for ever."""
    together = threading.Barrier(3, timeout=20)
    trigger = TriggerEvent(event="placed")

    def body() -> str:
        together.wait()
        return "met"

    if face == "async":

        @app.create_function(fn_id="order", trigger=trigger)
        async def order(ctx: Context) -> str:
            return await ctx.step.run("meet", body)
    else:

        @app.create_function(fn_id="order", trigger=trigger)
        def order_too(ctx: ContextSync) -> str:
            return ctx.step.run("meet", body)

    host.send([Event("placed", id=str(number)) for number in range(3)])
    assert [run.output for run in host.runs()] == ["met"] * 3


def test_a_run_that_fails_leaves_the_others_of_its_batch_alone(app: App, host: Host) -> None:
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

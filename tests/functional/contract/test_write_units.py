"""What a run writes, in units of DynamoDB: docs/cost.md adds up their price."""

from tarry import App, Context, Event, TriggerEvent
from tarry_dev.cloud import Host
from tests.functional.contract.write_units import write_meter


async def say(what: str) -> str:
    return what


def test_a_run_with_two_steps_and_a_wait_that_an_event_ends_writes_each_of_its_items_no_second_time(
    app: App, host: Host
) -> None:
    @app.create_function(fn_id="order", trigger=TriggerEvent("placed"))
    async def order(ctx: Context) -> None:
        await ctx.step.run("bill", say, "billed")
        await ctx.step.wait_for_event("wait", event="paid", match="data.id", timeout="7d")
        await ctx.step.run("ship", say, "shipped")

    host.send([Event("warm", {"id": "0"}), Event("placed", {"id": "0"})])  # the names and their shape are known then
    with write_meter() as meter:
        host.send("placed", {"id": "7"})
        started = dict(meter.units)
        host.send("paid", {"id": "7"})
    assert host.run().status == "finished"
    # An event in the log, the run, a step, and the wait; the run and the wait come into their indexes.
    assert started == {"table": 4, "runs": 1, "waits": 1, "due": 1}
    # Two logged events (paid by name and by key, finished), the wait's end, a step, the run's end; the wait moves.
    assert meter.units == {"table": 4 + 6, "runs": 1, "waits": 3, "due": 2}


def test_a_run_that_fails_moves_in_the_index(app: App, host: Host) -> None:
    @app.create_function(fn_id="order", trigger=TriggerEvent("placed"), retries=0)
    async def order(ctx: Context) -> None:
        raise ValueError

    with write_meter() as meter:
        host.send("placed", {"id": "7"})
    assert host.run().status == "failed"
    assert meter.units["runs"] == 1 + 2

"""How late a timeout is: for each of many waits, from a fraction of a second to days."""

from datetime import timedelta
from random import Random

from tarry import App, Context, Event, TriggerEvent
from tarry_backend.runtime import runtime
from tarry_dev.cloud import Host

WAITS = 60
LATEST = 2_000


def timeouts() -> list[timedelta]:
    """Spread evenly over the magnitudes from 100 ms to four days, each with a fraction of a second."""
    random = Random(7)
    return [timedelta(milliseconds=int(100 * 10 ** (random.uniform(0, 6.5)))) for _ in range(WAITS)]


def test_every_timeout_comes_after_its_deadline_and_within_two_seconds(app: App, host: Host) -> None:
    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"))
    async def order(ctx: Context) -> str:
        timeout = timedelta(milliseconds=ctx.event.data["timeout"])
        event = await ctx.step.wait_for_event("wait", event="paid", match="data.id", timeout=timeout)
        return "paid" if event else "unpaid"

    spans = timeouts()
    host.send(
        [Event("placed", {"timeout": span // timedelta(milliseconds=1), "id": n}) for n, span in enumerate(spans)]
    )
    host.advance(max(spans) + timedelta(minutes=5))
    lateness = []
    for run in host.runs():
        assert run.output == "unpaid"
        step = runtime().store.runs.step(run.id, "wait")
        assert step is not None
        assert step.wait is not None
        assert step.ended is not None
        lateness.append(step.ended - step.wait.deadline)
    assert len(lateness) == WAITS
    assert min(lateness) > 0
    assert max(lateness) <= LATEST

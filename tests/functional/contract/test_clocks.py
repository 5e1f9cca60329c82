"""Lambdas whose clocks are ahead of the queues'."""

from collections.abc import Callable
from typing import Any

import pytest

from tarry import App, Context, Event, TriggerEvent
from tarry_backend.executor.run_clock import AHEAD, RunClock
from tarry_dev.cloud import Call, Chaos, Cloud, Host
from tests.functional.contract.plays import ThrottledError


@pytest.fixture
def orders(app: App, cloud: Cloud) -> list[str]:
    """A step asks; the answer comes 300 ms later, while the step lasts. Another one came a second before the run."""
    answers: list[str] = []

    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"))
    async def order(ctx: Context) -> Any:
        async def ask() -> None:
            cloud.clock.move_to(cloud.clock.now() + 300)
            answers.append(f"answer {len(answers)}")
            cloud.send(Event("answer", {"id": "7"}, id=answers[-1]))

        await ctx.step.run("ask", ask)
        answer = await ctx.step.wait_for_event("wait", event="answer", match="data.id", timeout="1h")
        return answer and answer.id

    return answers


def throttled_once() -> Callable[[Call], bool]:
    """The step's write is refused once, so its message comes again."""
    writes: list[Call] = []

    def refuse(call: Call) -> bool:
        writes.extend([call] if call.operation == "PutItem" and not call.answered else [])
        if len(writes) == 2 and call is writes[-1]:
            raise ThrottledError
        return False

    return refuse


@pytest.mark.parametrize("ahead", [0, 2_000, 4_500])
@pytest.mark.parametrize("again", [False, True])
def test_w36_a_clock_that_is_ahead_misses_no_answer(host: Host, orders: list[str], ahead: int, again: bool) -> None:
    """executor    step begins (2 s ahead) ── asks ┄┄┄┄┄┄┄┄┄┄┄┄ wait
    queue                                        answer (300 ms)
    """
    host.cloud.chaos = Chaos(clocks={"executor": ahead / 1000})
    with host.cloud.dies(throttled_once() if again else lambda call: False, function="executor"):
        host.send("placed", {"id": "7"})
        host.advance("1m")
    assert (host.run().output, len(orders)) == ("answer 0", 2 if again else 1)


async def invoke_before(ctx: Context) -> None:
    await ctx.step.invoke_by_id("before", function_id="pack")


async def wait_before(ctx: Context) -> None:
    await ctx.step.wait_for_event("before", event="go", match="data.id", timeout="1h")


async def sleep_before(ctx: Context) -> None:
    await ctx.step.sleep("before", "1s")


@pytest.mark.parametrize("before", [invoke_before, wait_before, sleep_before])
def test_w36_a_step_behind_a_result_that_a_fast_clock_noted_misses_no_answer(
    app: App, host: Host, before: Callable[[Context], Any]
) -> None:
    """executor    result ended (4.5 s ahead) ── ask (not kept)        ask, kept ── wait
    queue                                             answer (300 ms)
    """
    cloud = host.cloud

    @app.create_function(fn_id="pack", trigger=TriggerEvent(event="pack"))
    async def pack(ctx: Context) -> None:
        pass

    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"))
    async def order(ctx: Context) -> Any:
        await before(ctx)
        await ctx.step.run("ask", ask)
        answer = await ctx.step.wait_for_event("wait", event="answer", match="data.id", timeout="1h")
        return answer and answer.id

    asked: list[int] = []
    throttled: list[Call] = []

    async def ask() -> None:
        asked.append(len(asked))
        if asked == [0]:
            cloud.clock.move_to(cloud.clock.now() + 300)
            cloud.send(Event("answer", {"id": "7"}, id="answer"))

    def throttle(call: Call) -> bool:
        if call.operation == "PutItem" and not call.answered and asked == [0] and not throttled:
            throttled.append(call)
            raise ThrottledError
        return False

    cloud.chaos = Chaos(clocks={"executor": 4.5})
    with cloud.dies(throttle, function="executor"):
        host.send("placed", {"id": "7"})
        host.advance("2s")
        host.send("go", {"id": "7"})
        host.advance("1m")
    assert (host.run("order").output, len(asked)) == ("answer", 2)


def test_w05_what_came_before_the_step_began_is_still_not_seen(host: Host, orders: list[str]) -> None:
    host.cloud.chaos = Chaos(clocks={"executor": 2})
    with host.cloud.hold("runs"):
        host.send("placed", {"id": "7"})
        host.cloud.advance("1s")
        host.send([Event("answer", {"id": "7"}, id="too early", ts=host.cloud.clock.now())])
        host.cloud.advance("1s")
    host.advance("1m")
    assert (host.run().output, orders) == ("answer 0", ["answer 0"])


@pytest.mark.parametrize(
    ("arrived", "first_received", "lag"),
    [(1_000, 1_000, 0), (1_000, 980, 20), (1_000, 1_500, 0), (9_000_000, 1_000, AHEAD), (9_000_000, 0, AHEAD)],
)
def test_the_queues_clock_is_behind_by_what_shows_and_by_no_more_than_may_be(
    cloud: Cloud, arrived: int, first_received: int, lag: int
) -> None:
    at_hand = RunClock(0, arrived, first_received)
    assert at_hand.now() - at_hand.earliest() == lag

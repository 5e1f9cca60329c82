"""Rows R2 to R5, R8, R9, R12 and R14: steps that are cut off, fail, take long; code that catches too much."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from tarry import App, Context, ContextSync, StepError, TriggerEvent
from tarry_dev.cloud import Call, Cloud, Delivery, Host
from tests.functional.contract.diary import Diary

START = TriggerEvent(event="order/placed")


def add_three_steps(app: App, diary: Diary) -> None:
    @app.create_function(fn_id="order", trigger=START)
    async def order(ctx: Context) -> str:
        for name in ("bill", "pack", "ship"):
            await ctx.step.run(name, diary.write, name)
        return "shipped"


@pytest.mark.parametrize(
    ("answered", "bodies"),
    [(False, ["bill", "pack", "pack", "ship"]), (True, ["bill", "pack", "ship"])],
    ids=["r02-before", "r03-after"],
)
def test_r02_r03_a_step_runs_again_if_its_lambda_dies_before_it_is_kept_and_no_other_does(
    app: App, host: Host, diary: Diary, answered: bool, bodies: list[str]
) -> None:
    add_three_steps(app, diary)

    def dies(call: Call) -> bool:
        return call.operation == "PutItem" and call.answered is answered and diary.entries[-1:] == ["pack"]

    with host.cloud.dies(dies):
        host.send("order/placed")
    assert diary.entries == ["bill", "pack"]
    host.advance("16m")
    assert host.run().output == "shipped"
    assert diary.entries == bodies


def test_r04_a_step_that_fails_twice_then_works_is_tried_after_the_backoffs_pauses(app: App, host: Host) -> None:
    tries: list[tuple[int, int]] = []

    @app.create_function(fn_id="order", trigger=START, retries=4)
    async def order(ctx: Context) -> Any:
        async def charge() -> str:
            tries.append((ctx.attempt, host.cloud.clock.now()))
            if ctx.attempt < 2:
                raise ConnectionError("the bank is away")
            return "charged"

        return await ctx.step.run("charge", charge)

    host.send("order/placed")
    kept = host.run().steps["charge"]
    assert (kept.status, kept.attempt) == ("retrying", 1)
    assert kept.error is not None
    assert (kept.error.name, kept.error.message) == ("ConnectionError", "the bank is away")
    host.advance("5m")
    assert host.run().output == "charged"
    attempts, times = zip(*tries, strict=True)
    assert attempts == (0, 1, 2)
    first, second = times[1] - times[0], times[2] - times[1]
    assert 15_000 <= first <= 15_000 * 1.1 + 1_100, "15 s, up to a tenth more, and a second of the queue's"
    assert 30_000 <= second <= 30_000 * 1.1 + 1_100


@pytest.mark.parametrize("retries", [0, 2])
def test_r05_a_step_that_fails_for_good_fails_its_run_and_the_error_is_kept(
    app: App, host: Host, diary: Diary, retries: int
) -> None:
    @app.create_function(fn_id="order", trigger=START, retries=retries, backoff=["1s"])
    async def order(ctx: Context) -> None:
        await ctx.step.run("charge", charge)

    async def charge() -> None:
        await diary.write("charge")
        raise ValueError("no such card")

    host.send("order/placed")
    host.advance("1m")
    run = host.run()
    assert (run.status, run.steps["charge"].status) == ("failed", "failed")
    assert run.error is not None
    assert (run.error.name, run.error.message) == ("ValueError", "no such card")
    assert 'raise ValueError("no such card")' in run.error.stack
    assert diary.entries == ["charge"] * (retries + 1)
    [announced] = host.events("tarry/function.failed")
    assert announced.data["error"]["message"] == "no such card"


def test_r05_a_caught_step_error_lets_the_run_go_on_also_in_later_replays(app: App, host: Host) -> None:
    @app.create_function(fn_id="order", trigger=START, retries=0)
    async def order(ctx: Context) -> str:
        try:
            await ctx.step.run("charge", charge)
        except StepError as error:
            await ctx.step.wait_for_event("other card", event="card", timeout="1h")
            return f"{error.step_id}: {error.name}: {error.message}"
        return "charged"

    async def charge() -> None:
        raise ValueError("no such card")

    host.send("order/placed")
    host.send("card")
    assert host.run().output == "charge: ValueError: no such card"


async def cautious(ctx: Context) -> str:
    try:
        event = await ctx.step.wait_for_event("wait", event="order/paid", timeout="1h")
    except Exception:
        return "swallowed"
    return "paid" if event else "unpaid"


def cautious_sync(ctx: ContextSync) -> str:
    try:
        event = ctx.step.wait_for_event("wait", event="order/paid", timeout="1h")
    except Exception:
        return "swallowed"
    return "paid" if event else "unpaid"


async def greedy(ctx: Context) -> str:
    try:
        event = await ctx.step.wait_for_event("wait", event="order/paid", timeout="1h")
    except BaseException:
        return "swallowed"
    return "paid" if event else "unpaid"


def greedy_sync(ctx: ContextSync) -> str:
    try:
        event = ctx.step.wait_for_event("wait", event="order/paid", timeout="1h")
    except:  # noqa: E722 - what the row is about
        return "swallowed"
    return "paid" if event else "unpaid"


@pytest.mark.parametrize(
    ("handler", "lesson"),
    [(cautious, False), (cautious_sync, False), (greedy, True), (greedy_sync, True)],
    ids=["r08-async", "r08-sync", "r09-async", "r09-sync"],
)
def test_r08_r09_no_except_clause_swallows_a_suspension_and_one_that_tries_is_taught(
    app: App, host: Host, caplog: pytest.LogCaptureFixture, handler: Callable[[Any], Any], lesson: bool
) -> None:
    app.create_function(fn_id="order", trigger=START)(handler)
    with caplog.at_level(logging.WARNING):
        host.send("order/placed")
    assert host.run().status == "running"
    taught = [record.getMessage() for record in caplog.records if "order caught its suspension" in record.getMessage()]
    assert bool(taught) is lesson
    assert all("except Exception" in line for line in taught)
    host.send("order/paid")
    assert host.run().output == "paid"


def test_r12_near_its_end_an_invocation_stops_between_two_steps_and_another_goes_on(
    app: App, host: Host, diary: Diary
) -> None:
    """Ten steps of 70 seconds, invocations of 300, of which the last 60 begin no step: so four in each."""
    left = 300_000
    invocations: list[int] = []

    @app.create_function(fn_id="order", trigger=START)
    async def order(ctx: Context) -> str:
        for number in range(10):
            await ctx.step.run(f"step {number}", work, number)
        return "done"

    async def work(number: int) -> None:
        nonlocal left
        left -= 70_000
        await diary.write(number)

    def ended(delivery: Delivery) -> None:
        nonlocal left
        if delivery.function == "executor":
            left = 300_000
            invocations.append(len(diary.entries))

    host.cloud.functions["executor"].remaining = lambda: left
    host.cloud.observe(ended)
    host.send("order/placed")
    assert host.run().output == "done"
    assert diary.entries == list(range(10))
    assert invocations == [4, 8, 10]


def test_r14_while_one_message_of_a_run_is_in_flight_no_other_of_it_is_handed_out(
    app: App, cloud: Cloud, host: Host
) -> None:
    @app.create_function(fn_id="order", trigger=START)
    async def order(ctx: Context) -> list[str]:
        events = await asyncio.gather(
            ctx.step.wait_for_event("paid", event="order/paid", match="data.id", timeout="1h"),
            ctx.step.wait_for_event("packed", event="order/packed", match="data.id", timeout="1h"),
        )
        return [event.name for event in events if event]

    for order_id in ("a", "b"):
        host.send("order/placed", {"id": order_id})
    runs = cloud.queues["runs"]
    with cloud.hold("runs"):
        for name in ("order/paid", "order/packed"):
            host.send(name, {"id": "a"})
        host.send("order/paid", {"id": "b"})
        [first] = runs.receive(1)
        others = runs.receive()
        assert [message.group == first.group for message in others] == [False]
        runs.deliver(others)
        assert runs.receive() == []
        runs.deliver([first])
        [second] = runs.receive()
        assert second.group == first.group
        runs.deliver([second])
    assert [run.output for run in host.runs()] == [["order/paid", "order/packed"], None]

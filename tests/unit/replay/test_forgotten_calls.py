"""Calls of steps that your code makes and does not await."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tarry_backend.replay import Failed, Paused
from tests.unit.replay.memory import MemoryRun, durable, output_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from tarry import Context

    Program = Callable[[Context], Coroutine[Any, Any, Any]]

HERE = __file__


def line_of(program: Program, text: str) -> int:
    """The line of this file in which the program has this text."""
    first = program.__code__.co_firstlineno
    lines = Path(HERE).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if number >= first and text in line)


def assert_fails(program: Program, *, at: str, saying: str, steps: tuple[str, ...] = ()) -> None:
    """The run fails by the line that has ``at``, and has kept these steps alone."""
    run = MemoryRun(durable(program))
    outcome = run.replay()
    assert isinstance(outcome, Failed), outcome
    assert outcome.final
    assert outcome.error.name == "StepCallError"
    assert saying in outcome.error.message
    assert f"({HERE}, line {line_of(program, at)})" in outcome.error.message
    assert tuple(run.journal.steps) == steps


def test_r15_a_step_that_is_never_awaited_fails_the_run_before_the_next_begins() -> None:
    async def order(ctx: Context) -> str:
        ctx.step.run("approve", int)  # type: ignore[unused-coroutine]
        await ctx.step.run("pay", int)
        return "paid"

    assert_fails(order, at='"approve"', saying="step 'approve' was called and never awaited")


def test_r15_a_wait_that_is_a_condition_fails_the_run_at_once() -> None:
    async def order(ctx: Context) -> str:
        if ctx.step.wait_for_event("approval", event="approved", timeout="1d"):  # type: ignore[truthy-bool]
            await ctx.step.run("pay", int)
        return "paid"

    assert_fails(order, at='"approval"', saying="step 'approval' was used as a condition and not awaited")


def test_r15_a_wait_whose_call_is_kept_and_not_awaited_fails_the_run_before_the_next_step() -> None:
    async def order(ctx: Context) -> str:
        approval = ctx.step.wait_for_event("approval", event="approved", timeout="1d")
        if approval is not None:
            await ctx.step.run("pay", int)
        return "paid"

    saying = "step 'approval' was called"
    assert_fails(order, at='"approval"', saying=saying)
    assert_fails(order, at='"approval"', saying="and not awaited before step 'pay'")


def test_r15_a_call_that_the_function_still_holds_at_its_end_fails_the_run() -> None:
    kept: list[object] = []

    async def order(ctx: Context) -> str:
        kept.append(ctx.step.run("pay", int))
        return "paid"

    assert_fails(order, at='"pay"', saying="step 'pay' was called and never awaited")
    kept.clear()
    gc.collect()


def test_r15_a_task_that_is_left_behind_with_a_step_in_it_fails_the_run() -> None:
    async def order(ctx: Context) -> str:
        receipt = asyncio.create_task(ctx.step.sleep("receipt", "1h"))
        await ctx.step.run("pay", int)
        return "paid" if receipt.get_name() else ""

    run = MemoryRun(durable(order))
    outcome = run.replay()
    assert isinstance(outcome, Failed)
    assert "the function returned while step 'receipt' was under way in a task" in outcome.error.message
    assert f"({HERE}, line {line_of(order, chr(34) + 'receipt')})" in outcome.error.message


def test_r15_a_task_that_has_not_begun_its_step_fails_the_run() -> None:
    kept: list[asyncio.Task[Any]] = []

    async def order(ctx: Context) -> str:
        kept.append(asyncio.create_task(ctx.step.run("pay", int)))
        return "paid"

    assert_fails(order, at='"pay"', saying="step 'pay' was under way in a task")


@pytest.mark.parametrize("group", ["parallel", "race"])
def test_r15_a_group_that_is_never_awaited_fails_the_run(group: str) -> None:
    async def order(ctx: Context) -> str:
        getattr(ctx.group, group)([lambda: ctx.step.run("pay", int)])
        return "paid"

    assert_fails(order, at="ctx.group, group", saying=f"group.{group} was called and never awaited")


def test_r15_calls_that_are_made_ahead_and_awaited_in_turn_are_told_how_to_do_it() -> None:
    async def order(ctx: Context) -> None:
        calls = [ctx.step.run(f"pay-{n}", int) for n in range(3)]
        for call in calls:
            await call

    assert_fails(order, at="calls = [", saying="several of them by asyncio.gather")


def test_r15_a_call_that_is_an_argument_of_another_step_fails_the_run() -> None:
    async def order(ctx: Context) -> None:
        await ctx.step.run("double", lambda n: n, ctx.step.run("count", int))

    assert_fails(order, at='"double"', saying="step 'count' was called")


def test_r15_no_handler_of_errors_hides_it() -> None:
    async def order(ctx: Context) -> str:
        try:
            if ctx.step.wait_for_event("approval", event="approved", timeout="1d"):  # type: ignore[truthy-bool]
                return "approved"
        except Exception:
            return "caught"
        return "not approved"

    assert_fails(order, at='"approval"', saying="used as a condition")


def test_an_attribute_of_a_call_says_that_it_is_not_awaited() -> None:
    async def order(ctx: Context) -> str:
        call: Any = ctx.step.sleep("approval", "1d")
        try:
            return str(call.data)
        except AttributeError as error:
            await call
            return str(error)

    run = MemoryRun(durable(order))
    assert run.replay() == Paused()
    text = "step 'approval' has no 'data' before it is awaited: write await before the call"
    assert output_of(run.wake_after("1d")) == text


async def _same(call: Awaitable[Any]) -> Any:
    return await call


async def gathered(ctx: Context) -> Any:
    return await asyncio.gather(ctx.step.run("a", int), ctx.step.run("b", int))


async def wrapped(ctx: Context) -> Any:
    return await asyncio.gather(_same(ctx.step.run("a", int)), _same(ctx.step.run("b", int)))


async def in_a_group_of_tasks(ctx: Context) -> Any:
    async with asyncio.TaskGroup() as group:
        a, b = group.create_task(ctx.step.run("a", int)), group.create_task(ctx.step.run("b", int))
    return [a.result(), b.result()]


async def as_they_are_completed(ctx: Context) -> Any:
    return [await each for each in asyncio.as_completed([ctx.step.run("a", int), ctx.step.run("b", int)])]


async def shielded(ctx: Context) -> Any:
    return [await asyncio.shield(ctx.step.run("a", int)), await asyncio.wait_for(ctx.step.run("b", int), 60)]


async def in_branches(ctx: Context) -> Any:
    return list(await ctx.group.parallel([lambda: ctx.step.run("a", int), lambda: ctx.step.run("b", int)]))


async def cancelled(ctx: Context) -> Any:
    tasks = [asyncio.create_task(ctx.step.sleep("a", "1h")), asyncio.create_task(ctx.step.sleep("b", "1h"))]
    await ctx.step.run("c", int)
    return [0 for task in tasks if task.cancel()]


async def cancelled_before_it_began(ctx: Context) -> Any:
    task = asyncio.create_task(ctx.step.sleep("a", "1h"))
    task.cancel()
    return [0, 0]


async def closed(ctx: Context) -> Any:
    ctx.step.sleep("a", "1h").close()
    return [0, 0]


@pytest.mark.parametrize(
    "program",
    [
        gathered,
        wrapped,
        in_a_group_of_tasks,
        as_they_are_completed,
        shielded,
        in_branches,
        cancelled,
        cancelled_before_it_began,
        closed,
    ],
    ids=lambda program: program.__name__,
)
def test_calls_that_tasks_await_or_that_are_given_up_are_fine(program: Program) -> None:
    assert output_of(MemoryRun(durable(program)).replay()) == [0, 0]


def test_a_task_that_is_cancelled_before_its_call_begins_is_cancelled_and_no_more() -> None:
    async def order(ctx: Context) -> str:
        task = asyncio.create_task(ctx.step.run("pay", int))
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            return "cancelled"
        return "paid"

    run = MemoryRun(durable(order))
    assert output_of(run.replay()) == "cancelled"
    assert not run.journal.steps


def test_the_function_s_own_error_outweighs_a_call_that_it_could_not_await_any_more() -> None:
    async def order(ctx: Context) -> None:
        calls = [ctx.step.run("a", int)]
        raise ValueError(f"no stock for {len(calls)}")

    outcome = MemoryRun(durable(order)).replay()
    assert isinstance(outcome, Failed)
    assert outcome.error.message == "no stock for 1"


def test_a_pause_is_none_of_a_call_that_waits_in_a_task() -> None:
    async def order(ctx: Context) -> str:
        receipt = asyncio.create_task(ctx.step.sleep("receipt", "2h"))
        await ctx.step.sleep("rest", "1h")
        await receipt
        return "done"

    run = MemoryRun(durable(order))
    assert run.replay() == Paused()
    assert run.wake_after("1h") == Paused()
    assert output_of(run.wake_after("2h")) == "done"


def test_a_call_after_which_the_function_is_suspended_fails_no_run() -> None:
    """What its ``finally`` calls is not awaited any more, since the function is gone."""

    async def order(ctx: Context) -> str:
        try:
            await ctx.step.sleep("rest", "1h")
        finally:
            late = ctx.step.run("late", int)
            await late
        return "done"

    run = MemoryRun(durable(order))
    assert run.replay() == Paused()
    assert output_of(run.wake_after("1h")) == "done"

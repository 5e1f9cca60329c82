"""The order in which a function receives its results, step by step and without a function."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tarry_backend.replay import Status, Step
from tarry_backend.replay.result_order import ResultOrder

if TYPE_CHECKING:
    from collections.abc import Coroutine


def step(key: str, begun: int, ended: int | None = None, status: Status = Status.DONE) -> Step:
    status = Status.WAITING if ended is None else status
    return Step(key=key, kind="wait", status=status, begun_order=begun, began=0, ended_order=ended)


async def asked(*asking: Coroutine[Any, Any, None]) -> list[asyncio.Task[None]]:
    """Tasks of code that asks, each of which has come to its first wait."""
    tasks = [asyncio.create_task(each) for each in asking]
    await asyncio.sleep(0)
    return tasks


async def gone_on(tasks: list[asyncio.Task[None]]) -> list[bool]:
    await asyncio.sleep(0)
    return [task.done() for task in tasks]


def test_the_steps_that_the_function_has_not_asked_for_come_oldest_first() -> None:
    order = ResultOrder([step("third", 5), step("first", 1, 6), step("second", 3)], news=0)
    assert [each.key for each in order.missing()] == ["first", "second", "third"]
    order.visit("second")
    order.visit("never stored")
    assert [each.key for each in order.missing()] == ["first", "third"]


def test_results_come_in_the_order_in_which_their_steps_ended() -> None:
    order = ResultOrder(
        [step("late", 1, 9), step("open", 2), step("early", 3, 4), step("lost", 5, 6, status=Status.WITHDRAWN)], news=0
    )
    assert [key for key in ("late", "open", "early", "lost") if order.awaits(key)] == ["late", "early"]
    assert order.is_next("early")
    assert not order.is_next("late")
    order.take("early")
    assert order.is_next("late")
    assert not order.awaits("early")
    assert [each.key for each in order.missing()] == ["late", "open", "lost"]


def test_a_result_waits_for_those_before_it_and_new_steps_for_all() -> None:
    async def scene() -> None:
        order = ResultOrder([step("a", 1, 3), step("b", 2, 4)], news=1)
        assert (order.has_results, order.is_replaying) == (True, True)
        for key in "ab":
            order.visit(key)
        tasks = await asked(order.result("b"), order.live("new"))
        assert order.newcomers() == ["new"]
        assert not order.advance(), "the first result has no listener"
        assert await gone_on(tasks) == [False, False]
        first = await asked(order.result("a"))
        assert (order.has_results, order.is_replaying) == (True, True)
        assert order.advance()
        assert await gone_on([*first, *tasks]) == [True, False, False]
        assert (order.has_results, order.is_replaying) == (True, True), "b is news, and comes next"
        assert order.advance()
        assert (order.has_results, order.is_replaying) == (False, False), "what the function does with its news is new"
        assert await gone_on(tasks) == [True, False]
        assert order.advance()
        assert await gone_on(tasks) == [True, True]
        assert (order.newcomers(), order.has_results, order.is_replaying) == ([], False, False)
        assert not order.advance()
        assert await gone_on(await asked(order.live("newest"))) == [True]

    asyncio.run(scene())


def test_a_stored_step_that_is_missing_keeps_new_steps_from_beginning() -> None:
    async def scene() -> None:
        order = ResultOrder([step("open", 1)], news=0)
        tasks = await asked(order.live("new"))
        assert not order.advance()
        order.visit("open")
        assert order.advance()
        assert await gone_on(tasks) == [True]

    asyncio.run(scene())


def test_a_thread_that_is_to_start_comes_before_any_result() -> None:
    async def scene() -> None:
        order = ResultOrder([step("a", 1, 2)], news=0)
        order.visit("a")
        tasks = await asked(order.start(), order.start(), order.result("a"))
        assert order.is_starting
        assert not order.is_next("a")
        tasks[0].cancel()  # its branch has lost a race before it began
        await asyncio.sleep(0)
        assert order.advance()
        assert await gone_on(tasks) == [True, True, False]
        assert (order.is_starting, order.is_next("a")) == (False, True)
        assert order.advance()
        assert await gone_on(tasks) == [True, True, True]

    asyncio.run(scene())


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_what_waited_and_was_cancelled_uses_up_its_turn(is_cancelled: bool) -> None:
    """A branch that was cancelled has had its result, so the next result may come."""

    async def scene() -> None:
        order = ResultOrder([step("a", 1, 3), step("b", 2, 4)], news=0)
        tasks = await asked(order.result("a"), order.result("b"))
        if is_cancelled:
            tasks[0].cancel()
            await asyncio.sleep(0)
        assert order.advance()
        assert await gone_on(tasks) == [True, False]
        assert order.advance()
        assert await gone_on(tasks) == [True, True]

    asyncio.run(scene())


def test_new_steps_that_were_all_cancelled_are_no_progress() -> None:
    async def scene() -> None:
        order = ResultOrder([step("a", 1)], news=0)
        order.visit("a")
        tasks = await asked(order.live("new"), order.live("newer"))
        for task in tasks:
            task.cancel()
        await asyncio.sleep(0)
        assert not order.advance()
        assert order.newcomers() == []

    asyncio.run(scene())


def test_a_run_without_history_is_live_at_once() -> None:
    async def scene() -> None:
        order = ResultOrder([], news=0)
        assert await gone_on(await asked(order.live("new"))) == [True]
        order.ended("new")
        assert order.awaits("new")
        assert not order.has_results

    asyncio.run(scene())

"""The bridge by itself: what a thread that asks gets from the loop."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from tarry.errors import Suspended
from tarry_backend.model.position import Position
from tarry_backend.replay.branch_past import PAST, BranchPast
from tarry_backend.replay.bridge import Bridge
from tarry_backend.replay.loop import QuietLoop
from tarry_backend.replay.result_order import ResultOrder
from tests.unit.replay.busy_watcher import BusyWatcher

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


def answer(work: Callable[[], Coroutine[object, object, object]], *, is_closed: bool = False) -> object:
    """What a thread gets that asks the loop for this: a result, or an error."""
    loop = QuietLoop(BusyWatcher())
    bridge = Bridge(loop, ResultOrder([], news=0))
    if is_closed:
        bridge.close()
    answers: list[object] = []

    def thread() -> None:
        PAST.set(BranchPast(Position(0, "start"), given=0))
        try:
            answers.append(bridge.ask(work()))
        except BaseException as error:
            answers.append(error)
        loop.call_soon_threadsafe(loop.stop)

    loop.call_later(0, threading.Thread(target=thread).start)
    loop.run_forever()
    loop.close()
    return answers[0]


def test_a_thread_that_asks_gets_the_result_or_the_error_of_the_work() -> None:
    async def works() -> str:
        return "packed"

    async def fails() -> None:
        raise LookupError("no shelf")

    assert answer(works) == "packed"
    assert repr(answer(fails)) == "LookupError('no shelf')"


@pytest.mark.parametrize("cancels", [False, True])
def test_work_that_is_cancelled_suspends_its_thread_and_work_that_raises_the_same_error_does_not(cancels: bool) -> None:
    async def ends() -> None:
        task = asyncio.current_task()
        assert task is not None
        if cancels:
            task.cancel()
            await asyncio.sleep(0)
        raise asyncio.CancelledError

    assert type(answer(ends)) is (Suspended if cancels else asyncio.CancelledError)


def test_a_thread_that_asks_after_the_replays_end_is_suspended_and_its_work_never_begins() -> None:
    began: list[str] = []

    async def works() -> None:
        began.append("work")

    assert type(answer(works, is_closed=True)) is Suspended
    assert began == []

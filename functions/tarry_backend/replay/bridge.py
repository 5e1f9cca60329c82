"""The bridge between the event loop and the threads in which plain functions run.

A thread asks the loop to do something and waits for the answer; meanwhile it is *blocked*. Only the loop's thread
changes the counts. A thread that asks counts as working until the loop has received its request, and again before the
loop answers. So the loop never takes a working thread for a waiting one.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future as Answer
from contextvars import ContextVar, copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from tarry._engine.place import Place, place_in_thread
from tarry.errors import Suspended
from tarry_backend.replay.branch_past import PAST

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextvars import Context as Variables

    from tarry_backend.replay.loop import QuietLoop
    from tarry_backend.replay.result_order import ResultOrder

__all__ = ["Bridge"]

T = TypeVar("T")

_HOME: ContextVar[tuple[Bridge, int] | None] = ContextVar("tarry_home", default=None)
"""The bridge of the run, and the thread in which the run's code may call it."""


class Bridge:
    """Runs a function's plain code in threads, and carries requests and answers between them and the loop."""

    def __init__(self, loop: QuietLoop, turns: ResultOrder) -> None:
        self._loop = loop
        self._turns = turns
        self._working = self._blocked = 0
        self._is_closed = False
        self._askers: dict[asyncio.Task[Any], int] = {}
        self.holding: set[asyncio.Task[Any]] = set()

    def settle(self) -> None:
        """Mark this thread as one in which the run's code may call its tools."""
        _HOME.set((self, threading.get_ident()))

    def close(self) -> None:
        """Suspend each thread that asks for something from now on; what it has asked for before is cancelled.

        thread    may call its tool ────────── asks ┐         ┌ Suspended
        loop                    the end ── close    └ refused ┘    no task begins that nothing would cancel
        """
        self._is_closed = True

    def is_home(self) -> bool:
        """Whether the caller is the run's own code, in its own thread."""
        return _HOME.get() == (self, threading.get_ident())

    def is_quiet(self) -> bool:
        """Whether no code of the function works in a thread."""
        return self._working <= self._blocked

    def is_alone(self) -> bool:
        """Whether a single thread works, and none waits for the loop. That thread asks this."""
        return self._working == self._loop.threads == 1 and not self._blocked

    def is_busy(self) -> bool:
        """Whether any thread works, also for a step's body."""
        return self._loop.threads > self._blocked

    def ask(self, work: Coroutine[Any, Any, T]) -> T:
        """From a thread: let the loop do the work, and return its result. ``Suspended`` if it is cancelled."""
        answer: Answer[T] = Answer()
        variables = copy_context()
        self._loop.call_soon_threadsafe(self._begin, work, answer, variables, threading.get_ident())
        try:
            return answer.result()
        finally:
            PAST.set(variables[PAST])

    def place(self) -> Place:
        """Return the line of user code whose call the current task does, if a thread has asked for it."""
        task = asyncio.current_task()
        asker = None if task is None else self._askers.get(task)
        return Place() if asker is None else place_in_thread(asker)

    async def run(self, variables: Variables, code: Callable[[], T]) -> T:
        """Run the function's code in its own thread, but never two such threads at once.

        So the order in which threads ask for steps, or do anything else, is the same at each replay.
        """
        await self._turns.start()
        self.hold()
        self._working += 1
        try:
            result: T = await self._loop.run_in_executor(None, variables.run, self._at_home, code)
            return result
        finally:
            self._working -= 1

    def hold(self) -> None:
        """Keep the current task from cancellation: its thread ends only by the exception that its step raises."""
        task = asyncio.current_task()
        assert task is not None
        self.holding.add(task)

    def _at_home(self, code: Callable[[], T]) -> T:
        self.settle()
        return code()

    def _begin(self, work: Coroutine[Any, Any, T], answer: Answer[T], variables: Variables, asker: int) -> None:
        if self._is_closed:
            work.close()
            answer.set_exception(Suspended(Suspended.__doc__))
            return
        self._blocked += 1
        task = self._loop.create_task(work, context=variables)
        self._askers[task] = asker
        task.add_done_callback(partial(self._end, answer))

    def _end(self, answer: Answer[T], task: asyncio.Task[T]) -> None:
        self._blocked -= 1
        del self._askers[task]
        if task.cancelled() and not task.cancelling():  # nobody has cancelled it: a branch has raised it
            answer.set_exception(asyncio.CancelledError())
        elif task.cancelled():
            answer.set_exception(Suspended(Suspended.__doc__))
        elif (error := task.exception()) is not None:
            answer.set_exception(error)
        else:
            answer.set_result(task.result())

"""The end of a replay."""

from __future__ import annotations

import asyncio
import inspect
import threading
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tarry._wire.steady_logger import steady_logger
from tarry.errors import Suspended, UsageError
from tarry_backend.replay.body_span import FAREWELL
from tarry_backend.replay.outcome import Continued, Failed, Paused, of_error

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Never

    from tarry._engine.place import Place
    from tarry.errors import StepCallError
    from tarry_backend.replay.outcome import Outcome

__all__ = ["FAREWELL", "Conclusion", "came_out_of_a_task", "farewell", "leave_behind", "retrieve", "unwound"]

logger = steady_logger("tarry.replay")

_LEFT: set[asyncio.Task[Any]] = set()
"""Tasks that nothing ends."""


class Conclusion:
    """The end of a replay. ``ending`` is its outcome, or an error of the journal, which is raised.

    ``fault`` is the first call that the run's code may not make. User code may catch its error, but the run fails all
    the same. ``refusals`` counts all such calls.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.ending: Outcome | BaseException | None = None
        self.fault: StepCallError | None = None
        self.refusals = 0
        self._loop = loop
        self._lock = threading.Lock()
        self._is_asked = False
        self._resting = 0
        self._reached = loop.create_future()

    @property
    def is_reached(self) -> bool:
        """Whether the replay is ending, so that nothing more begins."""
        return self.ending is not None

    @property
    def is_awaited(self) -> bool:
        """Whether some code waits for a result that only another invocation can bring."""
        return self._resting > 0

    @property
    def is_awaited_alone(self) -> bool:
        """Whether exactly one caller waits for what this invocation does not bring."""
        return self._resting == 1

    def is_at_home(self) -> bool:
        """Whether the caller is a coroutine on the replay's loop."""
        return asyncio.get_running_loop() is self._loop

    async def reached(self) -> None:
        """Return once the replay ends."""
        await self._reached

    def conclude(self, ending: Outcome | BaseException) -> None:
        """End the replay. The first outcome counts, unless a write that was under way fails.

        Then the function's end must have no effect either.
        """
        if self.ending is None:
            self.ending = ending
            self._reached.set_result(None)
        elif isinstance(ending, BaseException) and not isinstance(self.ending, BaseException):
            self.ending = ending

    def refuse(self, error: StepCallError, *, at_once: bool) -> None:
        """Has the run fail by the error, whatever user code makes of it. This may be called from any thread.

        ``at_once`` is false inside a step: the step is kept first, as failed by the error. Either way ``fault`` is set
        here and now, so the function's end cannot overtake it:

            any thread   fault ── conclude is asked of the loop, once: code that goes on for ever cannot flood it
            loop                              the function returns ── conclude ── verdict: the fault
        """
        with self._lock:
            self.fault = fault = self.fault or error
            is_asked, self._is_asked = self._is_asked, self._is_asked or at_once
        if is_asked or not at_once:
            return
        try:
            self._loop.call_soon_threadsafe(self._conclude_fault, fault)
        except RuntimeError:  # the loop is closed, and the end kept
            logger.error("%s; its run had already ended, and does not change", error)

    def verdict(self, ending: Outcome | BaseException) -> Outcome | BaseException:
        """The end as it is kept. A fault outweighs each end but an error of the journal, and what is final already."""
        is_settled = isinstance(ending, BaseException) or (isinstance(ending, Failed) and ending.final)
        return ending if self.fault is None or is_settled else of_error(self.fault)

    def teach(self, root: asyncio.Task[Any], function_id: str) -> None:
        """Warn of a function that does not end where it was suspended."""
        if not root.done():
            logger.warning(
                "function %s still runs %s s after its suspension; the executor leaves it behind", function_id, FAREWELL
            )
        elif isinstance(self.ending, Paused | Continued) and not unwound(root):
            logger.warning(
                "function %s caught its suspension. %s", function_id, " ".join((Suspended.__doc__ or "").split())
            )

    def _conclude_fault(self, fault: StepCallError) -> None:
        self.conclude(of_error(fault))

    def break_off(self, error: BaseException, key: str, place: Place | None = None) -> None:
        """End the replay by an error of the journal, which the function cannot catch.

        A ``UsageError`` fails the run, since another attempt would end the same way. Any other error is not the
        function's fault: it ends the invocation and is raised there. ``place`` is the line of user code that asked.
        """
        if not isinstance(error, UsageError):
            self.conclude(error)
            return
        failed = of_error(error, key)
        self.conclude(failed if place is None else failed.at(place))

    async def rest(self) -> Never:
        """Let a caller wait for a result that does not come in this invocation."""
        self._resting += 1
        try:
            await self._loop.create_future()
            raise AssertionError("unreachable: nothing resolves this future")
        finally:
            self._resting -= 1

    async def fail(self, failed: Failed) -> Never:
        """End the replay from inside a step, whose caller never resumes."""
        self.conclude(failed)
        await self.rest()


async def farewell(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Give cancelled tasks time for their ``finally`` blocks. The engine drops their errors, however late."""
    if not tasks:
        return
    for task in tasks:
        task.add_done_callback(retrieve)
    await asyncio.wait(tasks, timeout=FAREWELL)


async def leave_behind(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Close the coroutines of tasks that outlive their replay, and keep what cannot be closed for ever.

    Python closes a coroutine that it collects, in whichever code just runs. A tool that the coroutine then calls would
    take that code's run for its caller:

        this replay     left behind                       ┌ except BaseException: calls a step
        another run     ┄┄┄┄┄┄┄┄┄┄┄┄┄ its own code ── gc ─┘ ── its own code: fails by a call that is not its own
    """
    tasks = [task for task in tasks if not task.done()]
    for task in tasks:
        coroutine: Any = task.get_coro()
        with suppress(BaseException):  # it ignores its end, or raises what no one waits for
            coroutine.close()
        task.cancel()
    for _ in range(2 if tasks else 0):  # the task hears of it, and then it ends
        await asyncio.sleep(0)
    _LEFT.update(task for task in tasks if not task.done())
    for task in tasks:
        if task.done():
            retrieve(task)


def retrieve(done: asyncio.Task[Any]) -> None:
    """Ask for an error that no longer matters; asyncio would log one that is never retrieved."""
    if not done.cancelled():
        done.exception()


def unwound(task: asyncio.Task[Any]) -> bool:
    """Whether an ended task let its suspension pass."""
    return task.cancelled() or isinstance(task.exception(), Suspended | asyncio.CancelledError)


def came_out_of_a_task(error: BaseException) -> bool:
    """Whether code of a coroutine was at work. Where the loop itself waited, the error came from outside."""
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    return any(frame.f_code.co_flags & inspect.CO_COROUTINE for frame in frames)

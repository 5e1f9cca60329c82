"""How a replay comes to its end, and what is left waiting then."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from tarry.errors import UsageError
from tarry_backend.replay.outcome import Failed, of_error

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Never

    from tarry.errors import StepCallError
    from tarry_backend.replay.outcome import Outcome

__all__ = ["FAREWELL", "Conclusion", "farewell"]

logger = logging.getLogger("tarry.replay")

FAREWELL = 5.0
"""Seconds that a function has for its ``finally`` blocks once it is suspended."""


class Conclusion:
    """The end of a replay. ``ending`` is what it ends with: an error is the journal's, and is raised.

    ``fault`` is a call that the function may not make. User code may catch its error, but no run ends well after it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.ending: Outcome | BaseException | None = None
        self.fault: StepCallError | None = None
        self._loop = loop
        self._resting = 0
        self._reached = loop.create_future()

    @property
    def is_reached(self) -> bool:
        """Whether it ends, so that nothing more begins."""
        return self.ending is not None

    @property
    def is_awaited(self) -> bool:
        """Whether some code waits for what only another invocation can bring."""
        return self._resting > 0

    async def reached(self) -> None:
        """Returns once it ends."""
        await self._reached

    def conclude(self, ending: Outcome | BaseException) -> None:
        """Ends the replay. What is said first counts, unless a write that was under way fails: then nothing is to
        follow from the function's end either."""
        if self.ending is None:
            self.ending = ending
            self._reached.set_result(None)
        elif isinstance(ending, BaseException) and not isinstance(self.ending, BaseException):
            self.ending = ending

    def refuse(self, error: StepCallError, *, at_once: bool) -> None:
        """Has the run fail by the error, whatever user code makes of it. This may be called from any thread.

        ``at_once`` is false inside a step: the step is kept first, as failed by the error. Either way ``fault`` is set
        here and now, so the function's end cannot overtake it:

            any thread   fault ── conclude is asked of the loop
            loop                              the function returns ── conclude ── verdict: the fault
        """
        self.fault = self.fault or error
        if not at_once:
            return
        try:
            self._loop.call_soon_threadsafe(self._conclude_fault, self.fault)
        except RuntimeError:  # the loop is closed, and the end kept
            logger.error("%s; its run has ended before, and stays as it is", error)

    def verdict(self, ending: Outcome | BaseException) -> Outcome | BaseException:
        """The end as it is kept. A fault outweighs each end but an error of the journal, and what is final already."""
        is_settled = isinstance(ending, BaseException) or (isinstance(ending, Failed) and ending.final)
        return ending if self.fault is None or is_settled else of_error(self.fault)

    def _conclude_fault(self, fault: StepCallError) -> None:
        self.conclude(of_error(fault))

    def break_off(self, error: BaseException, key: str) -> None:
        """Ends the replay by an error of the journal, which the function cannot catch.

        What it has asked wrongly for fails its run, as another attempt would end just so. Any other error is not the
        function's: it ends the invocation, and is raised there.
        """
        self.conclude(of_error(error, key) if isinstance(error, UsageError) else error)

    async def rest(self) -> Never:
        """Has a caller wait for what does not come in this invocation."""
        self._resting += 1
        try:
            await self._loop.create_future()
            raise AssertionError("unreachable: nobody ever resolves it")
        finally:
            self._resting -= 1

    async def fail(self, failed: Failed) -> Never:
        """Ends the replay from inside a step, whose caller never hears of it."""
        self.conclude(failed)
        await self.rest()


async def farewell(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Gives tasks that were cancelled time for their ``finally`` blocks."""
    if not tasks:
        return
    done, _ = await asyncio.wait(tasks, timeout=FAREWELL)
    for task in done:
        if not task.cancelled():
            task.exception()  # how it ended no longer matters; asyncio would log each error that nobody has asked for

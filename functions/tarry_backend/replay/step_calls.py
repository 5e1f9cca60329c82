"""The watch over a run's calls: it fails the run if user code forgets one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tarry._engine.place import Place
from tarry._engine.step_call import CallRecord
from tarry.errors import StepCallError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tarry_backend.replay.conclusion import Conclusion

    Work = Callable[[], Coroutine[Any, Any, Any]]

__all__ = ["StepCalls"]


class StepCalls:
    """Fails the run whose function forgets to await a call, or ends while one is under way.

    The watch finds a forgotten call at the first of these moments:

    - your code drops it, or asks whether it is true;
    - the task that made it awaits another call. Calls that were given to ``asyncio.gather`` or to a task are awaited
      by those;
    - the function returns.
    """

    def __init__(self, conclusion: Conclusion) -> None:
        self._conclusion = conclusion
        self._made: dict[CallRecord, None] = {}
        self._under_way: dict[CallRecord, None] = {}

    def made(self, what: str, place: Place) -> CallRecord:
        """Note a call that user code has made."""
        record = CallRecord(what, place, _task())
        self._made[record] = None
        return record

    def scheduled(self, record: CallRecord, task: asyncio.Task[Any]) -> None:
        """Note that a task awaits the call, though it has not begun to run."""
        record.awaiter = task
        self._made.pop(record, None)
        self._under_way[record] = None

    def begin(self, record: CallRecord, work: Work) -> Coroutine[Any, Any, Any]:
        """Return the coroutine that does the call's work, and fails the run if it is not the call's turn."""
        self._made.pop(record, None)
        return self._watched(record, work)

    def give_up(self, record: CallRecord) -> None:
        """Note that the call will not begin: its task was cancelled, or user code has closed it."""
        self._made.pop(record, None)
        self._under_way.pop(record, None)

    def dropped(self, record: CallRecord) -> None:
        """Fail the run: user code dropped the call and did not await it."""
        if self._made.pop(record, record) is None and not self._conclusion.is_reached:
            self._refuse(_forgotten(record))

    def asked(self, record: CallRecord) -> StepCallError:
        """Fail the run: a call is always true, whatever its step brings."""
        self._made.pop(record, None)
        return self._refuse(
            f"{record.what} was used as a condition and not awaited{record.place}: write await before the call"
        )

    def place(self) -> Place:
        """Return the line of user code whose call the current task awaits, if a call of an ``async def`` is it."""
        task = _task()
        for record in reversed(self._under_way):
            if record.awaiter is task:
                return record.place
        return Place()

    def left(self) -> StepCallError | None:
        """Return the error of a function that has returned while a call was not awaited, or was under way."""
        for record in self._made:
            return StepCallError(_forgotten(record))
        for record in self._under_way:
            if record.awaiter is None or not (record.awaiter.done() or record.awaiter.cancelling()):
                return StepCallError(
                    f"the function returned while {record.what} was under way in a task{record.place}: "
                    "await that task, or cancel it"
                )
        return None

    async def _watched(self, record: CallRecord, work: Work) -> Any:
        record.awaiter = task = _task()
        for other in [] if self._conclusion.is_reached else list(self._made):
            if other.maker is task:
                raise self._refuse(
                    f"{other.what} was called{other.place} and not awaited before {record.what}: "
                    "await each call where you make it, or several of them by asyncio.gather"
                )
        self._under_way[record] = None
        try:
            return await work()
        finally:
            self._under_way.pop(record, None)

    def _refuse(self, problem: str) -> StepCallError:
        error = StepCallError(problem)
        self._conclusion.refuse(error, at_once=True)
        return error


def _forgotten(record: CallRecord) -> str:
    return f"{record.what} was called and never awaited{record.place}: write await before the call"


def _task() -> asyncio.Task[Any] | None:
    """Return the running task; ``None`` in a thread without a loop."""
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None

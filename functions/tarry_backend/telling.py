"""What a message changes in a run, before its function goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tarry_backend.clock import now
from tarry_backend.messages import Continue, Deadline, Look, Resume, Start, Wake
from tarry_backend.position import Position
from tarry_backend.replay import Status, excluded_ids
from tarry_backend.waiting import admits, earliest, ended

if TYPE_CHECKING:
    from collections.abc import Callable

    from tarry_backend.received import Received
    from tarry_backend.replay import Step
    from tarry_backend.store import Store, Whole

    RunMessage = Start | Resume | Wake | Deadline | Look | Continue

__all__ = ["TAIL", "Telling"]

TAIL = 360_000
"""How much of the log, in milliseconds, a wait's deadline reads once more. What is older has been acted on: the
index has settled, and a matcher that dies is followed by another within a minute, five times at most."""


class Telling:
    """Applies messages to runs. A message that has been applied already, or comes too late, changes nothing."""

    def __init__(self, store: Store, count: Callable[[str, int], None]) -> None:
        self._store = store
        self._count = count

    def apply(self, message: RunMessage, whole: Whole) -> Whole | None:
        """The run as it is once it has been told; ``None`` if that is nothing to go on with."""
        match message:
            case Start() | Continue():
                return whole
            case Wake(due=due):
                return whole if _has_due(whole, max(now(), due)) else None
            case Resume():
                return self._resume(message, whole)
            case Look(step_key=key):
                return self._look(whole, key, at_deadline=False)
            case Deadline(step_key=key):
                return self._look(whole, key, at_deadline=True)

    def look_again(self, whole: Whole) -> Whole:
        """Looks into the log for each open wait: an executor may have died between writing it and looking."""
        for step in whole.steps:
            whole = self._look(whole, step.key, at_deadline=False) or whole
        return whole

    def _resume(self, message: Resume, whole: Whole) -> Whole | None:
        step = whole.step(message.step_key)
        if step is None or step.status is not Status.WAITING or step.wait is None:
            return None
        position = Position(message.carried.received_at, message.carried.id)
        if not admits(step.wait, position, _excluded(whole, step)):
            return None
        return self._resolve(whole, step, self._store.log.carried(message.carried))

    def _look(self, whole: Whole, key: str, *, at_deadline: bool) -> Whole | None:
        """Ends the wait with what the log holds for it; at its deadline, with nothing if there is nothing."""
        step = whole.step(key)
        if step is None or step.status is not Status.WAITING or step.wait is None:
            return None
        since = step.wait.since
        if at_deadline:
            since = max(since, Position(step.wait.deadline - TAIL))
        found = earliest(step.wait, self._store.log, since, now(), _excluded(whole, step))
        return self._resolve(whole, step, found) if found or at_deadline else None

    def _resolve(self, whole: Whole, step: Step, found: Received | None) -> Whole:
        """Ends the wait by one conditional write. All that follows is done again if it is cut off."""
        done = ended(step, found, whole.next_order, now())
        self._store.runs.keep(whole.run.id, done, is_new=False)
        self._store.runs.drop(whole.run.id, step)
        self._count("Resumes" if found else "Timeouts", 1)
        return whole.with_step(done)


def _excluded(whole: Whole, step: Step) -> frozenset[str]:
    return excluded_ids(whole.steps, step.begun_order, whole.run.event.id)


def _has_due(whole: Whole, moment: int) -> bool:
    """Whether a sleep, a retry or the function itself is due. A wait's deadline comes another way."""
    dues = [step.due for step in whole.steps if step.is_open and step.wait is None]
    return any(due is not None and due <= moment for due in (whole.run.due, *dues))

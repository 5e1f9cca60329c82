"""The messages that bring an open step back in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tarry_backend.clock import now
from tarry_backend.queues.delays import delay_until
from tarry_backend.queues.messages import Due, Settle
from tarry_backend.queues.sender import HORIZON

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tarry_backend.model.step import Step, Wait
    from tarry_backend.queues.messages import TimerMessage

__all__ = ["reminders"]

_EXCLUDED_HINTS = 100


def reminders(run_id: str, step: Step, steps: Iterable[Step], settle: int) -> Iterator[tuple[TimerMessage, int]]:
    """Yield messages to the timers, each with its delay in seconds: for a wait's settle, and for a near due time.

    Args:
        steps: All steps of the run. The settle leaves out events that the run had before.
        settle: After how many seconds a wait settles.
    """
    due, moment, wait = step.due, now(), step.wait
    if wait and wait.deadline - moment > settle * 1000 and any(each.alternatives for each in wait.all):
        yield Settle(run_id, step.key, [] if step.is_guard else _had_since(steps, wait)), settle
    if due is not None and due - moment <= HORIZON:
        yield Due(run_id, step.key, step.kind, due), delay_until(due, moment, step.kind)


def _had_since(steps: Iterable[Step], wait: Wait) -> list[str]:
    """Return the latest events that ended waits of this run, and that a look of this wait would meet."""
    since = min(each.since for each in wait.all)
    had = (step.wait.resolved_by for step in steps if step.wait and step.wait.resolved_by)
    new = (position.identity for position in sorted(had) if position > since)
    return [event for event in new if event not in wait.unused][-_EXCLUDED_HINTS:]

"""The beginning of a run, before its function: the executor opens the run's guards."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tarry.durations import MAX_DURATION
from tarry.errors import UsageError
from tarry_backend.executor.cancel_guards import is_late, requests
from tarry_backend.model.cancellation import LATE_START

if TYPE_CHECKING:
    from tarry import Event, Function
    from tarry_backend.executor.run_journal import RunJournal
    from tarry_backend.model.cancellation import Cancellation
    from tarry_backend.model.run import RunSnapshot
    from tarry_backend.replay import Step, WaitRequest

__all__ = ["begins", "guarded", "lacks_guards"]

_TOLERANCE = 1_000
"""A run begins at once if its event's ``ts`` is ahead by at most this many milliseconds: clocks differ."""


def begins(event: Event, moment: int) -> int | None:
    """Return when a run begins whose event has a future time; ``None`` if it begins at once."""
    return min(event.ts, moment + MAX_DURATION) if event.ts > moment + _TOLERANCE else None


def lacks_guards(function: Function, snapshot: RunSnapshot) -> bool:
    """Return whether a run whose first step has not begun lacks guards: its start message has not succeeded.

    start      run kept ── fails … dead letter
    wake                                        the run is due: its guards first, then its function

    A rerun has no start message, and may begin with steps.
    """
    if snapshot.steps and snapshot.run.origin is None:
        return False
    opened = {guard.key for guard in snapshot.guards}
    return any(guard.key not in opened for guard, _ in requests(function, snapshot.run))


def guarded(function: Function, snapshot: RunSnapshot, journal: RunJournal) -> RunSnapshot:
    """Open the run's guards, and return the run with them.

    For guards that exist already it looks into the log again, since an executor may have died in between. The run
    has a ``cancellation`` if it begins too late, or if the log has a guard's event.

    Raises:
        UsageError: An expression of a ``Cancel`` cannot be used for this run. The error names function and cancel.
    """
    run = snapshot.run
    why = run.cancellation or (LATE_START if is_late(function, run) else None)
    for guard, request in requests(function, run):
        why = why or _opened(function, guard, request, journal)
    return replace(snapshot, run=replace(run, cancellation=why), guards=journal.guards())


def _opened(function: Function, guard: Step, request: WaitRequest | None, journal: RunJournal) -> Cancellation | None:
    try:
        return journal.open_guard(guard, request)
    except UsageError as error:
        what = request.event_name if request else guard.key
        raise UsageError(f"function {function.id!r}: its cancel on {what!r}: {error}") from error

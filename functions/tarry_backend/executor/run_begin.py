"""The beginning of a run, before its function: the executor opens the run's guards."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tarry.durations import MAX_DURATION
from tarry.errors import UsageError
from tarry_backend.executor.cancel_guards import finish_guard, is_late, may_wait, requests, start_guard
from tarry_backend.model.cancellation import LATE_START
from tarry_backend.replay import Status
from tarry_backend.store.leases import needs_hold

if TYPE_CHECKING:
    from tarry import Event, Function
    from tarry_backend.executor.run_journal import RunJournal
    from tarry_backend.model.cancellation import Cancellation
    from tarry_backend.model.run import Run, RunSnapshot
    from tarry_backend.replay import Step, WaitRequest

__all__ = ["begins", "guarded", "held", "lacks_guards", "postponed", "turned"]


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


def held(snapshot: RunSnapshot, moment: int) -> Run:
    """Return the run as it is stored when it goes into the line of a gate: long leases of its steps are noted."""
    return replace(snapshot.run, held=moment) if needs_hold(snapshot, moment) else snapshot.run


def postponed(function: Function, snapshot: RunSnapshot, journal: RunJournal) -> None:
    """Let a run that waits for its first turn end when it has waited for longer than its function allows.

    start     guards ── in line ── timer to start
    admitted                                       the timer goes, the time to finish counts from here
    """
    if not snapshot.steps and not _opens(snapshot, finish_guard(function, snapshot.run, 0)):
        guard = start_guard(function, snapshot.run)
        if guard is not None and snapshot.run.attempt == 0:
            journal.open_guard(guard, None)


def turned(function: Function, snapshot: RunSnapshot, journal: RunJournal) -> RunSnapshot:
    """Return the run as it begins to work: if it could wait for its turn, its time to finish counts from now.

    It may begin several times before its first step is stored. The timer to start is withdrawn once:

        admitted    timer withdrawn ── the function raises, or its executor dies
        again                                                                     no timer any more ── the function
    """
    if not may_wait(function) or snapshot.steps:
        return snapshot
    waited = start_guard(function, snapshot.run)
    if waited is not None and (there := snapshot.step(waited.key)) is not None and there.is_due:
        journal.withdraw(replace(there, status=Status.WITHDRAWN, ended=journal.now(), due=None))
    finish = finish_guard(function, snapshot.run, journal.now())
    if finish is not None and not _opens(snapshot, finish):
        journal.open_guard(finish, None)
    return replace(snapshot, guards=journal.guards())


def _opens(snapshot: RunSnapshot, guard: Step | None) -> bool:
    return guard is not None and snapshot.step(guard.key) is not None


def _opened(function: Function, guard: Step, request: WaitRequest | None, journal: RunJournal) -> Cancellation | None:
    try:
        return journal.open_guard(guard, request)
    except UsageError as error:
        what = request.event_name if request else guard.key
        raise UsageError(f"function {function.id!r}: its cancel on {what!r}: {error}") from error

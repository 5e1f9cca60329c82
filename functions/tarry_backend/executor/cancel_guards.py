"""What ends a run from outside: a guard for each event that cancels it, and one for the time that it has.

Guards are kept as steps of the run, a ``Cancel`` as a wait, so that an event finds it just as it finds a wait, through
the same handshake. But its function never asks for them: they are not replayed, and count as no steps. When a guard has
its event, or is due, the run is cancelled instead of replayed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tarry._engine.operations import OWN
from tarry.durations import milliseconds
from tarry.errors import UsageError
from tarry_backend.model.cancellation import LATE_FINISH, LATE_START, Cancellation
from tarry_backend.model.position import Position
from tarry_backend.model.step import END_OF_TIME
from tarry_backend.replay import Status, Step, WaitRequest
from tarry_backend.waits.lookup import admits, matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tarry import Cancel, Function
    from tarry_backend.executor.run_journal import RunJournal
    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_backend.store import Run, RunSnapshot

__all__ = ["guarded", "met", "overdue"]


def guarded(function: Function, snapshot: RunSnapshot, journal: RunJournal) -> RunSnapshot:
    """The run with all of its guards, before its function begins: those that are not there yet are opened now, and for
    the others it is looked into the log again, since an executor may have died in between.

    It is to be cancelled if it begins too late, or if the log holds a guard's event already. ``UsageError``, naming
    function and cancel, if an expression cannot be used for this run.
    """
    run = snapshot.run
    why = run.cancellation or (LATE_START if _is_late(function, run) else None)
    for guard, request in _guards(function, run):
        why = why or _opened(function, guard, request, journal)
    return replace(snapshot, run=replace(run, cancellation=why), guards=journal.guards())


def overdue(guards: Iterable[Step], moment: int) -> Cancellation | None:
    """Whether the run's time is over at that moment."""
    dues = [guard.due for guard in guards if guard.is_open and guard.wait is None]
    return LATE_FINISH if any(due is not None and due <= moment for due in dues) else None


def met(guards: Iterable[Step], received: ReceivedEvent, started_by: str) -> Cancellation | None:
    """Whether one of the guards has its event in this one, which also ends a wait of the run.

    Told of both, the run would be cancelled after a few steps more, or none, as the messages come.
    """
    for guard in guards:
        wait = guard.wait
        if guard.status is not Status.WAITING or wait is None:
            continue
        if admits(wait, received.event.name, received.position, {started_by}) and matches(wait, received):
            return Cancellation.by(received)
    return None


def _is_late(function: Function, run: Run) -> bool:
    start = function.timeouts.start
    return start is not None and run.started - max(run.received_at, run.event.ts) > milliseconds(start)


def _guards(function: Function, run: Run) -> Iterator[tuple[Step, WaitRequest | None]]:
    begins = run.due or run.started
    if function.timeouts.finish is not None:
        due = begins + milliseconds(function.timeouts.finish)
        yield _guard("finish", "timeout", Status.SLEEPING, run, due), None
    for place, cancel in enumerate(function.cancels):
        end = None if cancel.timeout is None else begins + milliseconds(cancel.timeout)
        yield _guard(f"cancel.{place}", "cancel", Status.WAITING, run, end), _request(cancel, run, end)


def _guard(name: str, kind: str, status: Status, run: Run, due: int | None) -> Step:
    """Its order is before that of all steps, which so count as if it were not there."""
    return Step(key=f"{OWN}{name}", kind=kind, status=status, begun_order=0, began=run.started, due=due)


def _request(cancel: Cancel, run: Run, due: int | None) -> WaitRequest:
    return WaitRequest(
        event_name=cancel.event,
        if_exp=cancel.if_exp,
        match=cancel.match,
        since=Position(run.received_at, run.event.id),
        deadline=END_OF_TIME if due is None else due,
    )


def _opened(function: Function, guard: Step, request: WaitRequest | None, journal: RunJournal) -> Cancellation | None:
    try:
        return journal.open_guard(guard, request)
    except UsageError as error:
        what = request.event_name if request else guard.key
        raise UsageError(f"function {function.id!r}: its cancel on {what!r}: {error}") from error

"""Guards: they cancel a run from outside, by an event of a ``Cancel`` or at the end of the run's time.

The executor stores guards as steps of the run, and a ``Cancel`` as a wait, so that the matcher finds it as it finds any
wait. The function never asks for guards: they are not replayed, and do not count as steps. When a guard has its event,
or is due, the executor cancels the run instead of replaying it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tarry._wire.internal_events import OWN
from tarry.durations import milliseconds
from tarry_backend.model.cancellation import LATE_FINISH, LATE_START, Cancellation
from tarry_backend.model.event_identity import identity
from tarry_backend.model.position import Position
from tarry_backend.model.step import END_OF_TIME
from tarry_backend.replay import Status, Step, WaitRequest
from tarry_backend.waits.lookup import admits, matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Set

    from tarry import Cancel, Function
    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_backend.model.run import Run

__all__ = ["finish_guard", "is_late", "may_wait", "met", "overdue", "requests", "start_guard"]

_START, _FINISH = f"{OWN}start", f"{OWN}finish"


def overdue(guards: Iterable[Step], moment: int) -> Cancellation | None:
    """Return the cancellation if the run's time is over at that moment, or ``None``."""
    over = {
        guard.key
        for guard in guards
        if guard.is_open and guard.wait is None and guard.due is not None and guard.due <= moment
    }
    return None if not over else LATE_START if _START in over else LATE_FINISH


def met(guards: Iterable[Step], received: ReceivedEvent, started_by: Set[str]) -> Cancellation | None:
    """Return the cancellation if this event, which also ends a wait of the run, ends one of the guards.

    Otherwise the order of the two messages would decide whether the run makes a few more steps before its end.
    """
    for guard in guards:
        wait = guard.wait
        if guard.status is not Status.WAITING or wait is None:
            continue
        if admits(wait, received.event.name, received.position, started_by) and matches(wait, received):
            return Cancellation.by(received)
    return None


def is_late(function: Function, run: Run) -> bool:
    """Return whether the run begins later than its function's ``Timeouts.start`` allows. No rerun or successor does."""
    start = function.timeouts.start
    if start is None or run.origin is not None or run.chain is not None:
        return False
    return run.started - _awaited_since(function, run) > milliseconds(start)


def requests(function: Function, run: Run) -> Iterator[tuple[Step, WaitRequest | None]]:
    """Yield the guards of a run, each with the wait for its event. A guard without one is a timer.

    The time to finish of a run that may have to wait before it begins is left to ``finish_guard``.
    """
    begins = max(run.started, run.event.ts) if run.after else run.due or run.started
    if not may_wait(function) and (finish := finish_guard(function, run, begins)) is not None:
        yield finish, None
    for place, cancel in enumerate(function.cancels):
        end = None if cancel.timeout is None else begins + milliseconds(cancel.timeout)
        yield _guard(f"{OWN}cancel.{place}", "cancel", Status.WAITING, run, end), _request(cancel, run, end)


def may_wait(function: Function) -> bool:
    """Return whether a run may have to wait for its turn before it begins."""
    return function.is_pausable or function.flow.delays_starts


def finish_guard(function: Function, run: Run, begins: int) -> Step | None:
    """Return the timer by which a run that begins then has to end; ``None`` if it has no such limit."""
    finish = function.timeouts.finish
    return None if finish is None else _guard(_FINISH, "timeout", Status.SLEEPING, run, begins + milliseconds(finish))


def start_guard(function: Function, run: Run) -> Step | None:
    """Return the timer by which a run has to begin; ``None`` if it has no such limit."""
    start = function.timeouts.start
    if start is None:
        return None
    return _guard(_START, "timeout", Status.SLEEPING, run, _awaited_since(function, run) + milliseconds(start))


def _awaited_since(function: Function, run: Run) -> int:
    """Return since when the run could have begun: since its event, or since that was gathered with others.

    event     received ── window ends: started ── ts        the run cannot begin before the last of them

    A start that was held up counts from where its window has to end at the latest, as any run counts from its event:

    event     received ──── period ────┤ dead letter ──────── redriven: started
    """
    debounce, batch = function.flow.debounce, function.flow.batch_events
    open_for = debounce.limits[0] if debounce else batch.open_for if batch else 0
    return max(min(run.started, run.received_at + open_for) if open_for else run.received_at, run.event.ts)


def _guard(name: str, kind: str, status: Status, run: Run, due: int | None) -> Step:
    """Return a guard. Its order is before that of all steps, so that it does not change how steps count."""
    return Step(key=name, kind=kind, status=status, begun_order=0, began=run.started, due=due)


def guards_since(run: Run) -> Position:
    """Return the position after which events count for the run's cancels; in a chain that of its first run.

    A message about such an event may be on its way to the run before when that run hands over. So the successor looks,
    too. What cancelled a run does not cancel its rerun, which somebody has asked for since.
    """
    if run.origin is not None:
        return Position(run.started)
    return run.chain.inherited.guards if run.chain else Position(run.received_at, identity(run.event))


def _request(cancel: Cancel, run: Run, due: int | None) -> WaitRequest:
    return WaitRequest(
        event_name=cancel.event,
        if_exp=cancel.if_exp,
        match=cancel.match,
        since=guards_since(run),
        deadline=END_OF_TIME if due is None else due,
    )

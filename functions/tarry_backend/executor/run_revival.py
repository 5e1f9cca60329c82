"""The preparation of a run for a further life, or of a rerun, before its function goes on.

A retry has made the failed run running, and said from which step it goes on. The executor then drops the steps that
began with that step's failure known, opens that step again, and opens what the run's end had withdrawn. What began
before stays, whenever it ended: the function asks for all of it again, so the replay fits.

    life 1    pay ── wait (open) ── ship fails ── refund ── the run fails     dropped: refund
    life 2    pay    wait (open)    ship again                                kept: pay; opened: wait, ship
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING

from tarry._wire.bus import source_of
from tarry.errors import UsageError
from tarry_backend.clock import now
from tarry_backend.model.life import PastLife
from tarry_backend.model.run import RunStatus
from tarry_backend.model.step import END_OF_TIME, Status, WaitRequest
from tarry_backend.waits.registration import Registration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tarry_backend.model.life import Revival
    from tarry_backend.model.run import Run, RunSnapshot
    from tarry_backend.model.step import Step, Wait
    from tarry_backend.store import Store
    from tarry_backend.store.traffic import Traffic

__all__ = ["Plan", "begun", "former", "planned", "prepared"]

_OPEN = {
    "run": Status.RETRYING,
    "send": Status.RETRYING,
    "sleep": Status.SLEEPING,
    "timeout": Status.SLEEPING,
    "invoke": Status.INVOKING,
}
"""The status of an open step, by its kind. Every other kind waits."""

_REPEATED = frozenset({"run", "send", "invoke"})

_ERROR = 300


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of a run's steps and guards: those that the life begins with, and those that it drops."""

    kept: tuple[Step, ...]
    dropped: tuple[Step, ...]


def former(run: Run) -> Run:
    """Return the run as it was at the end of the life before."""
    assert run.revival is not None
    return replace(run, status=RunStatus.FAILED, life=run.life - 1, ended=run.revival.ended, due=None, revival=None)


def begun(run: Run, ended_steps: int, moment: int) -> Run:
    """Return the run at the beginning of its life: its steps are prepared. It is due until it has been replayed.

    ``moment`` is this Lambda's time. The clock of whoever asked may be wrong, so it does not count from here on.
    """
    revival = run.revival
    assert revival is not None
    past, started = run.past_lives, run.started if revival.origin is None else moment
    if revival.ended is not None:
        error = "" if run.error is None else f"{run.error.name}: {run.error.message}"
        past = (*past, PastLife(revival.ended, error[:_ERROR], moment, revival.step, revival.asked_by))
    return replace(
        run,
        revival=None,
        started=started,
        due=moment,
        past_lives=past,
        error=None,
        attempt=0,
        attempt_steps=ended_steps,
        suspect=None,
        deaths=0,
    )


def planned(snapshot: RunSnapshot, revival: Revival, register: Callable[[Wait], Wait]) -> Plan:
    """Return what becomes of the steps. If the executor dies over it, the next plan has the same outcome.

    A step that failed after the one to go on from is opened as well: what may have known of its failure is dropped.

    Raises:
        UsageError: A wait's expression cannot be used any more.
    """
    dropped = tuple(step for step in snapshot.steps if revival.order is not None and step.begun_order > revival.order)
    parts = [step for step in snapshot.parts if step not in dropped]
    used = {step.signal.sent_id for step in parts if step.signal and step.is_given}
    orders = count(snapshot.next_order)
    kept = []
    for step in parts:
        if _failed_since(step, revival):
            kept.append(_again(step))
        elif _withdrawn_since(step, revival):
            kept.append(_opened(step, revival, register, used, orders))
        else:
            kept.append(step)
    return Plan(tuple(kept), dropped)


def prepared(snapshot: RunSnapshot, store: Store, app_id: str, traffic: Traffic, log_days: int) -> RunSnapshot:
    """Store the steps with which the run's life begins, and return the run with them.

    Raises:
        UsageError: As for ``planned``.
    """
    revival, run = snapshot.run.revival, snapshot.run
    assert revival is not None
    if revival.origin is not None:
        store.lives.restore(snapshot, _copied(revival, store), (), now())
        return _stored(run, store)
    registration = Registration(run, source_of(app_id), store.names, traffic, log_days)
    plan = planned(snapshot, revival, lambda wait: _registered(wait, registration))
    store.lives.restore(snapshot, plan.kept, plan.dropped, now())
    if run.chain is not None:
        store.chains.open_again(run)
    return _stored(run, store)


def _stored(run: Run, store: Store) -> RunSnapshot:
    """Read the run again, with its steps and the further keys of its waits, as they are stored now."""
    snapshot = store.runs.load(run.id)
    assert snapshot is not None, "a running run does not expire"
    return snapshot


def _copied(revival: Revival, store: Store) -> tuple[Step, ...]:
    """Return what had ended before the step began, for a rerun. Its waits are resolved, and in no index.

    The rerun has no guards yet, and no other steps: what else is stored under its id is of a run that has expired.

    Raises:
        UsageError: The run is gone, or another retry has changed it since the rerun was asked for.
    """
    if revival.origin is None or revival.order is None:
        return ()
    origin = store.runs.load(revival.origin)
    begins = None if origin is None else origin.step(revival.step or "")
    is_there = begins is not None and begins.begun_order == revival.order
    if origin is None or not is_there or store.lives.may_lack_steps(origin, now()):
        raise UsageError(
            f"run {revival.origin} has no step {revival.step!r} any more from which it could be run again: it was "
            "removed, or retried, at this moment; ask again"
        )
    before = (step for step in origin.steps if step.ended_order is not None and step.ended_order < revival.order)
    return tuple(replace(step, wait=step.wait and replace(step.wait, ended_key=None)) for step in before)


def _failed_since(step: Step, revival: Revival) -> bool:
    if step.once and step.key != revival.step:  # it was cut off: only a person who names it runs it again
        return False
    if revival.order is None or step.status is not Status.FAILED or step.kind not in _REPEATED:
        return False
    return (step.ended_order or 0) >= revival.order


def _withdrawn_since(step: Step, revival: Revival) -> bool:
    """Return whether the run's end has withdrawn the step, or a race that the failure of the step has decided."""
    if step.status is not Status.WITHDRAWN:
        return False
    return step.ended_order is None or (revival.order is not None and step.ended_order > revival.order)


def _again(step: Step) -> Step:
    """Return the failed step, open, with all of its attempts before it. It began when it first began.

    An invocation is asked for anew, by the function: the executor does not have its data.
    """
    opened = replace(step, status=_OPEN[step.kind], attempt=0, due=None, error=None, invocation=None, asked=None)
    opened = replace(opened, once=False)
    return replace(opened, ended=None, ended_order=None, output=None)


def _opened(
    step: Step,
    revival: Revival,
    register: Callable[[Wait], Wait],
    used: Iterable[str | None],
    orders: Iterable[int],
) -> Step:
    """Return the withdrawn step as it was before: with its own ``since`` and its own deadline.

    A wait that was given its signal, too late for its run, has ended with it. A body that may run at most once was cut
    off by the run's end, so the replay fails its step.
    """
    if step.once:
        return replace(step, status=Status.BEGUN, ended=None, ended_order=None)
    if step.signal and step.signal.sent_id and step.signal.sent_id not in used:
        return replace(step, status=Status.DONE, ended_order=next(iter(orders)))
    opened = replace(step, status=_OPEN.get(step.kind, Status.WAITING), ended=None, ended_order=None)
    if step.signal:
        return replace(opened, output=None, signal=replace(step.signal, sent_id=None, sent_at=None))
    if step.wait is not None:
        due = None if step.wait.deadline == END_OF_TIME else step.wait.deadline
        return replace(opened, due=due, wait=register(step.wait))
    if step.kind == "timeout" and step.due is not None:  # a run's time does not pass while the run has failed
        return replace(opened, due=step.due + max(0, now() - (revival.ended or now())))
    return replace(opened, due=step.due if step.due is not None or step.kind != "sleep" else now())


def _registered(wait: Wait, registration: Registration) -> Wait:
    found = registration.wait(_request(wait), wait.dialect)
    return replace(found, note=wait.note or found.note, unused=wait.unused)


def _request(wait: Wait) -> WaitRequest:
    return WaitRequest(
        event_name=wait.event_name,
        if_exp=wait.expression,
        match=None,
        since=wait.since,
        deadline=wait.deadline,
        where=wait.where,
        bind=wait.bind,
        others=tuple(map(_request, wait.others)),
    )

"""The successor of a run that asks to be continued as a new one, and what the successor's waits inherit.

run          a ── wait ends ── continue_as_new ┐ one transaction
successor                                      └ begins: its waits look from where the run's waits left off
event                            ▲ logged before, at, or after the hand-over: found by the successor's look, or index
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from tarry_backend.clock import AHEAD
from tarry_backend.events.address import ADDRESS, INVOKED, SCHEDULED
from tarry_backend.executor.cancel_guards import guards_since
from tarry_backend.model.event_identity import hashed_id, identity
from tarry_backend.model.position import Position
from tarry_backend.model.run import Run
from tarry_backend.replay.branch_past import BranchPast

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tarry_backend.model.chain import Inherited
    from tarry_backend.model.run import RunSnapshot
    from tarry_backend.replay import Continued

__all__ = ["inherited_past", "successor_id", "successor_of"]

_NAMES = 100
"""Of how many event names a successor knows where their waits left off: those with the latest positions."""


def successor_id(run_id: str) -> str:
    """Return the id of the run's successor. A run has one."""
    return hashed_id(json.dumps(["continued", run_id]))


def successor_of(snapshot: RunSnapshot, outcome: Continued, moment: int, version: str | None) -> Run:
    """Return the run that continues this one, from ``moment`` on. It stands in line where its chain does."""
    from tarry_backend.model.chain import Chain  # few runs hand over

    run = snapshot.run
    data = {name: value for name, value in outcome.event.data.items() if name != ADDRESS}
    if run.event.name in (INVOKED, SCHEDULED) and ADDRESS in run.event.data and run.origin is None:
        data[ADDRESS] = run.event.data[ADDRESS]  # the chain's last run answers the caller, but not a rerun's
    event = replace(run.event, data=data, user=outcome.event.user, id=f"{run.id}-continued", ts=moment)
    number, first = (run.chain.number, run.chain.first) if run.chain else (1, run.id)
    return Run(
        id=successor_id(run.id),
        function_id=run.function_id,
        event=event,
        received_at=run.received_at,
        started=moment,
        chain=Chain(first=first, previous=run.id, number=number + 1, inherited=_inherited(snapshot, outcome.past)),
        version=version,
    )


def inherited_past(run: Run) -> BranchPast | None:
    """Return what lies behind the first step of a run that continues another."""
    if run.chain is None:
        return None
    return BranchPast(run.chain.inherited.leaves, run.chain.inherited.left_off, run.started - AHEAD)


def _inherited(snapshot: RunSnapshot, past: BranchPast) -> Inherited:
    """Return what the successor's waits know.

    The past of a branch does not know of steps in tasks of ``asyncio.gather``. All branches have ended by now. So where
    the branch knows nothing newer than this run's beginning, the earliest of the run's own positions counts: further
    back, never nearer, and not further back than this run.
    """
    from tarry_backend.model.chain import Inherited

    run = snapshot.run
    before = inherited_past(run)
    started = Position(run.received_at, identity(run.event))
    leaves, left_off = past.leaves, dict(past.left_off)
    if leaves == (before.leaves if before else started):
        leaves = min((each for step in snapshot.steps if step.is_given and (each := step.leaves)), default=leaves)
    known: Mapping[str, Position] = before.left_off if before else {}
    left_off |= {name: each for name, each in _left_off(snapshot).items() if left_off.get(name) == known.get(name)}
    newest = sorted(left_off.items(), key=lambda item: item[1])[-_NAMES:]
    began = [(each.event.name, each.position) for each in run.batch] or [(run.event.name, started)]
    had = {*(run.chain.inherited.had if run.chain else began), *_had(snapshot)}
    return Inherited(
        leaves=leaves,
        left_off=dict(newest),
        had=tuple(sorted((name, each) for name, each in had if each > left_off.get(name, leaves))),
        guards=guards_since(run),
    )


def _left_off(snapshot: RunSnapshot) -> dict[str, Position]:
    """Return the earliest position at which waits of this run left off, by their events' names."""
    found: dict[str, Position] = {}
    for step in snapshot.steps:
        for wait in step.wait.all if step.wait and step.is_given else ():
            found[wait.event_name] = min(wait.left_off, found.get(wait.event_name, wait.left_off))
    return found


def _had(snapshot: RunSnapshot) -> Iterator[tuple[str, Position]]:
    """Yield the events that the run had, by name and position. Those of a race's losers it did not have."""
    unused = {each for step in snapshot.steps if step.wait for each in step.wait.unused}
    for step in snapshot.steps:
        position = step.wait.resolved_by if step.wait else None
        if position is not None and position.identity not in unused:
            yield json.loads(step.output or "{}")["name"], position

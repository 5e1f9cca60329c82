"""What holds a run back: the gate at which it waits for its turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tarry_backend.matching.gate_keys import gates_of, pause_gate, priority_of
from tarry_backend.model.control import COUNTED, HeldBack
from tarry_backend.model.run import RunStatus
from tarry_backend.store.gates import waiter_place

if TYPE_CHECKING:
    from tarry_backend.deploy.function_facts import FunctionFacts
    from tarry_backend.model.run import Run
    from tarry_backend.store import Store

__all__ = ["held_back"]


def held_back(run: Run, function: FunctionFacts, store: Store) -> HeldBack | None:
    """Return what holds the run back; ``None`` if nothing does.

    It reads one item for each limit. If the run waits, it reads the function's control and the line before the run.
    """
    if run.status is RunStatus.RUNNING and run.after is not None:
        return HeldBack(run.started, 1, after=run.after)
    if run.status is RunStatus.RUNNING and run.paced is not None and run.due == run.paced:
        return HeldBack(run.started, 0, begins=run.paced)
    if run.status is not RunStatus.RUNNING or not function.is_pausable:
        return None
    gates = gates_of(function.id, function.limits, run.event, run.received_at, function.dialect)
    names = [gate.name for gate in gates]
    ahead, _ = priority_of(function.flow.priority, run.event, run.received_at, function.dialect)
    place = waiter_place(run.received_at, run.id, ahead)
    for name in dict.fromkeys([*names, pause_gate(run.function_id)]):
        if (waiter := store.gates.waiter(name, place)) is not None:
            before = store.gates.before(name, place, COUNTED)
            return HeldBack(waiter.since, before, store.controls.of(run.function_id).paused)
    return None

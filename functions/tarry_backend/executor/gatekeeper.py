"""The gatekeeper: only so many runs are at work at a time, and those that wait are admitted in their order.

A run takes a place before its function is replayed, and gives it back when the outcome is stored. Without a free place
it waits in the gate's line, and its message is done with: what the message changes is stored by then.

    take ── replay ── release                          a place was free
    take: full ── in line ── mark                      the run waits, nothing runs
                     (another run)  release: marked ── line ── grant ── Admitted ── out of line
    Admitted: take ── replay ── release

Every request is one conditional update of the gate, or a strongly consistent query of its line. An executor that dies
between two of them leaves a place that nobody uses, a run in line, or a grant that nobody was told. While runs wait,
the sweep comes within five minutes and mends all three. What waits for nobody is mended by the run's own message, which
SQS delivers again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tarry_backend.clock import now
from tarry_backend.executor.open_line import OpenLine
from tarry_backend.matching.gate_keys import current_limit, gates_of, pause_gate, priority_of, replaced
from tarry_backend.model.gate import Gate, GateName, GateState, Hold
from tarry_backend.model.run import RunStatus
from tarry_backend.model.token import new_token
from tarry_backend.queues.messages import Admitted, Start, Wake
from tarry_backend.store.gates import waiter_place

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tarry import App, Function
    from tarry_backend.executor.message_delivery import MessageDelivery
    from tarry_backend.model.gate import Waiter
    from tarry_backend.model.run import Run
    from tarry_backend.queues.messages import RunMessage
    from tarry_backend.queues.sender import Queues
    from tarry_backend.store import Store
    from tarry_backend.telemetry import Meter

__all__ = ["Gatekeeper", "Place"]

Place = tuple[Gate, Hold]
"""A gate, and the hold that this executor has in it."""

SPARE = 60_000
"""How many milliseconds a place lasts longer than the time that its executor has: clocks differ by less."""

_GRANTED = 900_000
"""How many milliseconds a granted place is kept for a run whose message is in a queue."""

_NARROW = 86_400_000
"""How many milliseconds a run keeps its place in one gate while it waits at the next."""

_PAGE = 10
"""How many runs of a line are read at once, at most."""


class Gatekeeper:
    """The gatekeeper of one executor, over the limits of its code."""

    def __init__(self, app: App, store: Store, queues: Queues, meter: Meter) -> None:
        self._app = app
        self._gates = store.gates
        self._store = store
        self._runs = store.runs
        self._queues = queues
        self._meter = meter

    def enter(self, function: Function, run: Run, message: RunMessage, delivery: MessageDelivery) -> list[Place] | None:
        """Take a place in each gate of the run; return ``None`` if it waits at one."""
        gates = self._gates_of(function, run)
        if isinstance(message, Start):
            lacks_priority = bool(gates) and _standing(function, run)[1]
            self._meter.count("MatchErrors", lacks_priority + sum(gate.lacks_value for gate in gates))
        until = now() + delivery.time_left + SPARE
        places: list[Place] = []
        for gate in gates:
            hold = Hold("run" if gate.keeps else "work", until, new_token())
            if not self._take(function, gate, run, hold, _woken(message), delivery.again):
                self._stay(run, places)
                self._let_pass(message, [*places, (gate, hold)])
                self._meter.count("Held")
                return None
            places.append((gate, hold))
        self._let_pass(message, places)
        return places

    def _gates_of(self, function: Function, run: Run) -> list[Gate]:
        control = self._store.controls.recent(function.id)
        limits = replaced(function.concurrency, control.limit)
        gates = gates_of(function.id, limits, run.event, run.received_at, function.dialect)
        if control.paused is None:
            return gates
        name = pause_gate(function.id)
        return [Gate(name, 0, any(gate.keeps for gate in gates if gate.name == name))]

    def rest(self, run: Run, places: Sequence[Place], *, ended: bool) -> None:
        """Give the places back after the outcome is stored, the wide one first. A ``run``'s lasts to the run's end.

        executor    take ── replay ── outcome stored ── release
        """
        for gate, hold in reversed(places):
            if ended or not gate.keeps:
                done, state = self._gates.release(gate.name, run.id, hold, now())
                if done:
                    self._pass_on(gate.name, state)

    def decline(self, message: RunMessage) -> None:
        """Pass on the place that the message says was granted: the run is not replayed now."""
        self._let_pass(message, [])

    def over(self, function: Function, run: Run) -> None:
        """Take a run that has ended without a replay out of each line and gate: it may wait, or have a place."""
        gates = gates_of(function.id, function.concurrency, run.event, run.received_at, function.dialect)
        names = {
            gate.name for gate in [*gates, *self._gates_of(function, run)]
        }  # the latter: where it waits in a pause
        for name in sorted(names):
            self._gates.withdraw(name, _standing(function, run)[0])
            self._leave(name, run.id)

    def _leave(self, name: str, run_id: str) -> None:
        """Pass on the place that a run has in the gate, if it has one."""
        done, state = self._gates.leave(name, run_id)
        if done:
            self._pass_on(name, state)

    def sweep(self, name: str, out_of_time: Callable[[], bool]) -> None:
        """Mend what executors that died have left in a gate at which runs wait, then admit runs."""
        waits, state = self._gates.touch(name, now())
        if not waits or state is None:
            return
        for run_id, hold in state.holds.items():
            if run_id in state.granted:
                self._tell(name, run_id, hold.token)  # SQS drops what was told less than five minutes ago
            if self._is_vacant(run_id, hold):
                dropped, there = self._gates.drop(name, run_id, hold)
                state = there if dropped and there is not None else state
        self._admit(name, state, out_of_time)

    def _is_vacant(self, run_id: str, hold: Hold) -> bool:
        """Return whether nobody uses a place: no Lambda lives past ``until``; a run's own item says if it has ended."""
        if hold.kind != "run":
            return hold.is_over(now())
        run = self._runs.run(run_id)
        return run is None or run.status is not RunStatus.RUNNING

    def _take(self, function: Function, gate: Gate, run: Run, hold: Hold, woken: int, in_line: bool) -> bool:
        """Take a place, or stand in line; return whether there is a place. Perhaps the run is ``in_line`` already.

        waiter    take: full ────────────── in line ── mark: not full ── take ── out of line
        holder                 release: no mark seen

        waiter    take: full ── in line ── dies     delivered again: take ── out of line
        holder                     release: no mark seen
        """
        place = _standing(function, run)[0]
        if gate.limit == 0 and not gate.keeps:
            self._gates.leave(gate.name, run.id)
        while True:
            taken = gate.limit > 0 and self._gates.take(gate.name, run.id, hold, gate.limit, now())[0]
            if taken:
                if in_line:
                    self._gates.withdraw(gate.name, place)
                return True
            self._gates.stand_in_line(gate.name, place, now(), woken)
            in_line = True
            marked, state = self._gates.mark(gate.name, gate.limit, now())
            if marked:
                self._seat(gate, state)
                return False

    def _seat(self, gate: Gate, state: GateState | None) -> None:
        """Admit runs if there is room, although runs wait: those that were granted the last places may be at work yet.

        gate         one waits: granted ── at work ─────────────────────── release: admits
        newcomer                                     mark: room ── admits
        """
        if state is not None and len(state.holds) < gate.limit:
            self._admit(gate.name, state)

    def _stay(self, run: Run, places: Sequence[Place]) -> None:
        """Keep the places of the narrower gates while the run waits at a wider one, longer than an executor lives."""
        for gate, hold in places:
            if hold.kind == "work":
                longer = replace(hold, until=now() + _NARROW, token=new_token())
                self._gates.prolong(gate.name, run.id, hold, longer)

    def _let_pass(self, message: RunMessage, places: Sequence[Place]) -> None:
        """Pass a granted place on, if the run does not use it: its limit has gone, or it waits at an earlier gate."""
        if isinstance(message, Admitted) and message.gate not in {gate.name for gate, _ in places}:
            self._leave(message.gate, message.run_id)

    def _pass_on(self, name: str, state: GateState | None) -> None:
        if state is not None and state.waiting is not None:
            self._admit(name, state)

    def _admit(self, name: str, state: GateState, out_of_time: Callable[[], bool] = lambda: False) -> None:
        """Grant free places to the first runs in line. Nobody is in line: note it, unless a run has come meanwhile.

        If there is no limit any more, they go on at a pace.
        """
        limit = self._limit(name)
        if limit is None:
            OpenLine(name, self._gates, self._queues).let_go(state.mark, out_of_time)
            return
        found: GateState | None = state
        while found is not None and not out_of_time():
            room = min(_PAGE, limit - len(found.holds))
            if room <= 0:
                return
            mark = found.mark
            line = self._gates.line(name, room)
            for waiter in line:
                found = self._grant(name, waiter, limit)
                if found is None:
                    return
            if len(line) < room:
                cleared, found = self._gates.clear(name, mark, now())
                if cleared or found is None or found.mark == mark:  # the last: a grant has not been used yet
                    return

    def _limit(self, name: str) -> int | None:
        """Return a gate's limit by the code and by what people have asked; ``None`` if it has none any more."""
        function = self._app.functions.get(GateName.parse(name).function_id)
        if function is None or not function.is_pausable:
            return current_limit(name, {each.id: each.concurrency for each in self._app.functions.values()})
        control = self._store.controls.recent(function.id)
        if control.paused is not None and name == pause_gate(function.id):
            return 0
        return current_limit(name, {function.id: replaced(function.concurrency, control.limit)})

    def _grant(self, name: str, waiter: Waiter, limit: int) -> GateState | None:
        """Grant a place, tell the run, take it out of the line. Return the gate; ``None`` if it is full."""
        hold = Hold("granted", now() + _GRANTED, new_token())
        granted, state = self._gates.grant(name, waiter.run_id, hold, limit, now())
        there = None if state is None else state.holds.get(waiter.run_id)
        if there is None:
            return None
        # Perhaps by one that died before it told the run. A run that keeps its place waits in line while it is paused.
        if granted or there.kind == "run" or (state and waiter.run_id in state.granted):
            self._tell(name, waiter.run_id, there.token, waiter.woken)
        self._gates.forget(name, waiter)
        return state

    def _tell(self, name: str, run_id: str, token: str, woken: int = 0) -> None:
        self._queues.send_to_runs([Admitted(run_id, name, token, woken)])


def _woken(message: RunMessage) -> int:
    return message.due if isinstance(message, Wake | Admitted) else 0


def _standing(function: Function, run: Run) -> tuple[str, bool]:
    """Return where the run stands in a line, and whether its priority lacks a value."""
    ahead, lacks_value = priority_of(function.flow.priority, run.event, run.received_at, function.dialect)
    return waiter_place(run.received_at, run.id, ahead), lacks_value

"""All plays of a case of the gate, and what each came to."""

import logging
from collections.abc import Sequence

from tarry import App, Context, TriggerEvent
from tarry_backend.model.gate import GateName
from tarry_backend.model.run import RunStatus
from tarry_backend.model.shared_key import SHARED
from tarry_backend.runtime import runtime
from tests.functional.contract.gate.gate_stage import LAST, GateCase, GateStage, run_id, work
from tests.functional.contract.handshake.exploration import Exploration
from tests.functional.contract.handshake.frame import BrokenError, Theatre, turn_lines
from tests.functional.contract.handshake.players import Parts
from tests.functional.contract.handshake.table import Table

__all__ = ["BrokenError", "explored", "time_line"]

_GATE = GateName("fn", SHARED, SHARED, "ship").text()

_log = logging.getLogger(__name__)


def explored(case: GateCase, limit: int) -> Exploration:
    """Plays a case in every order. ``BrokenError`` at the first end that is not as promised."""
    turns = 0

    def verdict(stage: GateStage) -> str:
        nonlocal turns
        turns += len(stage.turns)
        _check(stage)
        return "kept"

    with _theatre(case) as theatre:
        found = theatre.explored(verdict, limit, case.dies)
    _log.info("%s: %s ends, %s cut, %s turns", case, found.ends, found.cut, turns)
    return found


def time_line(case: GateCase, schedule: Sequence[str]) -> str:
    """Plays one schedule, and says what happened."""
    with _theatre(case) as theatre:
        return theatre.time_line(schedule)


def _theatre(case: GateCase) -> Theatre[GateStage]:
    app = App("shop")

    @app.create_function(fn_id="ship", trigger=TriggerEvent(event="placed"), concurrency=1)
    async def ship(ctx: Context) -> None:
        work()
        if case.rests and ctx.run_id != run_id(LAST):
            await ctx.step.sleep("rest", "1s")
            work()

    def begin(table: Table, parts: Parts) -> GateStage:
        return GateStage(case, table, parts, _GATE)

    return Theatre(app, begin, _time_line)


def _check(stage: GateStage) -> None:
    assert not stage.errors, f"somebody failed: {stage.errors}"
    assert stage.most <= 1, "too many: two runs were at work at the same time"
    assert not stage.is_leaked, "leaked: a place is granted, and nobody would ever tell its run"
    store = runtime().store
    for name in (*stage.case.runs, LAST):
        snapshot = store.runs.load(run_id(name))
        assert snapshot is not None
        assert snapshot.run.status is RunStatus.FINISHED, f"left waiting: run {name} has not ended"
    state = store.gates.read(_GATE)
    assert state is not None
    assert not state.holds, f"leaked: nobody uses the place of {set(state.holds)}"
    assert state.waiting is None, "the gate says that runs wait"


def _time_line(stage: GateStage) -> str:
    return "\n".join(turn_lines(stage.turns))

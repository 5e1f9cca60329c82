"""All plays of a case of the gate, and what each came to."""

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Self

from tarry import App, Context, TriggerEvent
from tarry_backend.model.gate import SHARED, GateName
from tarry_backend.model.run import RunStatus
from tarry_backend.runtime import runtime
from tarry_dev.cloud import Cloud
from tests.functional.contract.gate.gate_stage import LAST, GateCase, GateStage, run_id
from tests.functional.contract.handshake.exploration import Exploration, explore, perform
from tests.functional.contract.handshake.players import on_stage
from tests.functional.contract.handshake.table import Table

__all__ = ["BrokenGateError", "explored", "time_line"]

_GATE = GateName("fn", SHARED, SHARED, "ship").text()

_log = logging.getLogger(__name__)


class BrokenGateError(AssertionError):
    """A schedule breaks the promise. The message is its time line, and the list by which it is played again."""


def explored(case: GateCase, limit: int) -> Exploration:
    """Plays a case in every order. ``BrokenGateError`` at the first end that is not as promised."""
    has_died = False
    turns = 0

    def judge(stage: GateStage, schedule: list[str]) -> str:
        nonlocal has_died, turns
        has_died |= stage.has_died
        turns += len(schedule)
        try:
            _check(stage)
        except AssertionError as error:
            lines = [str(error), _time_line(stage), f"to play it again: {schedule!r}"]
            raise BrokenGateError("\n".join(lines)) from None
        return "kept"

    with _Theatre(case) as theatre:
        found = explore(theatre.begin, judge, limit)
    assert has_died == (case.dies is not None), f"nobody has died: {case.dies}"
    _log.info("%s: %s ends, %s cut, %s turns", case, found.ends, found.cut, turns)
    return found


def time_line(case: GateCase, schedule: Sequence[str]) -> str:
    """Plays one schedule, and says what happened."""
    with _Theatre(case) as theatre:
        stage = perform(theatre.begin(), schedule)
        try:
            return _time_line(stage)
        finally:
            stage.close()


class _Theatre(ExitStack):
    def __init__(self, case: GateCase) -> None:
        super().__init__()
        self._case = case
        self.stage: GateStage | None = None

    def __enter__(self) -> Self:
        super().__enter__()
        app = App("shop")

        @app.create_function(fn_id="ship", trigger=TriggerEvent(event="placed"), concurrency=1)
        async def ship(ctx: Context) -> None:
            assert self.stage is not None
            self.stage.work(ctx.run_id)
            if self._case.rests and ctx.run_id != run_id(LAST):
                await ctx.step.sleep("rest", "1s")
                self.stage.work(ctx.run_id)

        cloud = self.enter_context(Cloud(app))
        self._table = Table(cloud)
        self.enter_context(on_stage(self._table.ask))
        return self

    def begin(self) -> GateStage:
        self._table.clear()
        self.stage = GateStage(self._case, self._table, _GATE)
        return self.stage


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
    width = max(len(actor) for actor, _ in stage.turns)
    return "\n".join(f"{number:3} {actor:{width}}  {what}" for number, (actor, what) in enumerate(stage.turns))

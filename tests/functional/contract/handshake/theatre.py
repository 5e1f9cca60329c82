"""All plays of a case, and what each came to."""

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from enum import StrEnum
from typing import Any, Self

from tarry import App, Cancel, Context, EventMatch, TriggerEvent
from tarry_backend.matching.keys import shape_and_key
from tarry_backend.model.run import RunStatus
from tarry_backend.runtime import runtime
from tarry_dev.cloud import Cloud
from tests.functional.contract.handshake.cases import BEGAN, NAME, OTHER_NAME, PLACED, Case
from tests.functional.contract.handshake.exploration import Exploration, explore, perform
from tests.functional.contract.handshake.mail import RUN
from tests.functional.contract.handshake.players import on_stage
from tests.functional.contract.handshake.stage import Stage
from tests.functional.contract.handshake.table import Table
from tests.functional.contract.handshake.watch import Resolved

__all__ = ["BrokenError", "Verdict", "explored", "time_line"]


_log = logging.getLogger(__name__)


class BrokenError(AssertionError):
    """A schedule breaks the contract. The message is its time line, and the list by which it is played again."""

    def __init__(self, message: str, schedule: list[str]) -> None:
        super().__init__(message)
        self.schedule = schedule


class Verdict(StrEnum):
    """How an end agrees with "the earliest matching event in (since, deadline], else None", of all events sent."""

    EXACT = "exact"

    UNLOGGED = "unlogged"
    """A later event. The earlier one came into the log only when the wait was being resolved, or after: so this keeps
    the contract's letter, by which an outcome is the earliest that the log holds then."""

    LATE = "late"
    """None, though an event was received in time. As UNLOGGED: its matcher wrote the log only after the deadline's look
    had begun. Row W06 of the open questions."""


def explored(case: Case, limit: int) -> Exploration:
    """Plays a case in every order. ``BrokenError`` at the first end that is none of the verdicts'."""
    has_died = False

    def judge(stage: Stage, schedule: list[str]) -> str:
        nonlocal has_died
        has_died |= stage.has_died
        return _judged(stage, schedule)

    with _Theatre(case) as theatre:
        found = explore(theatre.begin, judge, limit)
    assert has_died == (case.dies is not None), f"nobody has died: {case.dies}"
    _log.info("%s: %s", case, dict(found.verdicts))
    return found


def time_line(case: Case, schedule: Sequence[str]) -> str:
    """Plays one schedule, and says what happened."""
    with _Theatre(case) as theatre:
        stage = perform(theatre.begin(), schedule)
        try:
            return _time_line(stage)
        finally:
            stage.close()


class _Theatre(ExitStack):
    """An embedded cloud with the app of a case, in which one play after the other begins with an empty table."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        self._case = case

    def __enter__(self) -> Self:
        super().__enter__()
        cloud = self.enter_context(Cloud(_app(self._case)))
        self._table = Table(cloud)
        self.enter_context(on_stage(self._table.ask))
        return self

    def begin(self) -> Stage:
        self._table.clear()
        _forget()
        if self._case.busy:
            self._table.ask("PutItem", _busy_name(self._table.name))
        return Stage(self._case, self._table)


def _forget() -> None:
    """What the process knows of names, and has counted of them, is of the last play."""
    known = runtime()
    known.store.names._read.clear()
    for each in (known.matcher._traffic, known.executor._traffic):
        each._counts.clear()


def _busy_name(table: str) -> dict[str, Any]:
    """The event's name has been busy for an hour, and a wait by ``data.id`` has been there before."""
    shape, _ = shape_and_key(NAME, {("data", "id"): '"7"'})
    past = {"N": str(BEGAN - 3_600_000)}
    item = {
        "pk": {"S": f"name#{NAME}"},
        "sk": {"S": "name"},
        "shapes": {"M": {"digest": {"S": f"{BEGAN - 3_600_000}:{shape}"}}},
        "log_shards": {"N": "2"},
        "log_shards_before": {"N": "1"},
        "log_shards_set": past,
    }
    return {"TableName": table, "Item": item}


def _app(case: Case) -> App:
    app = App("shop", announce="heard" if case.announces else "all")

    cancel = [Cancel(OTHER_NAME, if_exp=case.expression)] if case.cancels else []

    @app.create_function(fn_id="ship", trigger=TriggerEvent(event=PLACED), cancel=cancel)
    async def ship(ctx: Context) -> str | None:
        if case.two_names:
            either = [EventMatch(name, case.expression) for name in (NAME, OTHER_NAME)]
            event = await ctx.step.wait_for_first("wait", either, timeout=case.timeout)
        else:
            event = await ctx.step.wait_for_event("wait", event=case.name, if_exp=case.expression, timeout=case.timeout)
        return event.id if event else None

    return app


def _judged(stage: Stage, schedule: list[str]) -> str:
    """The verdict on a play's end."""
    try:
        return _verdict(stage)
    except AssertionError as error:
        lines = [str(error), _time_line(stage), f"to play it again: {schedule!r}"]
        raise BrokenError("\n".join(lines), schedule) from None


def _verdict(stage: Stage) -> Verdict:
    assert not stage.errors, f"somebody failed: {stage.errors}"
    if stage.case.cancels and _is_cancelled(stage):
        return Verdict.EXACT
    answers = [sent.id for sent in stage.case.answers]
    if not stage.watch.resolved and not stage.case.is_timed:
        assert not answers, f"lost: the wait is still open, though {answers[0]} matches"
        return Verdict.EXACT
    assert len(stage.watch.resolved) == 1, f"the wait was resolved {len(stage.watch.resolved)} times"
    (resolved,) = stage.watch.resolved
    _check_end(stage, resolved)
    given = resolved.event_id
    assert given is None or given in answers, f"{given} is no answer to this wait"
    earlier = answers if given is None else answers[: answers.index(given)]
    if not earlier:
        return Verdict.EXACT
    missed = [event_id for event_id in earlier if event_id in resolved.logged]
    if not missed:
        return Verdict.LATE if given is None else Verdict.UNLOGGED
    raise AssertionError(f"lost: a {resolved.told_by} gave {given}, though the log held {missed[0]}")


def _is_cancelled(stage: Stage) -> bool:
    """Whether the run is cancelled, and nothing is left of it. Otherwise it has ended before its cancel."""
    snapshot = runtime().store.runs.load(RUN)
    assert snapshot is not None
    if snapshot.run.status is RunStatus.CANCELLED:
        assert not stage.shown, f"the index still shows {stage.shown}"
        return True
    assert snapshot.run.status is RunStatus.FINISHED, "lost: the run goes on, though an event cancels it"
    return False


def _check_end(stage: Stage, resolved: Resolved) -> None:
    """The run has ended with what ended the wait, and nothing is left in the index."""
    snapshot = runtime().store.runs.load(RUN)
    assert snapshot is not None
    run = snapshot.run
    assert (run.status, run.output) == (RunStatus.FINISHED, _json(resolved.event_id)), f"the run is {run}"
    assert not stage.shown, f"the index still shows {stage.shown}"


def _json(text: str | None) -> str:
    return "null" if text is None else f'"{text}"'


def _time_line(stage: Stage) -> str:
    width = max(len(actor) for actor, _ in stage.turns)
    lines = [f"{number:3} {actor:{width}}  {what}" for number, (actor, what) in enumerate(stage.turns)]
    ends = [
        f"    a {each.told_by} gave {each.event_id}; logged were {sorted(each.logged)}" for each in stage.watch.resolved
    ] or ["    the wait is open"]
    return "\n".join([*lines, *ends]).replace(RUN, "RUN")

"""All plays of a case, and what each came to."""

import logging
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from tarry import App, Cancel, Context, EventMatch, TriggerEvent
from tarry_backend.matching.keys import shape_and_key
from tarry_backend.model.run import RunStatus
from tarry_backend.runtime import runtime
from tests.functional.contract.handshake.cases import BEGAN, NAME, OTHER_NAME, PLACED, Case
from tests.functional.contract.handshake.exploration import Exploration
from tests.functional.contract.handshake.frame import BrokenError, Theatre, turn_lines
from tests.functional.contract.handshake.mail import RUN
from tests.functional.contract.handshake.players import Parts
from tests.functional.contract.handshake.request import Request
from tests.functional.contract.handshake.stage import Stage
from tests.functional.contract.handshake.table import Table
from tests.functional.contract.handshake.watch import Resolved

__all__ = ["BrokenError", "Verdict", "explored", "time_line"]


_log = logging.getLogger(__name__)


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
    with _theatre(case) as theatre:
        found = theatre.explored(_verdict, limit, case.dies)
    _log.info("%s: %s", case, dict(found.verdicts))
    return found


def time_line(case: Case, schedule: Sequence[str]) -> str:
    """Plays one schedule, and says what happened."""
    with _theatre(case) as theatre:
        return theatre.time_line(schedule)


def _theatre(case: Case) -> Theatre[Stage]:
    def begin(table: Table, parts: Parts) -> Stage:
        _forget()
        if case.busy:
            table.ask(Request("PutItem", _busy_name(table.name)))
        return Stage(case, table, parts)

    return Theatre(_app(case), begin, _time_line)


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
    ends = [
        f"    a {each.told_by} gave {each.event_id}; logged were {sorted(each.logged)}" for each in stage.watch.resolved
    ] or ["    the wait is open"]
    return "\n".join([*turn_lines(stage.turns), *ends]).replace(RUN, "RUN")

"""The rows of a run's waterfall: each step with its bar, its sentence and its details."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tarry_backend.model.step import Status
from tarry_dev.console.wait_condition import condition_words
from tarry_dev.console.words import MARKS, mark_of, place_of, step_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tarry_backend.model.run import RunSnapshot
    from tarry_backend.model.step import Step
    from tarry_dev.console.source import LogLine
    from tarry_dev.console.visit import Visit
    from tarry_dev.console.waterfall import Waterfall

__all__ = ["MANY", "step_rows"]

MANY = 200
"""How many steps a page shows, unless it is asked for all."""

_NAMES = {
    "run": "step",
    "send": "send events",
    "wait": "wait for an event",
    "signal": "wait for a signal",
    "sleep": "sleep",
    "invoke": "call a function",
}


def step_rows(
    snapshot: RunSnapshot, fall: Waterfall, lines: Sequence[LogLine], visit: Visit, attempts: int | None
) -> list[dict[str, Any]]:
    """Return a row for each step, in the order in which they began: of many steps the last ones, unless all are asked.

    A step that is open or has failed is always there.
    """
    first = 0 if visit.arg("all") else max(0, len(snapshot.steps) - MANY)
    chosen = [
        (step, bar)
        for place, (step, bar) in enumerate(zip(snapshot.steps, fall.bars, strict=True))
        if place >= first or step.is_open or step.status is Status.FAILED
    ]
    return [
        {
            **_row(step, snapshot, visit, attempts),
            "bar": asdict(bar),
            "lines": [asdict(line) for line in lines if _is_during(line, step, visit.now)],
        }
        for step, bar in chosen
    ]


def _row(step: Step, snapshot: RunSnapshot, visit: Visit, attempts: int | None) -> dict[str, Any]:
    mark = mark_of(step)
    run = snapshot.run
    return {
        "id": step.key,
        "kind": _NAMES.get(step.kind, step.kind),
        "mark": mark,
        "sign": MARKS[mark],
        "words": step_words(step, run.event, visit.now, attempts),
        "began": step.began,
        "ended": step.ended,
        "due": step.due if step.is_due else None,
        "is_open": step.is_open,
        "is_failed": step.status is Status.FAILED,
        "attempts": f"{step.attempt + 1}" + ("" if attempts is None else f" of {attempts}"),
        "has_body": step.kind in ("run", "send"),
        "output": None if step.output is None else json.loads(step.output),
        "asked": step.asked,
        "has_output": step.output is not None and step.output != "null",
        "error": None if step.error is None else step.error.document(),
        "place": place_of(step.error),
        "waits": _waits(step, snapshot),
        "got": _got(step),
        "signal": None if step.signal is None else step.signal.name,
        "invoked": None if step.invocation is None else asdict(step.invocation),
    }


def _waits(step: Step, snapshot: RunSnapshot) -> list[dict[str, Any]]:
    waits = () if step.wait is None else step.wait.all
    return [
        {
            "event": wait.event_name,
            "words": condition_words(wait, snapshot.run.event),
            "expression": wait.condition,
            "since": wait.since.received_at,
            "deadline": wait.deadline,
            "note": wait.note,
            "place": place,
        }
        for place, wait in enumerate(waits)
    ]


def _got(step: Step) -> dict[str, Any] | None:
    """The event that resolved the wait, if it was one."""
    if step.wait is None or step.wait.resolved_by is None:
        return None
    event = json.loads(step.output or "null")
    return event if isinstance(event, dict) and "id" in event and "name" in event else None


def _is_during(line: LogLine, step: Step, now: int) -> bool:
    return step.kind in ("run", "send") and step.began <= line.at <= (now if step.ended is None else step.ended)

"""The transitions of a run between two snapshots. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tarry_backend.replay import Status
from tarry_dev.cli.describe import (
    MARKS,
    answer,
    end_mark,
    error_at,
    handed_over,
    last_attempt,
    mark,
    next_attempt,
    outcome,
    value,
    why_cancelled,
)
from tarry_dev.cli.screen import OPEN, STATUS
from tarry_dev.cli.times import compact, span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tarry_backend.model.run import Run, RunSnapshot
    from tarry_backend.replay import Step
    from tarry_dev.cli.times import Calendar

__all__ = ["Move", "moves"]


@dataclass(frozen=True, slots=True)
class Move:
    """One transition of a run at ``at`` (Unix milliseconds): a sign, its style, and the words."""

    at: int
    mark: str
    style: str
    text: str


def moves(
    before: RunSnapshot | None, after: RunSnapshot, calendar: Calendar, attempts: int | None = None
) -> list[Move]:
    """Return the transitions since ``before`` (``None`` for a new run), in their order.

    ``attempts`` is how many attempts the function's steps have, if that is known.
    """
    made: list[tuple[int, Move]] = []
    for step in after.steps:
        old = before.step(step.key) if before else None
        made += _step_moves(old, step, calendar, attempts)
    made.sort(key=lambda ordered: ordered[0])
    return [*_start(before, after.run), *(move for _, move in made), *_run_moves(before, after.run, calendar, attempts)]


def _start(before: RunSnapshot | None, run: Run) -> Iterator[Move]:
    if before is None:
        data = compact(run.event.data, 50)
        yield Move(run.started, MARKS["start"], OPEN, f"started by {run.event.name} {data}")


def _run_moves(before: RunSnapshot | None, run: Run, calendar: Calendar, attempts: int | None) -> Iterator[Move]:
    if run.ended is not None:
        end = error_at(run.error) if run.error else handed_over(run) or why_cancelled(run) or value(run.output)
        after = span(run.ended - run.started)
        text = f"{run.status.value} after {after}" + (f": {end}" if end else "")
        yield Move(run.ended, end_mark(run), STATUS[run.status.value], text)
    elif run.due is not None and (before is None or before.run.due != run.due):
        sign = "retrying" if run.error else "waiting"
        yield Move(calendar.today, MARKS[sign], STATUS[sign], next_attempt(run, run.due, calendar, attempts))


def _step_moves(old: Step | None, step: Step, calendar: Calendar, attempts: int | None) -> Iterator[tuple[int, Move]]:
    """Yield the step's transitions, each with its place in the run's order."""
    if old is not None and _stands(old) == _stands(step):
        return
    if old is None and (awaited := _awaited(step)):
        wait = f"{step.key}: waits for {awaited[0]} until {calendar.at(awaited[1])}"
        yield step.begun_order, Move(step.began, MARKS["waiting"], STATUS["waiting"], wait)
        if step.is_open:
            return
    at = step.ended if step.ended is not None else step.began if old is None else calendar.today
    order = step.ended_order or step.begun_order
    yield order, Move(at, mark(step), STATUS[step.status.value], f"{step.key}{_said(step, calendar, attempts)}")


def _awaited(step: Step) -> tuple[str, int] | None:
    """Return what a wait waits for, and until when."""
    if step.signal is not None:
        return f"signal {step.signal.name}", step.due or step.began
    return (step.wait.names, step.wait.deadline) if step.wait is not None else None


def _stands(step: Step) -> tuple[Status, int]:
    return step.status, step.attempt


def _said(step: Step, calendar: Calendar, attempts: int | None) -> str:
    """Describe, after the step's id, its duration and result."""
    what = outcome(step, calendar, attempts=attempts)
    took = "" if step.ended is None else span(step.ended - step.began)
    if found := answer(step):
        return f": resumed by {found[0]} {found[1]} after {took}"
    if step.wait is not None and step.status is Status.DONE:
        return f": timed out, {what}"
    if step.signal is not None and step.status is Status.DONE:
        return f": {what} after {took}" if step.signal.sent_id else f": timed out, {what}"
    if step.status is Status.FAILED and step.error is not None:
        return f": {last_attempt(step, attempts)}"
    if step.kind in ("run", "invoke") and step.status is Status.DONE:
        return f" took {took}" + (f" → {what}" if what else "")
    return f": {what}"

"""A run as plain text, for the error of a test: what started it, its steps, and what it waits for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tarry_backend.model.moment import within_calendar
from tarry_backend.model.own_code import beside
from tarry_backend.replay import Status
from tarry_dev.control_characters import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tarry_backend.model.run import Run, RunSnapshot
    from tarry_backend.replay import Failure, Step

__all__ = ["datetime_of", "run_text", "waits_of"]

_WIDTH = 80


def run_text(snapshot: RunSnapshot) -> str:
    """Return the run's time line: a line for its start, for each step, and for its end. Times are UTC."""
    run = snapshot.run
    began = f"started by {run.event.name}"
    life = "" if run.life == 1 else f", life {run.life}"
    lines = [f"run {run.id} of {run.function_id!r}, {run.status.value}{life}", _line(run.started, began)]
    lines += [_line(step.began, f"{step.key} ({step.kind}): {_state(step)}") for step in snapshot.steps]
    if run.due is not None:
        lines.append(_line(run.due, f"the function {_again(run)}"))
    if run.ended is not None:
        lines.append(_line(run.ended, _end(run)))
    elif not _open(snapshot):
        lines.append("  it waits for nothing: it is executing, or its messages are held back")
    return "\n".join(lines)


def waits_of(snapshot: RunSnapshot) -> str:
    """Return what the run waits for, or how it ended, on one line."""
    run = snapshot.run
    if run.ended is not None:
        return one_line(_end(run))
    return one_line("; ".join(f"{step.key} {_state(step)}" for step in _open(snapshot)) or "is executing")


def _open(snapshot: RunSnapshot) -> list[Step]:
    return [step for step in snapshot.steps if step.is_open]


def _line(moment: int, text: str) -> str:
    return one_line(f"  {_time(moment)}  {text}")


def _state(step: Step) -> str:
    until = "" if step.due is None else f" until {_time(step.due)}"
    match step.status:
        case Status.WAITING if step.wait:
            return f"waits for {' or '.join(_awaited(step))}{until}"
        case Status.WAITING if step.signal:
            return f"waits for the signal {step.signal.name}{until}"
        case Status.INVOKING if step.invocation:
            return f"waits for run {step.invocation.run_id} of {step.invocation.function_id!r}{until}"
        case Status.SLEEPING:
            return f"sleeps{until}"
        case Status.RETRYING:
            return f"failed ({_error(step)}), and is retried{until.replace('until', 'at')}"
        case Status.BEGUN:
            return "has begun, and runs at most once"
        case Status.FAILED:
            return f"failed: {_error(step)}"
        case Status.WITHDRAWN:
            return "withdrawn"
    return _outcome(step)


def _awaited(step: Step) -> Iterator[str]:
    assert step.wait is not None
    for wait in step.wait.all:
        yield wait.event_name + (f" if {wait.expression}" if wait.expression else "")


def _outcome(step: Step) -> str:
    if step.wait is not None and step.wait.resolved_by is None:
        return "timed out"
    if step.signal is not None and step.signal.sent_id is None:
        return "timed out"
    return "done" if step.output in (None, "null") else f"done, {_cut(step.output or '')}"


def _error(step: Step) -> str:
    return "" if step.error is None else _failure(step.error)


def _again(run: Run) -> str:
    if run.error is None or run.revival is not None:
        return "begins"
    return f"failed ({_failure(run.error)}), and is retried"


def _end(run: Run) -> str:
    if run.error is not None:
        where = beside(run.error.message, run.error.stack)
        return f"{run.status.value}: {run.error.name}: {run.error.message}{where}"
    if run.cancellation is not None:
        return f"{run.status.value}: {run.cancellation}"
    return f"{run.status.value}, {_cut(run.output or 'null')}"


def _failure(error: Failure) -> str:
    return _cut(f"{error.name}: {error.message}") + beside(error.message, error.stack)


def _cut(text: str) -> str:
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"


def datetime_of(moment: int) -> datetime:
    """Return the time, or the last one that Python has."""
    time, years = within_calendar(moment)
    return time if years == 0 else datetime.max.replace(tzinfo=UTC)


def _time(moment: int) -> str:
    return f"{datetime_of(moment):%Y-%m-%d %H:%M:%S}"

"""The words for runs and steps, shared by tables, time lines and the lines of ``tarry dev``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from tarry_backend.model.own_code import place_in_stack
from tarry_backend.model.run import RunStatus
from tarry_backend.model.step import END_OF_TIME, Status
from tarry_dev.cli.times import compact, span
from tarry_dev.control_characters import one_line

if TYPE_CHECKING:
    from tarry_backend.model.run import Run, RunSnapshot
    from tarry_backend.model.step import Failure, Signal, Step, Wait
    from tarry_dev.cli.times import Calendar

__all__ = [
    "MARKS",
    "SHORT",
    "answer",
    "end_mark",
    "error_at",
    "failed_attempt",
    "failure",
    "guard",
    "handed_over",
    "last_attempt",
    "lives",
    "mark",
    "near",
    "next_attempt",
    "now_doing",
    "outcome",
    "place",
    "value",
    "why_cancelled",
]

SHORT = 8
"""How many characters of a run's id are shown: enough to distinguish and find it."""

_MESSAGE = 300
"""The most characters of an error on a line."""

MARKS = {
    "start": "▶",
    "done": "✓",
    "failed": "✗",
    "waiting": "◷",
    "sleeping": "◷",
    "retrying": "↻",
    "invoking": "◷",
    "begun": "▶",
    "withdrawn": "○",
    "cancelled": "⊘",
    "timeout": "⧖",
}


def mark(step: Step) -> str:
    """Return the sign of a step's state."""
    return MARKS["timeout" if _timed_out(step) else step.status.value]


def end_mark(run: Run) -> str:
    """Return the sign of a run's end."""
    return MARKS["done" if run.status is RunStatus.FINISHED else run.status.value]


def outcome(step: Step, calendar: Calendar, width: int = 60, attempts: int | None = None) -> str:
    """Describe a step's result, or what it waits for, on one line. ``attempts`` is how many it has, if known."""
    return one_line(_outcome(step, calendar, width, attempts))


def _outcome(step: Step, calendar: Calendar, width: int, attempts: int | None) -> str:
    if step.wait is not None and step.status in (Status.WAITING, Status.DONE):
        return _wait(step, step.wait, calendar)
    if step.signal is not None and step.status in (Status.WAITING, Status.DONE):
        return _signal(step, step.signal, calendar, width)
    match step.status:
        case Status.SLEEPING:
            return f"sleeps until {calendar.at(step.due or 0)}"
        case Status.RETRYING:
            return failed_attempt(step.attempt, step.error, step.due or 0, calendar, attempts)
        case Status.INVOKING:
            return _invoking(step, calendar)
        case Status.FAILED:
            return failure(step.error)
        case Status.WITHDRAWN:
            return "lost its race" if step.ended_order else "still open when its run ended"
    return _result(step, width)


def _result(step: Step, width: int) -> str:
    if step.status is Status.BEGUN:
        return "has begun, and runs at most once"
    if step.kind == "sleep":
        return "slept"
    if step.kind == "send":
        return f"sent {', '.join(json.loads(step.output or '[]'))}"
    return value(step.output, width)


def answer(step: Step) -> tuple[str, str] | None:
    """Return the name and id of the event that resolved a wait."""
    if step.wait is None or step.wait.resolved_by is None:
        return None
    event = json.loads(step.output or "{}")
    return one_line(event["name"]), one_line(event["id"])


def now_doing(snapshot: RunSnapshot, calendar: Calendar, width: int) -> str:
    """Describe a run's end, or what it waits for."""
    if (end := _end(snapshot.run, width)) is not None:
        return end
    states = [outcome(step, calendar) for step in snapshot.steps if step.is_open]
    if snapshot.run.due is not None:
        states.append(next_attempt(snapshot.run, snapshot.run.due, calendar))
    return "\n".join(states) or "is executing"


def next_attempt(run: Run, due: int, calendar: Calendar, attempts: int | None = None) -> str:
    """Describe when the function begins, or its failure and when it is retried."""
    if run.revival is not None:
        return f"goes on at once, in life {run.life}"
    if run.error is None:
        return f"begins at {calendar.at(due)}"
    if run.attempt == 0:  # it is parked: its function is missing
        return f"failed: {failure(run.error)}; tries again at {calendar.at(due)}"
    return failed_attempt(run.attempt, run.error, due, calendar, attempts)


def failed_attempt(failed: int, error: Failure | None, due: int, calendar: Calendar, attempts: int | None) -> str:
    """Describe an attempt that failed, the ``failed``th from 1, and the time of the next one."""
    of = "" if attempts is None else f" of {attempts}"
    return f"attempt {failed}{of} failed: {error_at(error)}; attempt {failed + 1} at {calendar.at(due)}"


def last_attempt(step: Step, attempts: int | None) -> str:
    """Describe how a step failed for good."""
    if step.kind not in ("run", "send"):
        return error_at(step.error)
    of = "" if attempts is None else f" of {attempts}"
    return f"attempt {step.attempt + 1}{of} failed, and is the last: {error_at(step.error)}"


def error_at(error: Failure | None) -> str:
    """Return an error on one line, cut, with the place where it was raised."""
    where = "" if error is None else place(error)
    said = failure(error)
    return (said if len(said) <= _MESSAGE else f"{said[: _MESSAGE - 1]}…") + (f" ({where})" if where else "")


def place(error: Failure) -> str:
    """Return where the error was raised: the innermost place in the user's own code, if there is one.

    A file below the current folder has its path from there.
    """
    return one_line(place_in_stack(error.stack).removeprefix(f"{Path.cwd()}/"))


def failure(error: Failure | None) -> str:
    """Return an error on one line."""
    return "" if error is None else one_line(near(f"{error.name}: {error.message}".strip()))


def near(text: str) -> str:
    """Return a text in which the places of files below the current folder have their paths from there."""
    return text.replace(f"({Path.cwd()}/", "(")


def lives(run: Run) -> str:
    """Describe a run's life, its place in a chain, and of which run it is a rerun; empty for most runs."""
    life = "" if run.life == 1 else f", life {run.life}"
    if run.chain is not None:
        life += (
            f", {run.chain.number} in the chain of {run.chain.first[:SHORT]}, continues {run.chain.previous[:SHORT]}"
        )
    if run.origin is None:
        return life
    step = "" if run.origin.step is None else f" from {one_line(run.origin.step)}"
    return f"{life}, rerun of {run.origin.run_id[:SHORT]}{step}"


def handed_over(run: Run) -> str:
    """Describe which run continues this one; empty for most runs."""
    return "" if run.successor is None else f"continued as {run.successor[:SHORT]}"


def why_cancelled(run: Run) -> str:
    """Describe what cancelled a run; empty for another run."""
    return "" if run.cancellation is None else one_line(str(run.cancellation))


def guard(step: Step, calendar: Calendar) -> str:
    """Describe what cancels a run from outside."""
    if step.wait is None:
        return f"is cancelled at {calendar.at(step.due or 0)} if it has not ended"
    until = "" if step.wait.deadline == END_OF_TIME else f" until {calendar.at(step.wait.deadline)}"
    condition = f" if {step.wait.condition}" if step.wait.condition else ""
    return one_line(f"is cancelled by {step.wait.event_name}{until}{condition}")


def value(text: str | None, width: int = 60) -> str:
    """Return an output in short; empty for ``None``, which most steps return."""
    return "" if text in (None, "null") else compact(json.loads(text), width)


def _end(run: Run, width: int) -> str | None:
    if run.ended is None:
        return None
    if run.error is not None:
        return failure(run.error)
    return handed_over(run) or why_cancelled(run) or value(run.output, width)


def _timed_out(step: Step) -> bool:
    if step.status is not Status.DONE:
        return False
    if step.signal is not None:
        return step.signal.sent_id is None
    return step.wait is not None and step.wait.resolved_by is None


def _wait(step: Step, wait: Wait, calendar: Calendar) -> str:
    if step.is_open:
        return f"waits for {wait.names} until {calendar.at(wait.deadline)}"
    if found := answer(step):
        return f"{found[0]} came"
    return f"no {wait.names} within {span(wait.deadline - step.began)}"


def _invoking(step: Step, calendar: Calendar) -> str:
    assert step.invocation is not None
    until = "" if step.due is None else f" until {calendar.at(step.due)}"
    return f"waits for {step.invocation.function_id}, run {step.invocation.run_id[:SHORT]},{until}".rstrip(",")


def _signal(step: Step, signal: Signal, calendar: Calendar, width: int) -> str:
    if step.is_open:
        return f"waits for signal {signal.name} until {calendar.at(step.due or 0)}"
    if signal.sent_id is None:
        return f"no signal {signal.name} within {span((step.due or step.began) - step.began)}"
    return f"signal {signal.name} came {value(step.output, width)}".rstrip()

"""Plain sentences about runs and steps: what they do now, and what became of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tarry_backend.model.own_code import place_in_stack
from tarry_backend.model.run import RunStatus
from tarry_backend.model.step import END_OF_TIME, Status
from tarry_dev.console.json_view import one_line_json
from tarry_dev.console.times import clock_time
from tarry_dev.console.wait_condition import condition_words

if TYPE_CHECKING:
    from tarry import Event
    from tarry_backend.model.failure import Failure
    from tarry_backend.model.run import Run, RunSnapshot
    from tarry_backend.model.step import Step

__all__ = ["MARKS", "error_words", "mark_of", "now_words", "place_of", "run_words", "step_words", "wait_words"]

MARKS = {
    "running": "◐",
    "finished": "✓",
    "failed": "✗",
    "cancelled": "⊘",
    "done": "✓",
    "waiting": "◷",
    "sleeping": "◷",
    "retrying": "↻",
    "invoking": "◷",
    "begun": "▶",
    "withdrawn": "○",
    "timeout": "⧖",
}

_SHORT = 80
_MESSAGE = 300


def mark_of(step: Step) -> str:
    """Return the name of a step's sign and colour: its status, or ``timeout``."""
    if step.status is Status.DONE and step.wait is not None and step.wait.resolved_by is None:
        return "timeout"
    if step.status is Status.DONE and step.signal is not None and step.signal.sent_id is None:
        return "timeout"
    return step.status.value


def now_words(snapshot: RunSnapshot, now: int, attempts: int | None) -> list[str]:
    """Return what a running run does: a sentence for each open step. Empty for a run that has ended."""
    run = snapshot.run
    if run.status is not RunStatus.RUNNING:
        return []
    states = [step_words(step, run.event, now, attempts) for step in snapshot.steps if step.is_open]
    if run.due is not None:
        states.append(_next_attempt(run, run.due, now, attempts))
    return states or ["executes now"]


def run_words(run: Run) -> str:
    """Return how a run ended, on one line; empty for a running run."""
    if run.error is not None and run.ended is not None:
        return error_words(run.error)
    if run.cancellation is not None and run.status is RunStatus.CANCELLED:
        return f"cancelled {run.cancellation}"
    if run.status is RunStatus.FINISHED:
        output = json.loads(run.output or "null")
        return "" if output is None else one_line_json(output, _SHORT)
    return ""


def step_words(step: Step, trigger: Event, now: int, attempts: int | None) -> str:
    """Return a step's result, or what it waits for, in one sentence."""
    match step.status:
        case Status.WAITING if step.wait is not None:
            return f"waits for {wait_words(step, trigger)}{_until(step.wait.deadline, now)}"
        case Status.WAITING if step.signal is not None:
            return f"waits for the signal {step.signal.name}{_until(step.due, now)}"
        case Status.SLEEPING:
            return f"sleeps until {clock_time(step.due or 0, now)}"
        case Status.RETRYING:
            again = f"tries again at {clock_time(step.due or 0, now)}"
            return f"{_attempt(step.attempt, attempts)} failed: {error_words(step.error)}; {again}"
        case Status.INVOKING if step.invocation is not None:
            return f"waits for the function {step.invocation.function_id}{_until(step.due, now)}"
        case Status.BEGUN:
            return "has begun, and runs at most once"
        case Status.FAILED:
            return f"failed: {error_words(step.error)}"
        case Status.WITHDRAWN:
            return "lost its race" if step.ended_order else "was still open when its run ended"
    return _done(step)


def wait_words(step: Step, trigger: Event) -> str:
    """Return what a step waits for: ``order/paid where data.id = 7``."""
    assert step.wait is not None
    each = []
    for wait in step.wait.all:
        condition = condition_words(wait, trigger)
        each.append(f"{wait.event_name} where {condition}" if condition else wait.event_name)
    return ", or for ".join(each)


def error_words(error: Failure | None) -> str:
    """Return an error on one line, cut."""
    if error is None:
        return ""
    text = f"{error.name}: {error.message}".strip().removesuffix(":")
    return text if len(text) <= _MESSAGE else f"{text[: _MESSAGE - 1]}…"


def place_of(error: Failure | None) -> str:
    """Return the line of the user's code at which it was raised, if it passed one."""
    return "" if error is None else place_in_stack(error.stack).removeprefix(f"{Path.cwd()}/")


def _done(step: Step) -> str:
    if mark_of(step) == "timeout":
        return "timed out: nothing came in time"
    if step.wait is not None:
        event: Any = json.loads(step.output or "{}")
        return f"got {event.get('name', 'its event')}" if isinstance(event, dict) else "got its events"
    if step.signal is not None:
        return f"got the signal: {one_line_json(json.loads(step.output or 'null'), _SHORT)}"
    if step.kind == "sleep":
        return "slept"
    output = json.loads(step.output or "null")
    if step.kind == "send":
        return f"sent {', '.join(map(str, output or []))}"
    return "" if output is None else one_line_json(output, _SHORT)


def _next_attempt(run: Run, due: int, now: int, attempts: int | None) -> str:
    if run.revival is not None:
        return f"goes on at once, in life {run.life}"
    if run.error is None:
        return f"begins at {clock_time(due, now)}"
    return f"{_attempt(run.attempt, attempts)} failed: {error_words(run.error)}; tries again at {clock_time(due, now)}"


def _attempt(failed: int, attempts: int | None) -> str:
    if not failed:
        return "the function"
    return f"attempt {failed}" + ("" if attempts is None else f" of {attempts}")


def _until(moment: int | None, now: int) -> str:
    if moment is None or moment >= END_OF_TIME:
        return ""
    return f", until {clock_time(moment, now)}"

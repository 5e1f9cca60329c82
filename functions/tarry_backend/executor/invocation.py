"""The end of an invocation: from the invoked run's end, or at its deadline; and whether it can begin. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from tarry import Event
from tarry._wire.bus import source_of
from tarry.errors import UsageError
from tarry_backend.events.address import INVOKED
from tarry_backend.model.run import RunStatus
from tarry_backend.model.trace import Trace
from tarry_backend.replay import Failure, Status
from tarry_backend.replay.outcome import MAX_RUN

if TYPE_CHECKING:
    from tarry import App
    from tarry_backend.model.run import Run
    from tarry_backend.replay import InvokeRequest, Step

__all__ = ["invoked_function", "returned", "timed_out"]


def invoked_function(app: App, request: InvokeRequest, run: Run) -> str:
    """Return the id of the function to invoke.

    Raises:
        UsageError: The app has no such function, or the run has a place that it would wait for.
    """
    if request.app_id not in (None, app.id):
        raise UsageError(
            f"function {request.function_id!r} is of app {request.app_id!r}; app {app.id!r} can invoke only "
            "its own functions: send that app an event, and wait for its answer"
        )
    if request.function_id not in app.functions:
        raise UsageError(f"app {app.id!r} has no function {request.function_id!r}, only {sorted(app.functions)}")
    _check_gates(app, run, request)
    return request.function_id


def _check_gates(app: App, run: Run, request: InvokeRequest) -> None:
    """Raise ``UsageError`` if the invoked run needs a place in a gate in which this run has one until its end."""
    own = app.functions.get(run.function_id)
    if own is None or not any(limit.hold == "run" for limit in own.concurrency):
        return
    from tarry_backend.matching.gate_keys import gates_of  # few functions hold a place until their runs end

    invoked = app.functions[request.function_id]
    event = Event(INVOKED, request.data, request.event_id, run.received_at, None, source_of(app.id))
    theirs = {gate.name for gate in gates_of(invoked.id, invoked.concurrency, event, run.received_at, invoked.dialect)}
    for gate in gates_of(own.id, own.concurrency, run.event, run.received_at, own.dialect):
        if gate.keeps and gate.name in theirs:
            raise UsageError(
                f"function {invoked.id!r} is under the same limit as this run, which holds its place until it ends "
                "(hold='run'): the two could wait for each other; use hold='work', or another limit for one of them"
            )


def returned(step: Step, run: Run | Trace, kept: int, order: int, now: int) -> Step | None:
    """Return the step after the end of the run that it invoked; ``None`` if that run has not ended.

    With a trace, the invocation has started no run. ``kept`` is the size of the stored outputs of the calling run.
    """
    if isinstance(run, Trace):
        problem = f"{_named(step)} was not started: {run}"
        return _failed(step, Failure("InvocationSkippedError", problem), order, now)
    match run.status:
        case RunStatus.RUNNING:
            return None
        case RunStatus.FAILED:
            return _failed(step, run.error or Failure("Exception", ""), order, now)
        case RunStatus.CANCELLED:
            return _failed(step, Failure("InvocationCancelledError", f"{_named(step)} was cancelled"), order, now)
        case RunStatus.FINISHED if kept + len(run.output or "") > MAX_RUN:
            problem = f"with the output of {_named(step)} this run's would pass {MAX_RUN:,} bytes, the most a run keeps"
            return _failed(step, Failure("LimitError", problem), order, now)
        case RunStatus.FINISHED:
            done = replace(step, status=Status.DONE, output=run.output)
            return replace(done, ended_order=order, ended=now, due=None)


def timed_out(step: Step, order: int, now: int) -> Step:
    """Return the step after its deadline, which passed before the invoked run's end."""
    span = timedelta(milliseconds=max(0, (step.due or now) - step.began))
    problem = f"{_named(step)} has not ended within {span} (h:mm:ss); it goes on"
    return _failed(step, Failure("InvokeTimeoutError", problem), order, now)


def _failed(step: Step, error: Failure, order: int, now: int) -> Step:
    return replace(step, status=Status.FAILED, ended_order=order, ended=now, due=None, error=error)


def _named(step: Step) -> str:
    assert step.invocation is not None
    return f"function {step.invocation.function_id!r} (run {step.invocation.run_id})"

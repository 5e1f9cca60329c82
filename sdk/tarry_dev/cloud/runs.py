"""Runs as a test looks at them: by value, read from the table at each look."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, cast

from tarry import Event
from tarry._engine.outputtype import OutputType
from tarry_backend.model.own_code import place_in_stack
from tarry_backend.replay import Status
from tarry_backend.runtime import runtime
from tarry_dev.cloud.run_text import datetime_of, run_text, waits_of
from tarry_dev.control_characters import one_line

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    from tarry import Function
    from tarry_backend.model.cancellation import Cancellation
    from tarry_backend.model.run import Run, RunSnapshot
    from tarry_backend.replay import Failure, Step

    R_co = TypeVar("R_co", covariant=True, default=Any)
else:
    from typing import TypeVar

    R_co = TypeVar("R_co", covariant=True)

__all__ = ["HostedRun", "HostedStep", "NoResultError"]


class NoResultError(AssertionError):
    """A run has no output: it still waits, or it has failed or was cancelled. The text has its time line."""


@dataclass(frozen=True, slots=True)
class HostedStep:
    """A step as it was when it was looked at.

    ``kind`` is ``run``, ``wait``, ``signal``, ``sleep``, ``send``, ``invoke``, or ``patch`` for a mark. ``status`` is
    ``done`` or ``failed``, ``waiting``, ``sleeping``, ``retrying``, ``invoking``, ``begun`` for a step that runs at
    most once, or ``withdrawn`` if its branch lost a race or its run ended without it. ``output`` is what the step gave
    the function: of a wait the ``Event``, of a signal its data, or None if it timed out. ``error`` has ``name``,
    ``message`` and ``stack``; ``attempt`` counts from 0. ``due`` is when an open step goes on by itself. ``note`` is
    what Tarry has to say of a wait. ``attempts`` is how many attempts it has, if the app has its function.
    """

    id: str
    kind: str
    status: str
    output: Any
    error: Failure | None
    attempt: int
    due: datetime | None
    note: str | None
    attempts: int | None = None

    @classmethod
    def of(cls, step: Step, attempts: int | None = None) -> HostedStep:
        """The step as it is kept."""
        output = json.loads(step.output) if step.output is not None else None
        if step.kind == "wait" and output is not None:
            output = Event(**output)
        due = None if step.due is None or step.status is Status.WITHDRAWN else datetime_of(step.due)
        note = step.wait.note if step.wait else None
        return cls(step.key, step.kind, step.status.value, output, step.error, step.attempt, due, note, attempts)

    @property
    def place(self) -> str:
        """Where the error was raised, such as ``shop.py line 12, in charge``: in your code, if it passed there."""
        return "" if self.error is None else place_in_stack(self.error.stack)

    def __str__(self) -> str:
        until = f" until {self.due:%Y-%m-%d %H:%M:%S}" if self.due else ""
        text = f"{self.id} ({self.kind}): {self.status}"
        if self.error is None:
            return one_line(f"{text}{until}")
        if self.status != "retrying":
            return one_line(f"{text} at {_attempt(self.attempt + 1, self.attempts)}: {_error(self.error)}{until}")
        # Its ``attempt`` is the next one, from 0. So it is also how many have failed.
        again = until.replace(" until", "; next attempt")
        return one_line(f"{text}, {_attempt(self.attempt, self.attempts)} failed: {_error(self.error)}{again}")


def _attempt(failed: int, attempts: int | None) -> str:
    return f"attempt {failed}" + ("" if attempts is None else f" of {attempts}")


def _error(error: Failure) -> str:
    place = place_in_stack(error.stack)
    return f"{error.name}: {error.message}" + (f" ({place})" if place else "")


def _attempts(function_id: str) -> int | None:
    function = runtime().app.functions.get(function_id)
    return None if function is None else function.retries.limit + 1


class HostedRun(Generic[R_co]):
    """A run. Each look at it reads it anew, so it may be asked for once and followed to its end."""

    def __init__(self, run_id: str, function: Function[R_co] | None = None) -> None:
        self.id = run_id
        self._function = function

    @property
    def function_id(self) -> str:
        """The function's id."""
        return self._run.function_id

    @property
    def event(self) -> Event:
        """The event that started the run."""
        return self._run.event

    @property
    def status(self) -> str:
        """``running`` (also while it waits), ``finished``, ``failed`` or ``cancelled``."""
        return self._run.status.value

    @property
    def version(self) -> str | None:
        """The version of the code with which it began: that of ``Cloud(app, version=...)``."""
        return self._run.version

    @property
    def output(self) -> R_co:
        """What the function returned; ``None`` until then.

        It is JSON. If you have asked for the run by its function, as in ``host.run(order)``, it has the type that the
        function's return annotation names.
        """
        output = self._run.output
        asked = None if self._function is None else OutputType.of_handler(self._function.handler)
        given: Any = None if output is None else json.loads(output)
        if output is not None and asked is not None:
            given = asked.read(given, self.function_id)
        return cast(R_co, given)

    def result(self) -> R_co:
        """Return what the function returned.

        Raises:
            NoResultError: The run has not finished. The text says what it waits for, or how it ended.
        """
        __tracebackhide__ = True  # pytest's traceback ends in the test
        snapshot = self._snapshot
        if (status := snapshot.run.status.value) != "finished":
            why = "still waits" if status == "running" else f"has {status}" if status == "failed" else "was cancelled"
            raise NoResultError(f"run {self.id} has no result: it {why}\n{run_text(snapshot)}")
        return self.output

    @property
    def timeline(self) -> str:
        """The run's time line as text: its steps, and what it waits for."""
        return run_text(self._snapshot)

    @property
    def waits_for(self) -> str:
        """What the run waits for, or how it ended, on one line."""
        return waits_of(self._snapshot)

    @property
    def error(self) -> Failure | None:
        """Why the run, or its last attempt, failed: with ``name``, ``message`` and ``stack``."""
        return self._run.error

    @property
    def life(self) -> int:
        """How often the run has begun to live: 1, and one more for each retry."""
        return self._run.life

    @property
    def cancellation(self) -> Cancellation | None:
        """Why the run was cancelled, or ``None``.

        ``reason`` is ``event``, ``timeouts.start``, ``timeouts.finish`` or ``by hand``. For an event, it has
        ``event_name`` and ``event_id``.
        """
        return self._run.cancellation

    @property
    def steps(self) -> dict[str, HostedStep]:
        """The steps by their ids, in the order in which they began. A repeated id is ``id:1``, ``id:2``."""
        snapshot = self._snapshot
        attempts = _attempts(snapshot.run.function_id)
        return {step.key: HostedStep.of(step, attempts) for step in snapshot.steps}

    @property
    def _run(self) -> Run:
        return self._snapshot.run

    @property
    def _snapshot(self) -> RunSnapshot:
        snapshot = runtime().store.runs.load(self.id)
        if snapshot is None:
            raise LookupError(f"run {self.id} is not in the table: the executor has not handled its start")
        return snapshot

    @property
    def summary(self) -> str:
        """The run on one line, without its steps: its status, and why it failed, or when it is tried again."""
        snapshot = self._snapshot
        run = snapshot.run
        text = f"run {run.id} of {run.function_id!r}, {run.status}"
        if run.error is not None and run.attempt > 0 and run.ended is None and run.due is not None:
            text += f", {_attempt(run.attempt, _attempts(run.function_id))} failed: {_error(run.error)}"
            text += f"; next attempt {datetime_of(run.due):%Y-%m-%d %H:%M:%S}"
        elif run.error is not None and any(step.error == run.error for step in snapshot.steps):
            text += f", {run.error.name}: {run.error.message}"  # the step says where
        elif run.error is not None:
            text += f", {_error(run.error)}"
        return one_line(text + (f" ({run.cancellation})" if run.cancellation else ""))

    def __repr__(self) -> str:
        steps = "; ".join(map(str, self.steps.values()))
        return one_line(f"<{self.summary}; {steps or 'no steps'}>")

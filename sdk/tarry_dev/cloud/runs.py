"""Runs as a test looks at them: by value, read from the table at each look."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Generic, cast

from tarry import Event
from tarry._engine.outputtype import OutputType
from tarry_backend.model.moment import within_calendar
from tarry_backend.runtime import runtime
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

__all__ = ["HostedRun", "HostedStep"]


@dataclass(frozen=True, slots=True)
class HostedStep:
    """A step as it was when it was looked at.

    ``kind`` is ``run``, ``wait``, ``signal``, ``sleep``, ``send`` or ``invoke``. ``status`` is ``done`` or ``failed``,
    ``waiting``, ``sleeping``, ``retrying`` or ``invoking``, or ``withdrawn`` if its run ended without it. ``output`` is
    what the step gave the function: of a wait the ``Event``, of a signal its data, or None if it timed out. ``error``
    has ``name``, ``message`` and ``stack``; ``attempt`` counts from 0. ``due`` is when an open step goes on by itself.
    ``note`` is what Tarry has to say of a wait.
    """

    id: str
    kind: str
    status: str
    output: Any
    error: Failure | None
    attempt: int
    due: datetime | None
    note: str | None

    @classmethod
    def of(cls, step: Step) -> HostedStep:
        """The step as it is kept."""
        output = json.loads(step.output) if step.output is not None else None
        if step.kind == "wait" and output is not None:
            output = Event(**output)
        due = None if step.due is None else _datetime(step.due)
        note = step.wait.note if step.wait else None
        return cls(step.key, step.kind, step.status.value, output, step.error, step.attempt, due, note)

    def __str__(self) -> str:
        until = f" until {self.due:%Y-%m-%d %H:%M:%S}" if self.due else ""
        return one_line(f"{self.id} ({self.kind}): {self.status}{until}")


def _datetime(moment: int) -> datetime:
    """The time, or the last one that Python has."""
    time, years = within_calendar(moment)
    return time if years == 0 else datetime.max.replace(tzinfo=UTC)


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

    @property
    def error(self) -> Failure | None:
        """Why the run, or its last attempt, failed: with ``name``, ``message`` and ``stack``."""
        return self._run.error

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
        return {step.key: HostedStep.of(step) for step in self._snapshot.steps}

    @property
    def _run(self) -> Run:
        return self._snapshot.run

    @property
    def _snapshot(self) -> RunSnapshot:
        snapshot = runtime().store.runs.load(self.id)
        if snapshot is None:
            raise LookupError(f"run {self.id} is not in the table: the executor has not handled its start")
        return snapshot

    def __repr__(self) -> str:
        run = self._run
        end = f", {run.error.name}: {run.error.message}" if run.error else ""
        end += f" ({run.cancellation})" if run.cancellation else ""
        steps = "; ".join(map(str, self.steps.values()))
        return one_line(f"<run {self.id} of {run.function_id!r}, {run.status}{end}; {steps or 'no steps'}>")

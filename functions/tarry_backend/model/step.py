"""A run's history: its steps, in the order in which they began and ended."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from tarry._cel.condition_text import condition_text
from tarry._wire.jsonvalues import decode
from tarry.errors import StepError
from tarry_backend.model.failure import Failure
from tarry_backend.model.position import Position

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from tarry._cel.dialect import Dialect
    from tarry_backend.model.alternative import Alternative

__all__ = [
    "END_OF_TIME",
    "GUARDS",
    "LISTENING",
    "MARKS",
    "OVERTAKING",
    "Failure",
    "Invocation",
    "InvokeRequest",
    "Signal",
    "Status",
    "Step",
    "Wait",
    "WaitRequest",
    "excluded_events",
    "ungiven",
    "unused_events",
]

OVERTAKING = 60_000
"""By how much, in milliseconds, events may overtake each other between the bus and the log."""


LISTENING = frozenset({"wait", "cancel"})
"""The kinds of steps that events end. So the deadlines of such steps pass through the events queue."""

GUARDS = frozenset({"cancel", "timeout"})
"""The kinds of steps that a function does not ask for: see ``tarry_backend.executor.cancel_guards``."""

MARKS = frozenset({"patch"})
"""The kinds of steps that give the function no result: see ``tarry_backend.replay.patches``."""

END_OF_TIME = 10**15 - 1
"""The deadline, in Unix milliseconds, of a wait without an end. A position has 15 digits."""


class Status(StrEnum):
    """The status of a step. A step ends ``done`` or ``failed``, or ``withdrawn``: its branch lost, or its run ended.

    ``begun`` is a step that runs at most once, from before its body to its end.
    """

    DONE = "done"
    FAILED = "failed"
    WAITING = "waiting"
    SLEEPING = "sleeping"
    RETRYING = "retrying"
    INVOKING = "invoking"
    BEGUN = "begun"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitRequest:
    """A wait that a function asks for: events of this name, or of the ``others``, in ``(since, deadline]``.

    ``continued`` says that the wait continues an earlier wait, and has the deadline of that wait.
    ``lookback`` is how far before the call the wait looks, in milliseconds, if the function sets it.
    """

    event_name: str
    if_exp: str | None
    match: str | None
    since: Position
    deadline: int
    where: Mapping[str, Any] | None = None
    bind: Mapping[str, Any] | None = None
    data_type: type[Any] | None = None
    lookback: int | None = None
    others: tuple[WaitRequest, ...] = ()
    continued: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A stored wait. ``note`` is what a person should know of it, for example that it can only time out.

    A step that waits for the first of several events has ``others``. The first event received for any of them ends
    all, and all have the same ``deadline`` and ``resolved_by``. A wait that was read after its end has no
    ``alternatives``; receipts find it by its ``ended_key``. ``unused`` are the identities of events that ended a wait
    whose branch lost a race before the function got them: the run did not have those events. ``where`` and ``bind``
    are the run's values in the wait's condition, and ``dialect`` is how the condition is evaluated.
    """

    event_name: str
    expression: str | None
    since: Position
    deadline: int
    alternatives: tuple[Alternative, ...]
    resolved_by: Position | None = None
    note: str | None = None
    others: tuple[Wait, ...] = ()
    ended_key: str | None = None
    unused: tuple[str, ...] = ()
    where: Mapping[str, Any] | None = None
    bind: Mapping[str, Any] | None = None
    dialect: Dialect = "tarry"

    @property
    def all(self) -> tuple[Wait, ...]:
        """The wait itself and the others."""
        return (self, *self.others)

    @property
    def values(self) -> dict[str, Any]:
        """What the condition has beside its expression, as it is stored: the run's values, and another dialect."""
        values = {name: each for name, each in (("where", self.where), ("bind", self.bind)) if each}
        return values if self.dialect == "tarry" else {**values, "dialect": self.dialect}

    @property
    def condition(self) -> str | None:
        """The condition that the event must meet, for people; ``None`` if every event of the name meets it."""
        return condition_text(self.expression, self.where, self.bind) or None

    @property
    def names(self) -> str:
        """The names of the events, for people."""
        return " or ".join(dict.fromkeys(each.event_name for each in self.all))

    def resolved(self, position: Position | None) -> Wait:
        """Return the wait as ended by the event at that position, or by its deadline."""
        others = tuple(replace(other, resolved_by=position) for other in self.others)
        return replace(self, resolved_by=position, others=others)

    @property
    def left_off(self) -> Position:
        """Where the next wait on this name begins to look, once this one has ended.

        If an event resolved the wait: a minute before that event, because events may overtake each other on their way.
        If the wait timed out: its deadline. Neither is before the wait's own beginning, because a deadline may have
        passed when the function reaches the wait.
        """
        if self.resolved_by is None:
            return max(Position.after(self.deadline), self.since)
        return max(Position(self.resolved_by.received_at - OVERTAKING), self.since)


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal that a step waits for.

    ``sent_id`` and ``sent_at`` (Unix milliseconds, by its sender's clock) are those of the signal that was received.
    """

    name: str
    sent_id: str | None = None
    sent_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvokeRequest:
    """An invocation that a function asks for. ``event_id`` is the same at each replay."""

    app_id: str | None
    function_id: str
    event_id: str
    data: Mapping[str, Any]
    user: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Invocation:
    """The run that a step started, and for which the step waits."""

    function_id: str
    run_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A stored step.

    ``begun_order`` and ``ended_order`` count the beginnings and ends of the run's steps, so that a replay returns
    results in their first order. ``began`` is in Unix milliseconds. ``output`` is JSON text. ``due`` is when an open
    step goes on by itself (or would have, if it was withdrawn): a sleep's end, a retry, the deadline of a wait or an
    invocation. ``attempt`` is the attempt that was made, or is due, from 0. ``asked`` is a text of the arguments with
    which the step began: see ``tarry_backend.replay.arguments``. ``expires`` (Unix seconds) is from when on time to
    live may remove the step: see ``tarry_backend.store.leases``. ``once``: the step runs at most once, and its body
    was, or may be, cut off.
    """

    key: str
    kind: str
    status: Status
    begun_order: int
    began: int
    ended_order: int | None = None
    ended: int | None = None
    attempt: int = 0
    output: str | None = None
    error: Failure | None = None
    due: int | None = None
    wait: Wait | None = field(default=None)
    invocation: Invocation | None = None
    signal: Signal | None = None
    asked: str | None = None
    once: bool = False
    expires: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether the step has not ended."""
        return self.ended_order is None

    @property
    def is_due(self) -> bool:
        """Whether the step goes on by itself at ``due``. A withdrawn step keeps that time, for a retry of its run."""
        return self.is_open and self.status is not Status.WITHDRAWN and self.due is not None

    @property
    def is_given(self) -> bool:
        """Whether the function gets the step's result."""
        return not self.is_open and self.status is not Status.WITHDRAWN and not self.is_mark

    @property
    def is_mark(self) -> bool:
        """Whether this is a mark. The function may ask for it or not."""
        return self.kind in MARKS

    def result(self) -> Any:
        """Return the step's output as the function gets it, or raise the step's error.

        Raises:
            StepError: The step failed.
        """
        if self.status is Status.FAILED:
            assert self.error is not None
            error = StepError(self.key, self.error.name, self.error.message, self.error.stack, self.error.kinds)
            error.quiet = self.error.quiet
            raise error
        return decode(self.output or "null")

    @property
    def is_guard(self) -> bool:
        """Whether this is a guard of the run, and no step of its function."""
        return self.kind in GUARDS

    @property
    def leaves(self) -> Position | None:
        """The position from which an event may answer this step; ``None`` if the step asks nothing.

        See section 3 of the contract. A reply may be received while a step still runs, so a step that does something
        counts from its beginning. A sleep counts from its end. A wait, for an event or a signal, asks nothing: two
        approvals that a function waits for one after the other may be received in either order.
        """
        if self.wait is not None or self.signal is not None:
            return None
        return Position(max(self.due or 0, self.began) if self.kind == "sleep" else self.began)


def excluded_events(steps: Iterable[Step], begun_order: int, started_by: Iterable[str]) -> frozenset[str]:
    """Return the identities of the events that the run had before that order. They cannot resolve a wait begun then."""
    had = (
        step.wait.resolved_by.identity
        for step in steps
        if step.wait and step.wait.resolved_by and step.ended_order is not None and step.ended_order < begun_order
    )
    return frozenset((*started_by, *had))


def unused_events(steps: Iterable[Step], lost: Container[str]) -> tuple[str, ...]:
    """Return the events that ended only waits which lost a race before the function got them.

    ``lost`` are the keys of such waits: they ended by themselves, while their branch lost.
    """
    waits = [(step.key, step.wait.resolved_by.identity) for step in steps if step.wait and step.wait.resolved_by]
    used = {event for key, event in waits if key not in lost}
    return tuple(sorted({event for key, event in waits if key in lost and event not in used}))


def ungiven(steps: Iterable[Step]) -> int:
    """Return how many of the newest results a function may not have received, if its executor has died; at least one.

    They are the newest result, and those of steps that ended while the newest step ran: such steps are stored together.
    """
    given = [step for step in steps if step.is_given]
    newest = max(given, key=lambda step: step.ended_order or 0, default=None)
    if newest is None:
        return 1
    return sum((step.ended_order or 0) > newest.begun_order for step in given)

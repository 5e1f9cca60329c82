"""Cancellation and time limits of a function's runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tarry.durations import milliseconds
from tarry.errors import DurationError, UsageError
from tarry.event import check_name

if TYPE_CHECKING:
    from tarry.durations import Duration

__all__ = ["MAX_CANCELS", "Cancel", "Timeouts"]

MAX_CANCELS = 5
"""The most cancel events of one function."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancels a run when a matching event arrives.

    A step that executes now still finishes; no step begins after it. With neither ``if_exp`` nor ``match``, every event
    of the name cancels every run of the function. The event that started the run never cancels it; only later events
    count. An expression that does not compile is an error where the function is created. One that uses a field that the
    trigger event lacks fails the run as it starts.

    Attributes:
        event: The name of the cancelling event.
        if_exp: CEL over ``event`` (the event that started the run) and ``async`` (the incoming event).
        match: A path such as ``"data.orderId"``; the value at it must be equal in both events. Give this or ``if_exp``.
        timeout: How long after the run's start an event may cancel it, at most 366 days. Without it, as long as the run
            lives.

    Raises:
        UsageError: Both ``if_exp`` and ``match`` are given, or one is empty.
        EventError: The event's name is not valid.
        DurationError: ``timeout`` is not a duration above zero.
    """

    event: str
    if_exp: str | None = None
    match: str | None = None
    timeout: Duration | None = None

    def __post_init__(self) -> None:
        check_name(self.event)
        if self.if_exp is not None and self.match is not None:
            raise UsageError(f"cancel on {self.event!r}: give if_exp or match, not both")
        for name in ("if_exp", "match"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, str) or not value.strip()):
                raise UsageError(
                    f"cancel on {self.event!r}: {name} is {value!r}: give a string, or leave it out to match all"
                )
        _check(f"cancel on {self.event!r}: timeout", self.timeout)

    @property
    def takes_all(self) -> bool:
        """Whether every event of the name cancels every run of the function."""
        return self.if_exp is None and self.match is None


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Time limits of a function's runs, at most 366 days each. ``None`` sets no limit.

    Attributes:
        start: The longest time from the event's receipt (or from its ``ts``, if later) to the run's start. Tarry
            cancels a run that starts later, and does not call its function.
        finish: The longest time from the run's start to its end. Tarry cancels a longer run between two steps.

    Raises:
        DurationError: A limit is not a duration above zero.
    """

    start: Duration | None = None
    finish: Duration | None = None

    def __post_init__(self) -> None:
        _check("timeouts: start", self.start)
        _check("timeouts: finish", self.finish)


def _check(what: str, value: Duration | None) -> None:
    if value is None:
        return
    try:
        span = milliseconds(value)
    except DurationError as error:
        raise DurationError(f"{what}: {error}") from None
    if span <= 0:
        raise DurationError(f"{what}={value!r} must be above zero: give a longer time, or leave it out")

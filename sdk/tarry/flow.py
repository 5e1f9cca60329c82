"""Limits on the starts of a function's runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from tarry._engine.flow_checks import check_key, checked_limit, checked_period
from tarry.durations import Duration, milliseconds
from tarry.errors import UsageError

__all__ = ["Priority", "RateLimit", "Singleton", "Throttle"]

_MODES = ("skip", "cancel")


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most ``limit`` events start a run in any ``period``. Further events start none.

    An event that starts no run stays in the log, where waits find it, and its receipt says that it was limited. It
    never starts a run of this function later, also if it is sent again. An invocation that is limited fails at once,
    with ``InvocationSkippedError``.

    An event counts when it was received; one that is processed behind a later one counts with that. So events that
    overtake others open no further place. Retries and reruns do not count.

    Attributes:
        limit: How many events, 1 to 1,000.
        period: The time, 1 second to 366 days.
        key: CEL over ``event``, such as ``event.data.customerId``. Each value has the limit for itself. Values are
            equal as in expressions: 1 equals 1.0, but not ``"1"``. An event for which the expression has no value is
            not limited, and Tarry counts a match error.

    Raises:
        UsageError: ``limit`` or ``key`` is not valid. The error says which values are.
        DurationError: ``period`` is not a duration in these limits.
    """

    limit: int
    period: Duration
    key: str | None = None

    def __post_init__(self) -> None:
        checked_limit("rate_limit", self.limit)
        checked_period("rate_limit", self.period)
        check_key("rate_limit", self.key)

    @property
    def span(self) -> int:
        """The period in milliseconds."""
        return milliseconds(self.period)


@dataclass(frozen=True, slots=True)
class Singleton:
    """At most one run of the function runs at a time, from its start to its end, also while it waits or sleeps.

    With ``skip``, an event that comes meanwhile starts no run. It stays in the log, its receipt names the run that ran,
    and it never starts a run of this function later. An invocation that is skipped fails at once, with
    ``InvocationSkippedError``.

    With ``cancel``, the latest event wins: its run cancels the one before, and begins once that one has ended. The
    order is that in which events were received. So an event that comes behind a later one starts no run.

    Reruns are no singletons. A failed run is not retried while another one runs.

    Attributes:
        mode: ``skip`` or ``cancel``.
        key: CEL over ``event``, such as ``event.data.customerId``. Each value has a run for itself. Values are equal as
            in expressions: 1 equals 1.0, but not ``"1"``. An event for which the expression has no value starts a run
            that is no singleton, and Tarry counts a match error.

    Raises:
        UsageError: ``mode`` or ``key`` is not valid. The error says which values are.
    """

    mode: Literal["skip", "cancel"]
    key: str | None = None

    def __post_init__(self) -> None:
        if self.mode not in _MODES:
            raise UsageError(f"singleton: mode is {self.mode!r}; give 'skip' or 'cancel'")
        check_key("singleton", self.key)


@dataclass(frozen=True, slots=True)
class Throttle:
    """Runs begin one each ``period / limit``, and up to ``burst`` at once after a pause. None is dropped.

    A run that comes sooner gets the next free time, and waits for it at no cost. So at most ``limit + burst - 1`` runs
    have their time to begin within any ``period``.

    A run takes its time when it could begin: one whose event has a future ``ts``, when that has come. If the run is
    cancelled before, or an executor dies before it has stored the time, the time is lost: fewer runs begin, never more.
    Retries and the successors of ``continue_as_new`` take none. A rerun from the beginning takes one.

    Attributes:
        limit: How many runs in a ``period``, 1 to 1,000.
        period: The time, 1 second to 366 days.
        burst: How many runs may begin at once, 1 to 1,000.
        key: CEL over ``event``, such as ``event.data.customerId``. Each value has the throttle for itself. Values are
            equal as in expressions: 1 equals 1.0, but not ``"1"``. Runs for whose event the expression has no value
            share one throttle, and Tarry counts a match error.

    Raises:
        UsageError: ``limit``, ``burst`` or ``key`` is not valid. The error says which values are.
        DurationError: ``period`` is not a duration in these limits.
    """

    limit: int
    period: Duration
    burst: int = 1
    key: str | None = None

    def __post_init__(self) -> None:
        checked_limit("throttle", self.limit)
        checked_period("throttle", self.period)
        checked_limit("throttle", self.burst, "burst")
        check_key("throttle", self.key)

    @property
    def span(self) -> int:
        """The period in milliseconds."""
        return milliseconds(self.period)


@dataclass(frozen=True, slots=True)
class Priority:
    """Which of the runs that wait at a limit of ``concurrency`` goes on first.

    Runs wait in the order of their starting events. A priority moves a run ahead by so many seconds: it goes on before
    runs whose event was received up to that much earlier. So no run waits for ever. A run that finds a free place goes
    on at once, whatever its priority. A run has its priority also when it is resumed.

    Attributes:
        run: CEL over ``event`` that gives seconds, such as ``event.data.plan == "paid" ? 120 : 0``. The value is an
            integer from -600 to 600; a value beyond counts as the nearest. Without such a value it is 0, and Tarry
            counts a match error.

    Raises:
        UsageError: ``run`` is no text.
    """

    run: str

    def __post_init__(self) -> None:
        given: Any = self.run
        if not (isinstance(given, str) and given.strip()):
            raise UsageError(
                f"priority: run is {self.run!r}; give an expression for seconds, such as 'event.data.urgent ? 60 : 0'"
            )

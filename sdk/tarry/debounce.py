"""A function's debounce: it starts once its events have stopped coming for a while."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tarry._engine.flow_checks import check_key
from tarry.durations import milliseconds
from tarry.errors import DurationError, UsageError

if TYPE_CHECKING:
    from tarry.durations import Duration

__all__ = ["MAX_WINDOW", "MIN_WINDOW", "Debounce", "checked_window"]

MIN_WINDOW = 1_000
"""The shortest time, in milliseconds, for which events are gathered: timers are precise to a second."""

MAX_WINDOW = 6 * 86_400_000
"""The longest such time: a day less than the log stores events by default."""


@dataclass(frozen=True, slots=True)
class Debounce:
    """Start one run, with the latest event, once no further event has come for ``period``.

    Events of one value of ``key`` form a window. The first one opens it, each further one prolongs it. When it ends,
    the latest event starts a run, and the others start none: their receipts name the run that absorbed them. The latest
    is by reception, as everywhere in Tarry, and not by the event's ``ts``.

    A window ends up to two seconds late. An event received after its end opens the next one.

    Attributes:
        period: How long no event has to come, from one second to 6 days.
        key: CEL over ``event``, such as ``event.data.customerId``. Each value has windows of its own. Values are equal
            as in expressions: 1 equals 1.0, but not ``"1"``. An event for which the expression has no value starts its
            run at once, and Tarry counts a match error.
        timeout: How long a window lasts at most, from the reception of its first event: at least ``period``, at most
            6 days. Without it, a window lasts as long as events come.

    Raises:
        UsageError: ``key`` is not valid, or ``timeout`` is shorter than ``period``.
        DurationError: ``period`` or ``timeout`` is no duration, or out of range.
    """

    period: Duration
    key: str | None = None
    timeout: Duration | None = None

    def __post_init__(self) -> None:
        checked_window("debounce: period", self.period)
        check_key("debounce", self.key)
        if self.timeout is not None and checked_window("debounce: timeout", self.timeout) < milliseconds(self.period):
            raise UsageError(
                f"debounce: timeout={self.timeout!r} is shorter than period={self.period!r}, so every window would end "
                "by it: give at least the period, or leave it out"
            )

    @property
    def limits(self) -> tuple[int, int | None]:
        """The period, and the timeout if there is one, in milliseconds."""
        return milliseconds(self.period), None if self.timeout is None else milliseconds(self.timeout)


def checked_window(what: str, span: Duration) -> int:
    """Return in milliseconds for how long events are gathered; raise ``DurationError`` if it is out of range."""
    try:
        given = milliseconds(span)
    except DurationError as error:
        raise DurationError(f"{what}: {error}") from None
    if not MIN_WINDOW <= given <= MAX_WINDOW:
        raise DurationError(f"{what} is {span!r}; give one second to 6 days, such as '30s'")
    return given

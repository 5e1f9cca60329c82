"""Triggers, which start functions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tarry._wire.internal_events import accepts
from tarry.durations import milliseconds
from tarry.errors import UsageError
from tarry.eventtypes import event_name_of

if TYPE_CHECKING:
    from tarry.cron import Cron
    from tarry.durations import Duration

__all__ = ["Trigger", "TriggerCron", "TriggerEvent"]

_MINUTE = 60_000

_INNGEST = "inngest/"

_MAX_WINDOW = 1_440

_NO_ZONES = ("localtime", "Factory", "posix/", "posixrules", "right/")
"""Names that a machine may have beside IANA's. EventBridge Scheduler does not know them, or they differ by machine."""


@dataclass(frozen=True, slots=True, init=False)
class TriggerEvent:
    """Starts the function with every event of a name.

    Args:
        event: An event name, a prefix that ends in ``*`` (``app/*``), or an event type (see ``tarry.event_type``).
            With an event type, ``ctx.data`` is an instance of it. Only a trigger that itself begins with ``tarry/``
            gets Tarry's own events, whose names begin so. It gets those of its app, unless its expression reads
            ``event.source``: then the expression decides.
        expression: CEL over the incoming ``event``, such as ``event.data.total > 100``. If it is false or fails, the
            event does not start the function. ``create_function`` refuses one that does not compile.

    Raises:
        EventError: ``event`` is neither a valid name nor an event type.
        UsageError: A ``*`` is not at the end, the name is one of Inngest's own events, or ``expression`` is empty or no
            string.
    """

    event: str
    expression: str | None
    data_type: type[Any] | None

    def __init__(self, event: str | type[Any], expression: str | None = None) -> None:
        object.__setattr__(self, "event", event_name_of(event))
        object.__setattr__(self, "expression", expression)
        object.__setattr__(self, "data_type", event if isinstance(event, type) else None)
        condition: object = expression
        if condition is not None and (not isinstance(condition, str) or not condition.strip()):
            raise UsageError(f"trigger {self.event!r}: expression is {expression!r}: give a string, or leave it out")
        if self.event.startswith(_INNGEST):
            new = f"tarry/{self.event.removeprefix(_INNGEST)}"
            raise UsageError(f"trigger {self.event!r} is an event of Inngest's own; Tarry's is {new!r}")
        if "*" in self.event.removesuffix("*"):
            raise UsageError(f"trigger {self.event!r}: put the * at the end, as in 'app/*'")

    def names(self, event_name: str) -> bool:
        """Whether the trigger accepts events of this name."""
        return accepts(self.event, event_name)


@dataclass(frozen=True, slots=True)
class TriggerCron:
    """Starts the function at the times of a cron schedule, once at each time.

    The starting event is ``tarry/scheduled.timer``. Its data have ``cron`` and ``scheduled_for``, the scheduled time in
    UTC, such as ``2026-01-05T09:00:00Z``.

    When clocks go forward, the skipped times do not come. When clocks go back, a repeated time counts once.

    Attributes:
        cron: The five fields of Unix: minute (0 to 59), hour (0 to 23), day of the month (1 to 31), month (1 to 12,
            or JAN to DEC), day of the week (0 to 7, or SUN to SAT; 0 and 7 are Sunday). A field is ``*``, a value, a
            range ``1-5``, a step ``*/15``, or several of these with commas. If both day fields are restricted, either
            one suffices.
        timezone: An IANA name, such as ``Europe/Berlin``.
        jitter: Spreads the start over this duration after the time: whole minutes from 1 to 1,440, such as ``"15m"``.
            Without it, a deployed function starts within a minute of the time.

    Raises:
        UsageError: A field is wrong, or the cron never fires, such as on February 30th.
        DurationError: ``jitter`` is not a duration.
    """

    cron: str
    timezone: str = "UTC"
    jitter: Duration | None = None
    times: Cron = field(init=False, repr=False, compare=False)
    window: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        from tarry.cron import Cron  # only crons need it

        try:
            object.__setattr__(self, "times", Cron.parse(self.cron))
        except UsageError as error:
            raise UsageError(f"cron {self.cron!r}: {error}") from None
        _check_zone(self.timezone)
        object.__setattr__(self, "window", 0 if self.jitter is None else _whole_minutes(self.jitter))


Trigger = TriggerEvent | TriggerCron


def _check_zone(name: object) -> None:
    from zoneinfo import ZoneInfo  # only crons need it

    try:
        if not isinstance(name, str) or name.startswith(_NO_ZONES):
            raise TypeError
        ZoneInfo(name)
    except (KeyError, TypeError, ValueError, OSError):
        raise UsageError(f"timezone {name!r} is unknown: give an IANA name, such as 'Europe/Berlin'") from None


def _whole_minutes(jitter: Duration) -> int:
    minutes, rest = divmod(milliseconds(jitter), _MINUTE)
    if rest or not 1 <= minutes <= _MAX_WINDOW:
        raise UsageError(f"jitter={jitter!r}: give whole minutes, from '1m' to '24h'")
    return minutes

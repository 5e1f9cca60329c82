"""What starts a function."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tarry.cron import Cron
from tarry.durations import milliseconds
from tarry.errors import UsageError
from tarry.eventtypes import event_name_of

if TYPE_CHECKING:
    from tarry.durations import Duration

__all__ = ["Trigger", "TriggerCron", "TriggerEvent"]

_MINUTE = 60_000

_MAX_WINDOW = 1_440


@dataclass(frozen=True, slots=True, init=False)
class TriggerEvent:
    """The function starts with every event of this name.

    ``event`` is a name, or a prefix with a ``*`` at its end: ``app/*``; or an event type (see ``tarry.event_type``), an
    instance of which is then ``ctx.data``. Events of Tarry's own, whose names begin with ``tarry/``, are meant only by
    a trigger that begins so, too. ``expression`` is CEL over the incoming ``event`` (``event.data.total > 100``);
    where it is false, or fails, the function is not started.
    """

    event: str
    expression: str | None
    data_type: type[Any] | None

    def __init__(self, event: str | type[Any], expression: str | None = None) -> None:
        object.__setattr__(self, "event", event_name_of(event))
        object.__setattr__(self, "expression", expression)
        object.__setattr__(self, "data_type", event if isinstance(event, type) else None)
        if "*" in self.event.removesuffix("*"):
            raise UsageError(f"trigger {self.event!r}: a * stands only at the end, as in 'app/*'")

    def names(self, event_name: str) -> bool:
        """Whether an event of this name is one of the trigger's."""
        if self.event.endswith("*"):
            return event_name.startswith(self.event.removesuffix("*"))
        return event_name == self.event


@dataclass(frozen=True, slots=True)
class TriggerCron:
    """The function starts at these times, each of which starts it once.

    ``cron`` has the five fields of Unix: minute (0 to 59), hour (0 to 23), day of the month (1 to 31), month (1 to 12,
    or JAN to DEC), day of the week (0 to 7, of which 0 and 7 are Sunday, or SUN to SAT). A field is ``*``, a value, a
    range ``1-5``, a step ``*/15``, or several of these with commas between. Where both days are given, either will
    do. It is read in ``timezone``, a name of the IANA's such as ``Europe/Berlin``. When clocks go forward, the times
    that are left out do not come; when they go back, those that come twice count once.

    ``jitter`` spreads the start: up to so much later, whole minutes from 1 to 1,440 (``"15m"``). Without it a deployed
    function starts within a minute of the time.

    The event that starts the run is called ``tarry/scheduled.timer``. Its data have ``cron``, and ``scheduled_for``,
    the time of the schedule that it stands for, in UTC: ``2026-01-05T09:00:00Z``.

    ``UsageError``, or ``DurationError``, says what is wrong; so does a cron that never comes, such as the 30th of
    February.
    """

    cron: str
    timezone: str = "UTC"
    jitter: Duration | None = None
    times: Cron = field(init=False, repr=False, compare=False)
    window: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "times", Cron.parse(self.cron))
        except UsageError as error:
            raise UsageError(f"cron {self.cron!r}: {error}") from None
        _check_zone(self.timezone)
        object.__setattr__(self, "window", 0 if self.jitter is None else _whole_minutes(self.jitter))


Trigger = TriggerEvent | TriggerCron


def _check_zone(name: object) -> None:
    try:
        if not isinstance(name, str):
            raise TypeError
        ZoneInfo(name)
    except (KeyError, TypeError, ValueError, OSError):
        raise UsageError(f"timezone {name!r} is none: give a name of the IANA's, such as 'Europe/Berlin'") from None


def _whole_minutes(jitter: Duration) -> int:
    minutes, rest = divmod(milliseconds(jitter), _MINUTE)
    if rest or not 1 <= minutes <= _MAX_WINDOW:
        raise UsageError(f"jitter={jitter!r}: give whole minutes, from '1m' to '24h'")
    return minutes

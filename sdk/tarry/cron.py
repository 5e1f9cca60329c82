"""Cron expressions of five fields, parsed into the values that they allow."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tarry.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

__all__ = ["Cron"]

_PART = re.compile(r"(?:\*|(?P<low>\w{1,3})(?:-(?P<high>\w{1,3}))?)(?:/(?P<step>[1-9]\d?))?", re.ASCII)

_LONGEST_MONTHS = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@dataclass(frozen=True, slots=True)
class _Field:
    """One of the five fields: its least and greatest value, and the names of its values from the least on."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    def values(self, text: str) -> tuple[int, ...]:
        """Return all values that the text allows, sorted."""
        return tuple(sorted({value for part in text.split(",") for value in self._part(part, text)}))

    def _part(self, part: str, text: str) -> Sequence[int]:
        found = _PART.fullmatch(part)
        if found is None:
            raise self._error(text)
        low, high, step = found["low"], found["high"], found["step"]
        first = self._value(low, text) if low else self.low
        last = self._value(high, text) if high else first if low and not step else self.high
        if last < first or int(step or 1) > self.high - self.low + 1:  # */90 minutes would be every hour
            raise self._error(text)
        return range(first, last + 1, int(step or 1))

    def _value(self, word: str, text: str) -> int:
        if word.upper() in self.names:
            return self.low + self.names.index(word.upper())
        if not word.isdecimal() or not self.low <= int(word) <= self.high:
            raise self._error(text)
        return int(word)

    def _error(self, text: str) -> UsageError:
        names = f" or {self.names[0]} to {self.names[-1]}" if self.names else ""
        return UsageError(
            f"its {self.name} is {text!r}: give {self.low} to {self.high}{names}, as *, a value, a range such as "
            f"{self.low + 1}-{self.low + 3}, a step such as */2, or several of these with commas"
        )


_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")

_MINUTE, _HOUR = _Field("minute", 0, 59), _Field("hour", 0, 23)
_DAY, _MONTH = _Field("day of the month", 1, 31), _Field("month", 1, 12, _MONTHS)
_WEEKDAY = _Field("day of the week", 0, 7, _WEEKDAYS)  # both 0 and 7 are Sunday


@dataclass(frozen=True, slots=True)
class Cron:
    """The minutes, hours, days and months that a cron expression allows. Weekdays are 0 (Sunday) to 6.

    ``days`` or ``weekdays`` is ``None`` where the expression has a ``*``. If it restricts both, either one suffices, as
    in Unix.
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...] | None
    months: tuple[int, ...]
    weekdays: tuple[int, ...] | None

    @classmethod
    def parse(cls, text: object) -> Cron:
        """Parse ``minute hour day-of-month month day-of-week``; ``UsageError`` names the wrong field."""
        if not isinstance(text, str) or len(fields := text.split()) != 5:
            raise UsageError("give five fields: minute, hour, day of the month, month, day of the week")
        minute, hour, day, month, weekday = fields
        read = cls(
            _MINUTE.values(minute),
            _HOUR.values(hour),
            None if day == "*" else _DAY.values(day),
            _MONTH.values(month),
            None if weekday == "*" else tuple(sorted({value % 7 for value in _WEEKDAY.values(weekday)})),
        )
        _check_days(read, day, weekday)
        return read

    def on(self, day: date) -> bool:
        """Whether the cron fires on that day."""
        if day.month not in self.months:
            return False
        if self.days is None and self.weekdays is None:
            return True
        return day.day in (self.days or ()) or day.isoweekday() % 7 in (self.weekdays or ())


def _check_days(cron: Cron, day: str, weekday: str) -> None:
    if cron.days is None:
        return
    if cron.weekdays is None:
        if min(cron.days) > max(_LONGEST_MONTHS[month] for month in cron.months):
            raise UsageError(f"none of its months has a day {min(cron.days)}, so it never fires")
    elif "*" in day + weekday:
        raise UsageError(
            f"with the day of the month {day!r} and the day of the week {weekday!r}, some crons fire when both "
            "match, some when either matches: list the days instead"
        )

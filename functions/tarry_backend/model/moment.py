"""Times outside of Python's calendar, such as a step that is due in the year 33715."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["iso", "shown_year", "within_calendar"]

_FIRST, _LAST = -62_104_060_800_000, 253_370_764_800_000
"""The years 2 to 9998, in Unix milliseconds: these times are in the calendar in each time zone."""

_CYCLE, _CYCLE_YEARS = 146_097 * 86_400_000, 400
"""The milliseconds, and the years, after which the calendar repeats with its weekdays."""


def within_calendar(moment: int) -> tuple[datetime, int]:
    """Return a time of Unix milliseconds in UTC, and the years to add to it: 0 for any time that Python knows.

    For any other time, the result has the same date, weekday and time of day in another year, a multiple of 400 years
    away. It never raises.
    """
    if _FIRST <= moment < _LAST:
        return datetime.fromtimestamp(moment / 1000, UTC), 0
    cycles, rest = divmod(int(moment), _CYCLE)
    return datetime.fromtimestamp(rest / 1000, UTC), cycles * _CYCLE_YEARS


def shown_year(year: int) -> str:
    """Return a year as ISO 8601 writes it: four digits, or a sign and at least six."""
    return f"{year:04d}" if 0 <= year <= 9999 else f"{year:+07d}"


def iso(moment: int | None) -> str | None:
    """Return Unix milliseconds as ISO 8601 in UTC, to the millisecond, for programs.

    Outside of the years 0 to 9999, the year has a sign and six digits or more: ``+033715-03-05T…``.
    """
    if moment is None:
        return None
    time, years = within_calendar(moment)
    return f"{shown_year(time.year + years)}-{time:%m-%dT%H:%M:%S}.{moment % 1000:03d}Z"

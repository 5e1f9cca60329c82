"""Times, for people who read a page: near ones are short, and the exact one is beside it."""

from __future__ import annotations

from datetime import datetime

from tarry_backend.model.moment import shown_year, within_calendar
from tarry_dev.time_span import span

__all__ = ["ago", "clock_time", "exact", "long_time", "milliseconds_of"]

_DAY = 86_400_000
_WEEK = 7 * _DAY


def ago(moment: int, now: int) -> str:
    """Return ``2 h ago``, ``in 3 d``, or ``now`` within half a second."""
    apart = now - moment
    if abs(apart) < 500:
        return "now"
    words = span(abs(apart) // 1000 * 1000 or abs(apart))
    return f"{words} ago" if apart > 0 else f"in {words}"


def clock_time(moment: int, now: int) -> str:
    """Return a time of this machine's zone: ``12:00:05``, ``Friday 12:00``, ``8 Jan 12:00``, ``8 Jan 2031 12:00``."""
    (here, year), (today, this_year) = _local(moment), _local(now)
    if (here.month, here.day, year) == (today.month, today.day, this_year):
        return f"{here:%H:%M:%S}"
    if abs(moment - now) < _WEEK - _DAY:
        return f"{here:%A %H:%M}"
    return f"{here.day} {here:%b}{'' if year == this_year else f' {shown_year(year)}'} {here:%H:%M}"


def exact(moment: int) -> str:
    """Return a time to the millisecond, in this machine's zone: ``2026-01-08 12:00:05.123 +0100``."""
    here, year = _local(moment)
    return f"{shown_year(year)}-{here:%m-%d %H:%M:%S}.{moment % 1000:03d} {here:%z}"


def long_time(moment: int) -> str:
    """Return ``Thursday 26 November 2026, 17:10:44``."""
    here, year = _local(moment)
    return f"{here:%A} {here.day} {here:%B} {shown_year(year)}, {here:%H:%M:%S}"


def milliseconds_of(text: str | None) -> int | None:
    """Return the Unix milliseconds that ``tarry_backend.model.moment.iso`` wrote."""
    if text is None:
        return None
    year, rest = (text[:4], text[4:]) if text[0].isdigit() else (text[:7], text[7:])
    cycles, within = divmod(int(year) - 2000, 400)
    base = datetime.fromisoformat(f"{2000 + within:04d}{rest}")
    return round(base.timestamp() * 1000) + cycles * 146_097 * _DAY


def _local(moment: int) -> tuple[datetime, int]:
    time, years = within_calendar(moment)
    local = time.astimezone()
    return local, local.year + years

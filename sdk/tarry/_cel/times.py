"""CEL's timestamps and durations, exact to the nanosecond, and their parsers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from zoneinfo import ZoneInfo

from tarry._cel.errors import CelError

__all__ = ["CALENDAR", "CLOCK", "Duration", "Timestamp", "parse_date", "parse_duration", "parse_timestamp", "zone"]

MAX_DURATION = 100
"""The longest text of a duration, in characters."""

SECOND = 10**9
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _END = -62_135_596_800 * SECOND, 253_402_300_800 * SECOND  # the years 1 to 9999
_LONGEST = 2**63 - 1  # some 292 years

_TIMESTAMP = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?"
    r"(?:([Zz])|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))?)?"
)
_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h|d|w)")
_DURATION = re.compile(rf"([+-]?)((?:(?=\.?[0-9]){_PART.pattern})+)")
_UNITS = {
    "ns": 1,
    "us": 1000,
    "µs": 1000,
    "μs": 1000,
    "ms": 10**6,
    "s": SECOND,
    "m": 60 * SECOND,
    "h": 3600 * SECOND,
}
_DAYS = {"d": 86_400 * SECOND, "w": 7 * 86_400 * SECOND}


@dataclass(frozen=True, slots=True, order=True)
class Timestamp:
    """A moment: nanoseconds since 1970."""

    nanoseconds: int

    def __post_init__(self) -> None:
        if not _FIRST <= self.nanoseconds < _END:
            raise CelError("a timestamp must be in the years 1 to 9999")

    def __str__(self) -> str:
        seconds, fraction = divmod(self.nanoseconds, SECOND)
        return f"{(_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()}{_fraction(fraction)}Z"

    def at(self, zone: tzinfo) -> datetime:
        """Return the calendar and clock of a time zone, to the microsecond."""
        try:
            return (_EPOCH + timedelta(microseconds=self.nanoseconds // 1000)).astimezone(zone)
        except OverflowError as error:
            raise CelError("a timestamp must be in the years 1 to 9999") from error


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A duration, in nanoseconds."""

    nanoseconds: int

    def __post_init__(self) -> None:
        if abs(self.nanoseconds) > _LONGEST:
            raise CelError("a duration may be at most 292 years")

    def __str__(self) -> str:
        seconds, fraction = divmod(abs(self.nanoseconds), SECOND)
        return f"{'-' if self.nanoseconds < 0 else ''}{seconds}{_fraction(fraction)}s"


def _fraction(nanoseconds: int) -> str:
    return f".{nanoseconds:09}".rstrip("0") if nanoseconds else ""


def parse_timestamp(text: str) -> Timestamp:
    """Parse ``2024-01-31T12:00:00.5+01:00``: RFC 3339, as in the standard."""
    found = _TIMESTAMP.fullmatch(text)
    if not found or not (found[4] or found[5]):
        raise CelError(f"{text!r} is not a time such as '2024-01-31T12:00:00Z'")
    return _timestamp(found)


def parse_date(value: str | float) -> Timestamp:
    """Apply Inngest's ``date()``: RFC 3339, also without zone (then UTC) or time; or a Unix time.

    As in Inngest, a number from the year 2000 on is taken for seconds below 10^10, for milliseconds below
    10^13, and for nanoseconds from there on. A fraction counts, as its shortest decimal form says.
    """
    if isinstance(value, str):
        if found := _TIMESTAMP.fullmatch(value):
            return _timestamp(found)
        raise CelError(f"{value!r} is not a date such as '2024-01-31' or '2024-01-31T12:00:00Z'")
    if value < 946_684_800:
        number = value if value > -(10**18) else "so low a number"  # to write a long one takes a millisecond
        raise CelError(f"{number} is not a Unix time from the year 2000 on")
    unit = SECOND if value < 10**10 else 10**6 if value < 10**13 else 1
    return Timestamp(value * unit if isinstance(value, int) else int(Decimal(repr(value)) * unit))


def _timestamp(found: re.Match[str]) -> Timestamp:
    day, clock, fraction, _, sign, hours, minutes = found.groups()
    try:
        local = datetime.fromisoformat(f"{day}T{clock or '00:00:00'}+00:00")
        offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    except ValueError as error:
        raise CelError(f"{found[0]!r} is not a time: {error}") from error
    seconds = (local - _EPOCH - (-offset if sign == "-" else offset)) // timedelta(seconds=1)
    return Timestamp(seconds * SECOND + int((fraction or "").ljust(9, "0")))


def parse_duration(text: str, *, days: bool = False) -> Duration:
    """Parse ``1h30m``, ``-1.5s``, ``0``: durations as in the standard. ``days`` allows ``d`` and ``w``."""
    if len(text) > MAX_DURATION:
        raise CelError(f"the duration has {len(text):,} characters; at most {MAX_DURATION} are allowed")
    found = _DURATION.fullmatch(text)
    units = _UNITS | _DAYS if days else _UNITS
    parts = _PART.findall(found[2]) if found else []
    if text != "0" and (not parts or any(unit not in units for _, _, unit in parts)):
        raise CelError(f"{text!r} is not a duration such as '1h30m'")
    total = sum(int(f"{whole}{part}" or 0) * units[unit] // 10 ** len(part) for whole, part, unit in parts)
    return Duration(-total if found and found[1] == "-" else total)


def zone(name: str) -> tzinfo:
    """A time zone by its name (``Europe/Paris``) or offset (``+01:00``)."""
    if found := re.fullmatch(r"([+-]?)([01][0-9]|2[0-3]):([0-5][0-9])", name):
        offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
        return timezone(-offset if found[1] == "-" else offset)
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise CelError(f"{name!r} is not a time zone") from error


def _calendar(read: Callable[[datetime], int]) -> Callable[..., int]:
    return lambda moment, name="UTC": read(moment.at(zone(name)))


CALENDAR: dict[str, Callable[..., int]] = {
    "getFullYear": _calendar(lambda at: at.year),
    "getMonth": _calendar(lambda at: at.month - 1),
    "getDate": _calendar(lambda at: at.day),
    "getDayOfMonth": _calendar(lambda at: at.day - 1),
    "getDayOfWeek": _calendar(lambda at: at.isoweekday() % 7),
    "getDayOfYear": _calendar(lambda at: (at.date() - date(at.year, 1, 1)).days),
    "getHours": _calendar(lambda at: at.hour),
    "getMinutes": _calendar(lambda at: at.minute),
    "getSeconds": _calendar(lambda at: at.second),
    "getMilliseconds": _calendar(lambda at: at.microsecond // 1000),
}
"""The methods of a timestamp, each with an optional time zone. Months, and some days, count from 0."""


def _whole(unit: int) -> Callable[[Duration], int]:
    return lambda span: (abs(span.nanoseconds) // unit) * (-1 if span.nanoseconds < 0 else 1)


CLOCK: dict[str, Callable[[Duration], int]] = {
    "getHours": _whole(3600 * SECOND),
    "getMinutes": _whole(60 * SECOND),
    "getSeconds": _whole(SECOND),
    "getMilliseconds": lambda span: _whole(10**6)(span) % 1000,
}
"""The methods of a duration: its whole length in that unit; milliseconds are those within the second."""

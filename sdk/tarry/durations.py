"""Durations and deadlines, in milliseconds."""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta

from tarry._engine.retry_after import AWARE
from tarry.errors import DurationError

__all__ = ["MAX_DURATION", "Duration", "Timeout", "deadline", "milliseconds"]

Duration = timedelta | str | int
"""A ``timedelta``, a string such as ``"3d"`` or ``"1h30m"``, or milliseconds. Units: ms, s, m, h, d, w."""

Timeout = Duration | datetime
"""A duration from now on, or an aware ``datetime`` as the deadline."""

MAX_DURATION = 366 * 24 * 3600 * 1000
"""The longest wait or sleep, in milliseconds: 366 days."""

_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
_TEXT = re.compile(rf"-?(?:{_PART.pattern})+")


def milliseconds(value: Duration) -> int:
    """Return the duration in milliseconds; it may be negative.

    Raises:
        DurationError: It is not a duration, or is longer than 366 days.
    """
    span = _span(value)
    if span > MAX_DURATION:
        raise DurationError(f"{value!r} is longer than 366 days, the longest wait or sleep")
    return span


def deadline(value: Timeout, now: int) -> int:
    """Return the moment, in Unix milliseconds, at which ``value`` ends if it begins at ``now``.

    Raises:
        DurationError: It is not a duration, has no time zone, or is more than 366 days away.
    """
    if not isinstance(value, datetime):
        return now + milliseconds(value)
    if value.utcoffset() is None:
        raise DurationError(f"{value!r} has no time zone: {AWARE}")
    moment = round(value.timestamp() * 1000)
    if moment - now > MAX_DURATION:
        raise DurationError(f"{value.isoformat()} is more than 366 days away, the longest wait or sleep")
    return moment


def _span(value: Duration) -> int:
    if isinstance(value, timedelta):
        return value // timedelta(milliseconds=1)
    if isinstance(value, bool):
        raise DurationError(f"{value!r} is not a duration: give a timedelta, milliseconds, or a string such as '1h30m'")
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        return _parse(value)
    raise DurationError(f"{value!r} is not a duration: give a timedelta, milliseconds, or a string such as '1h30m'")


def _parse(text: str) -> int:
    compact = text.replace(" ", "")
    if not _TEXT.fullmatch(compact):
        raise DurationError(
            f"{text!r} is not a duration: write a number and a unit ({', '.join(_UNITS)}), such as '3d' or '1h30m'"
        )
    total = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(compact))
    if total == math.inf:  # so many digits that the number is infinite, as a float
        raise DurationError(f"{text[:40]}… is longer than 366 days, the longest wait or sleep")
    return round(-total if compact.startswith("-") else total)

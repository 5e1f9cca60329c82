"""When to try again, as the sender of a ``Retry-After`` header or your code says it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from math import isfinite

from tarry._engine.error_text import shown

__all__ = ["AWARE", "moment_of"]

AWARE = "give an aware datetime, such as datetime.now(UTC), or name the zone that it is in: .replace(tzinfo=UTC)"
"""How to mend a ``datetime`` without a time zone."""

_SECONDS = re.compile(r"[0-9]+(?:\.[0-9]+)?", re.ASCII)
_HTTP_DATE = re.compile(r"[A-Z][a-z]{2,8},? .*[0-9]{2}:[0-9]{2}:[0-9]{2}.*", re.ASCII)
_EPOCH = (10**9, 10**14)
"""Numbers in between are taken for Unix times, in seconds from 2001 on or in milliseconds: as seconds from now, the
smallest is 31 years."""


def moment_of(after: object) -> float | timedelta | datetime:
    """Return seconds from now, a span, or an aware moment.

    Raises:
        ValueError: ``after`` is none of these, nor the value of a ``Retry-After`` header. The text says what to do.
    """
    if isinstance(after, str):
        return _header(after)
    if isinstance(after, datetime):
        if after.utcoffset() is None:
            raise ValueError(f"{shown(after)} has no time zone: {AWARE}")
        return after
    if isinstance(after, timedelta):
        return after
    if isinstance(after, bool) or not isinstance(after, int | float) or not isfinite(after):
        raise ValueError(f"{shown(after)} is no time: give seconds, a Retry-After header, a timedelta or a datetime")
    return _seconds(after)


def _header(text: str) -> float | datetime:
    """Return the value of the header: seconds, or one of the three forms of an HTTP date, all of them in GMT."""
    if _SECONDS.fullmatch(text.strip()):
        return _seconds(float(text))
    if _HTTP_DATE.fullmatch(text.strip()):
        from email.utils import parsedate_to_datetime

        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, TypeError, OverflowError):
            pass
        else:
            return moment if moment.utcoffset() is not None else moment.replace(tzinfo=UTC)
    raise ValueError(
        f"{shown(text)} is no Retry-After header: that is seconds, such as '120', or a date, such as "
        "'Wed, 21 Oct 2026 07:28:00 GMT'"
    )


def _seconds(number: float) -> float:
    first, end = _EPOCH
    if first <= number < end:
        unit = "" if number < 10**11 else " / 1000"
        raise ValueError(
            f"{number:.0f} seconds from now are {number / 31_557_600:,.0f} years: it looks like a Unix time; give "
            f"datetime.fromtimestamp({number:.0f}{unit}, UTC)"
        )
    return number

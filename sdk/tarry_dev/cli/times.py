"""Times, durations and values, for people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from tarry.durations import milliseconds as milliseconds_of
from tarry.errors import DurationError
from tarry_backend.clock import now
from tarry_backend.model.moment import shown_year, within_calendar
from tarry_dev.cli.encrypted_values import concealed
from tarry_dev.cli.errors import CommandError
from tarry_dev.control_characters import one_line
from tarry_dev.time_span import span

__all__ = ["Calendar", "compact", "gist", "read_moment", "span", "values"]

_ARE_WHOLE = ContextVar("tarry-values-are-whole", default=False)


@contextmanager
def values(*, whole: bool) -> Iterator[None]:
    """Within it, no value is cut, if they are to be ``whole``: the option ``--full``."""
    token = _ARE_WHOLE.set(whole)
    try:
        yield
    finally:
        _ARE_WHOLE.reset(token)


def compact(value: Any, width: int = 60) -> str:
    """Write JSON on one line, cut to ``width`` characters."""
    if isinstance(value, dict | list):
        value = concealed(value)
    text = one_line(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= width or _ARE_WHOLE.get() else text[: width - 1] + "…"


def gist(value: Any, width: int = 60) -> str:
    """Write a value in short, cut to ``width``: strings without quotation marks, of an object only the values."""
    if isinstance(value, Mapping):
        value = ", ".join(gist(each, width) for each in value.values())
    if not isinstance(value, str):
        return compact(value, width)
    text = one_line(value.replace("\n", " "))
    return text if len(text) <= width else text[: width - 1] + "…"


@dataclass(frozen=True, slots=True)
class Calendar:
    """Writes times near ``today`` (Unix milliseconds): without a date on that day, without a year in that year.

    Times are in this machine's time zone, unless ``zone`` names another. ``dated`` adds the date on that day too.
    """

    today: int
    zone: tzinfo | None = None
    dated: bool = False

    def at(self, moment: int) -> str:
        """``12:00:00``, ``8 Jan 12:00:00`` or ``8 Jan 2027 12:00:00``."""
        (here, year), (today, this_year) = self._local(moment), self._local(self.today)
        time = f"{here:%H:%M:%S}"
        if (here.month, here.day, year) == (today.month, today.day, this_year) and not self.dated:
            return time
        return f"{here.day} {here:%b}{'' if year == this_year else f' {shown_year(year)}'} {time}"

    def day(self, moment: int) -> str:
        """``Thu 8 Jan 2026``."""
        here, year = self._local(moment)
        return f"{here:%a} {here.day} {here:%b} {shown_year(year)}"

    def _local(self, moment: int) -> tuple[datetime, int]:
        """The time, and its year: that may be one which no calendar of Python's has."""
        time, years = within_calendar(moment)
        local = time.astimezone(self.zone)
        return local, local.year + years


def read_moment(text: str | None, default: int) -> int:
    """Parse how long ago, such as ``1h30m``, or a time in ISO 8601; without a zone, in this machine's.

    Raises:
        CommandError: It is neither.
    """
    if text is None:
        return default
    try:
        return now() - milliseconds_of(text)
    except DurationError:
        pass
    try:
        return round(datetime.fromisoformat(text).timestamp() * 1000)
    except ValueError:
        raise CommandError(f"{text!r} is not a time: write how long ago, such as 1h30m, or 2026-01-05T12:00Z") from None

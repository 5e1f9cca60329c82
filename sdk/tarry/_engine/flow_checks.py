"""The checks of the values of flow control."""

from __future__ import annotations

from typing import Any

from tarry._engine.whole_number import is_whole
from tarry.durations import milliseconds
from tarry.errors import DurationError, UsageError

__all__ = ["MAX_STARTS", "check_key", "checked_limit", "checked_period"]

MAX_STARTS = 1_000
"""The largest limit. DynamoDB stores the counted starts in one item, and bills by its size."""

_LEAST = 1_000
"""The shortest period, in milliseconds."""


def checked_limit(what: str, value: object, name: str = "limit") -> None:
    """Raise ``UsageError`` if the value is no number of starts."""
    if not is_whole(value, 1, MAX_STARTS):
        raise UsageError(f"{what}: {name} is {value!r}; give a whole number from 1 to {MAX_STARTS:,}")


def checked_period(what: str, value: Any) -> None:
    """Raise ``DurationError`` if the value is no duration of a second or more."""
    try:
        span = milliseconds(value)
    except DurationError as error:
        raise DurationError(f"{what}: period: {error}") from None
    if span < _LEAST:
        raise DurationError(f"{what}: period is {value!r}; give a second or more, such as '1m'")


def check_key(what: str, value: object) -> None:
    """Raise ``UsageError`` if the value is no expression."""
    if value is not None and not (isinstance(value, str) and value.strip()):
        raise UsageError(
            f"{what}: key is {value!r}; give an expression, such as 'event.data.customerId', or leave it out"
        )

"""The names under which the starts of a function are limited: from the option's key and the event. Pure."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Protocol

from tarry.errors import ExpressionError
from tarry_backend import matching
from tarry_backend.model.shared_key import SHARED

if TYPE_CHECKING:
    from tarry import Event
    from tarry._cel.dialect import Dialect

__all__ = ["pace_key", "start_key"]


class Keyed(Protocol):
    """A function whose starts are limited by keys."""

    @property
    def id(self) -> str:
        """The function's id."""

    @property
    def dialect(self) -> Dialect:
        """How its expressions are evaluated."""


def start_key(function: Keyed, key: str | None, event: Event, received_at: int) -> str | None:
    """Return the name of what all events with the same value of the key share; ``None`` if the event has no value.

    Without a value the event stands for itself, so that no event is dropped by mistake. The expression is part of the
    name, as in a gate's: with another expression, counting begins anew.
    """
    if key is None:
        return f"{function.id}#{SHARED}#{SHARED}"
    try:
        value = matching.value_key(key, event, received_at, function.dialect)
    except (matching.MatchError, ExpressionError):
        return None
    return f"{function.id}#{hashlib.sha256(key.strip().encode()).hexdigest()[:16]}#{value}"


def pace_key(function: Keyed, key: str | None, event: Event, received_at: int) -> tuple[str, bool]:
    """Return the name of a throttle, and whether the key lacks a value. Without one, all such events share a name.

    A protection does not fail open, as a gate's does not.
    """
    name = start_key(function, key, event, received_at)
    return (f"{function.id}#{SHARED}#{SHARED}", True) if name is None else (name, False)

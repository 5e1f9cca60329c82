"""Kleene's logic: true, false, and an error as the unknown."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tarry._cel.errors import CelError
from tarry._cel.values import described

__all__ = ["boolean", "settled"]


def settled(parts: Iterable[Callable[[], object]], operator: str, *, decisive: bool) -> bool:
    """Apply Kleene's logic: one decisive part outweighs any error, before it or after it."""
    failure: CelError | None = None
    for part in parts:
        try:
            if boolean(part(), operator) is decisive:
                return decisive
        except CelError as error:
            failure = failure or error
    if failure:
        raise failure
    return not decisive


def boolean(value: object, operator: str) -> bool:
    """Return the value if it is a boolean: no other value counts as true or false."""
    if not isinstance(value, bool):
        raise CelError(f"{operator} takes booleans; this value is {described(value)}")
    return value

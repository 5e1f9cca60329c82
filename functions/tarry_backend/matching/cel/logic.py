"""Kleene's logic: true, false, and an error in place of what is not known."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tarry_backend.matching.cel.errors import CelError
from tarry_backend.matching.cel.values import described

__all__ = ["boolean", "settled"]


def settled(parts: Iterable[Callable[[], object]], operator: str, *, decisive: bool) -> bool:
    """Kleene's logic: one part that decides outweighs any error, before it or after it."""
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
    """The value, if it is a boolean: nothing else counts as true or false."""
    if not isinstance(value, bool):
        raise CelError(f"{operator} takes booleans, not {described(value)}")
    return value

"""The highest rate that is borne."""

from __future__ import annotations

from collections.abc import Callable

from tarry.errors import UsageError

__all__ = ["highest"]

_BISECTIONS = 2
_DOUBLINGS = 12


def highest(bears: Callable[[float], bool], first: float) -> float:
    """Doubles the rate from ``first`` on until it is not borne, then bisects twice: what is found is borne, and a
    quarter of it more is not."""
    low, high = 0.0, first
    for _ in range(_DOUBLINGS):
        if not bears(high):
            break
        low, high = high, high * 2
    if not low:
        raise UsageError(f"{first:g} events a second are too many to begin with: give a lower --first")
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if bears(middle) else (low, middle)
    return low

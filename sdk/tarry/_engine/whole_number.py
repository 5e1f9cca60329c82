"""The one rule for options that are a number of things."""

from __future__ import annotations

__all__ = ["is_whole"]


def is_whole(value: object, least: int, most: int | None = None) -> bool:
    """Return whether the value is a whole number in these limits.

    A bool is none: ``retries=True`` would be one retry. Nor is a number of another type (``2.0``, ``Decimal``, or one
    of numpy's) or a text: JSON and DynamoDB would store it otherwise, or not at all.
    """
    return isinstance(value, int) and not isinstance(value, bool) and least <= value and (most is None or value <= most)

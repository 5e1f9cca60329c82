"""The mark that stands in a name where an option has no key."""

from __future__ import annotations

__all__ = ["SHARED"]

SHARED = "-"
"""It stands for the key of an option without a key, and for the value of a key without a value."""

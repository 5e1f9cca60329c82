"""The mark that stands in a name where an option has no key."""

from __future__ import annotations

__all__ = ["SHARED"]

SHARED = "-"
"""What stands for the key of a limit without one, and for the value of a key that has none."""

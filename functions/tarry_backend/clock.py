"""The time of day."""

from __future__ import annotations

import time

__all__ = ["now"]


def now() -> int:
    """Return the time in Unix milliseconds."""
    return time.time_ns() // 1_000_000

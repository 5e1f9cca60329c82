"""The time of day."""

from __future__ import annotations

import time

__all__ = ["AHEAD", "now"]

AHEAD = 5_000
"""By how much, in milliseconds, the executor reckons that its clock is ahead of the queues', at most."""


def now() -> int:
    """Return the time in Unix milliseconds."""
    return time.time_ns() // 1_000_000

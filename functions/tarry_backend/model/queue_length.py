"""What waits at a function before it starts, or goes on: open windows, and runs in its lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["QueueKind", "QueueLength"]

QueueKind = Literal["debounce", "batch_events", "throttle", "singleton", "concurrency", "pause"]
"""The option of the function, or ``pause``."""


@dataclass(frozen=True, slots=True)
class QueueLength:
    """How much waits for one reason.

    Attributes:
        kind: The option that makes it wait.
        count: How many windows are open, of a debounce or batch, or else how many runs wait. ``None`` if that is not
            known: the option has a key, and each of its values has a line of its own.
        is_cut: Whether there may be more.
        since: Since when the first of them waits, in Unix milliseconds, if that is known.
        due: When the next one goes on, if that is known.
        events: How many events the open batch has, of a batch without a key.
    """

    kind: QueueKind
    count: int | None
    is_cut: bool = False
    since: int | None = None
    due: int | None = None
    events: int | None = None

"""A run, as replay needs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tarry.event import Event
    from tarry_backend.replay.branch_past import BranchPast

__all__ = ["Replayed"]


@dataclass(frozen=True, slots=True)
class Replayed:
    """A run, as replay needs it.

    Attributes:
        id: The run's id.
        event: The event that started it.
        received_at: When that event was received, in Unix milliseconds.
        attempt: The attempt of the function, from 0.
        news: How many of the newest stored results may be new to the function. It received the older ones before, and
            went on from there until it paused.
        started: When the run started, in Unix milliseconds.
        attempt_since: Since when an attempt may have been under way that died, or failed, before all of its steps
            were stored.
        events: All events that started it, if it was a batch of them.
        past: What lies behind its first step, if the run continues another.
    """

    id: str
    event: Event
    received_at: int
    attempt: int = 0
    news: int = 1
    started: int = 0
    attempt_since: int | None = None
    events: tuple[Event, ...] = ()
    past: BranchPast | None = None

"""How people control a function, and what holds a run of it back."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["COUNTED", "Control", "HeldBack"]

COUNTED = 1_000
"""The most runs before it that are counted."""


@dataclass(frozen=True, slots=True)
class Control:
    """The control of a function. ``limit`` replaces its code's.

    ``paused`` and ``draining`` are since when it is paused, or starts no run (Unix milliseconds).
    """

    paused: int | None = None
    limit: int | None = None
    draining: int | None = None


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A run waits for its turn.

    Attributes:
        since: Since when it waits, in Unix milliseconds.
        before: How many runs are before it in line, ``COUNTED`` at most.
        paused: Since when its function is paused, ``None`` if it is not.
        after: The run of the same singleton that has to end first, if there is one.
        begins: The time that a throttle has given the run, if it waits for it.
    """

    since: int
    before: int
    paused: int | None = None
    after: str | None = None
    begins: int | None = None

    @property
    def is_cut(self) -> bool:
        """Whether there may be more runs before it."""
        return self.before >= COUNTED

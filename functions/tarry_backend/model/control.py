"""How people control a function, and what holds a run of it back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["COUNTED", "Control", "HeldBack", "Limited"]

COUNTED = 1_000
"""The most runs before it that are counted."""


Limited = Literal["concurrency", "throttle", "rate_limit"]
"""The option whose limit people may replace."""


@dataclass(frozen=True, slots=True)
class Control:
    """The control of a function. ``limit`` replaces that of ``concurrency``, the others those of their options.

    ``paused`` and ``draining`` are since when it is paused, or starts no run (Unix milliseconds).
    """

    paused: int | None = None
    limit: int | None = None
    draining: int | None = None
    throttle: int | None = None
    rate_limit: int | None = None

    @property
    def starts_now(self) -> dict[str, int]:
        """The limits on starts that people have replaced, as JSON has them."""
        now = {"throttle_now": self.throttle, "rate_limit_now": self.rate_limit}
        return {name: limit for name, limit in now.items() if limit is not None}


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

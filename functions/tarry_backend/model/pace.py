"""The pace of a throttle: when the next run may begin. Pure.

Times are Unix microseconds, so that short intervals add up.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Pace"]


@dataclass(frozen=True, slots=True)
class Pace:
    """One start each ``interval``, and up to ``burst`` at once after a pause.

    ``next`` is the time that the next start takes. It moves on by the interval with each start, from now if it lies
    behind. So in any time of length ``t`` there are at most ``burst`` starts, and one more for each interval in it.

        next behind    now ├── interval ──┤ next              begins now
        next ahead     now      next ├── interval ──┤ next    begins at next, or up to ``burst - 1`` intervals earlier
    """

    interval: int
    burst: int

    @classmethod
    def of(cls, limit: int, span: int, burst: int) -> Pace:
        """Return the pace of ``limit`` starts in ``span`` milliseconds. A fraction of a microsecond is rounded up."""
        return cls(-(-span * 1000 // limit), burst)

    def waiting(self, following: int, moment: int) -> int:
        """Return how many runs have taken a time at which they have not begun yet, if ``following`` is the next time.

        moment      begins   begins   begins
        └ 3         taken    taken    taken    following          with a burst of 1
        """
        return max(0, -(-(following - moment) // self.interval) - self.burst)

    def begins(self, taken: int, moment: int) -> int:
        """Return when the run begins that has taken this time, at ``moment`` or later."""
        return max(moment, taken - (self.burst - 1) * self.interval)

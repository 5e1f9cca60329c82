"""The time of one invocation: by this Lambda's clock, and by that of the queues."""

from __future__ import annotations

from tarry_backend.clock import AHEAD, now

__all__ = ["AHEAD", "RunClock"]


class RunClock:
    """The clock of one invocation.

    Events have the time at which their queue received them. So where a beginning is compared with events, a clock that
    is ahead must not count: the answer to a step would seem to come before the step. The message of the invocation was
    received at a time of the queue's clock; what this clock shows beyond it, when the executor gets the message, is
    how far it may be ahead. A message that comes again was received long before, so ``AHEAD`` bounds it.

        queue     first_received ┄┄┄┄┄┄ step begins ───── answer
        Lambda                  arrived ──── step begins                    (both clocks show what they show)

    All times are Unix milliseconds.

    Args:
        floor: A time which has come, whatever this Lambda's own clock says: that of the message which woke the run.
        arrived: When the executor got the message, by this Lambda's clock.
        first_received: When the queue first handed the message out, by its own clock, or an earlier moment.
    """

    def __init__(self, floor: int, arrived: int, first_received: int) -> None:
        self._floor = floor
        self._ahead = min(max(0, arrived - first_received), AHEAD)

    def now(self) -> int:
        """The time of day."""
        return max(now(), self._floor)

    def earliest(self) -> int:
        """The time of day by the queues' clock, or a little less: never more."""
        return now() - self._ahead

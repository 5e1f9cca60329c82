"""The time of one invocation: by this Lambda's clock, and by the queues' clock."""

from __future__ import annotations

from tarry_backend.clock import AHEAD, now

__all__ = ["AHEAD", "RunClock"]


class RunClock:
    """The clock of one invocation.

    An event's time is when its queue received it. So where a beginning is compared with events, a clock that is ahead
    must not count: the answer to a step would seem to be before the step. The queue's clock says when the queue handed
    out the invocation's message. This clock may be ahead by what it shows beyond that when the executor gets the
    message. A message of a further delivery was handed out long before, so ``AHEAD`` bounds the difference.

        queue     first_received ┄┄┄┄┄┄ step begins ───── answer
        Lambda                  arrived ──── step begins                    (both clocks show what they show)

    All times are Unix milliseconds.

    Args:
        floor: A time that has passed, whatever this Lambda's clock says: that of the message which woke the run.
        arrived: When the executor got the message, by this Lambda's clock.
        first_received: When the queue first handed the message out, by its own clock, or an earlier moment.
    """

    def __init__(self, floor: int, arrived: int, first_received: int) -> None:
        self._floor = floor
        self._ahead = min(max(0, arrived - first_received), AHEAD)

    def now(self) -> int:
        """Return the time of day."""
        return max(now(), self._floor)

    def earliest(self) -> int:
        """Return the time of day by the queues' clock, or a little less: never more."""
        return now() - self._ahead

"""The delivery of a message of the runs queue to an executor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tarry_backend.executor.run_clock import RunClock
from tarry_backend.queues.messages import Wake

if TYPE_CHECKING:
    from collections.abc import Callable

    from tarry_backend.queues.messages import RunMessage

__all__ = ["MessageDelivery"]


@dataclass(frozen=True, slots=True)
class MessageDelivery:
    """The delivery of a message: whether it is a further one, and whether the invocation is near its end.

    ``first_received`` is when an executor first had the message, or an earlier moment, by the queue's clock (Unix
    milliseconds). ``arrived`` is when this executor got it, by the Lambda's clock.
    """

    message_id: str
    again: bool
    out_of_time: Callable[[], bool]
    first_received: int = 0
    arrived: int = 0

    def clock(self, message: RunMessage) -> RunClock:
        """Return the clock of the invocation that handles the message."""
        return RunClock(message.due if isinstance(message, Wake) else 0, self.arrived, self.first_received)

    @property
    def behind(self) -> int:
        """By how many milliseconds the Lambda's clock is behind the queue's, as far as the message shows it.

        queue     first_received
        Lambda    arrived ┄┄┄┄┄┄     it got the message after the queue handed it out, whatever its clock says
        """
        return max(0, self.first_received - self.arrived) if self.arrived else 0

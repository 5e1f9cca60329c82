"""The delivery of a message to the executor."""

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

"""The delivery of a message of the runs queue to an executor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tarry.errors import LimitError
from tarry_backend.executor.run_clock import RunClock
from tarry_backend.queues.messages import Admitted, Wake

if TYPE_CHECKING:
    from collections.abc import Callable

    from tarry_backend.queues.messages import RunMessage

__all__ = ["MessageDelivery", "invocation_room"]

_RESERVE = 60_000


@dataclass(frozen=True, slots=True)
class MessageDelivery:
    """The delivery of a message: whether it is a further one, and whether the invocation is near its end.

    ``first_received`` is when an executor first had the message, or an earlier moment, by the queue's clock (Unix
    milliseconds). ``arrived`` is when this executor got it, by the Lambda's clock. ``has_room`` says whether a body
    that takes so many milliseconds is over before the invocation nears its end. ``time_left`` is how long, in
    milliseconds, this executor can live from then on. ``room`` says how long a request to another system may take from
    now on, and how long it could take from the invocation's beginning on.
    """

    message_id: str
    again: bool
    out_of_time: Callable[[], bool]
    first_received: int = 0
    arrived: int = 0
    has_room: Callable[[int], bool] = lambda _: True
    room: Callable[[], tuple[int, int]] = lambda: (900_000, 900_000)
    time_left: int = 900_000

    def clock(self, message: RunMessage) -> RunClock:
        """Return the clock of the invocation that handles the message."""
        return RunClock(message.due if isinstance(message, Wake | Admitted) else 0, self.arrived, self.first_received)

    @property
    def behind(self) -> int:
        """By how many milliseconds the Lambda's clock is behind the queue's, as far as the message shows it.

        queue     first_received
        Lambda    arrived ┄┄┄┄┄┄     it got the message after the queue handed it out, whatever its clock says
        """
        return max(0, self.first_received - self.arrived) if self.arrived else 0


def invocation_room(
    left: Callable[[], int],
) -> tuple[Callable[[], bool], Callable[[int], bool], Callable[[], tuple[int, int]]]:
    """Return the ``out_of_time``, ``has_room`` and ``room`` of an invocation that begins now.

    It nears its end in its last fifth, or in its last minute if that is shorter. So a body may take the rest. A body
    begins only if it is over before half of that reserve. So a body of the longest span has room in each invocation
    whose replay is short, and no invocation hands it on for ever:

        150 s    ├── replay ──┬── body of 120 s ──────────────┤ 15 s for its end ┤
                 0 ..... 15 s ┘

    Args:
        left: Returns how many milliseconds the invocation still has.
    """
    whole = -(-left() // 1000) * 1000  # a Lambda's timeout is in seconds, and some milliseconds of it are over
    reserve = min(_RESERVE, whole // 5)

    def has_room(span: int) -> bool:
        if span > whole - reserve:
            raise LimitError(
                f"its timeout of {span / 1000:g} s is too long: the executor's Lambda has {whole // 1000} s, and a "
                f"body may take {(whole - reserve) / 1000:g} s of it. Give the step less time, or the executor more: "
                "TarryStack(executor=Capacity(timeout=...))"
            )
        return left() >= span + reserve // 2

    return lambda: left() < reserve, has_room, lambda: (left() - reserve // 2, whole - reserve // 2)

"""What replay needs of the world."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tarry.event import Event
    from tarry_backend.model.step import InvokeRequest, Step, WaitRequest

__all__ = ["Journal"]


class Journal(Protocol):
    """Keeps what replay decides. Each call returns once it is kept; an error of it ends the invocation.

    ``keep`` is called in threads, for several steps at once, the others one at a time.
    """

    def now(self) -> int:
        """The time in Unix milliseconds."""

    def out_of_time(self) -> bool:
        """Whether the invocation is too near its end to begin another step."""

    def is_cancelled(self) -> bool:
        """Whether the run is cancelled by now, so that no further step of it begins."""

    def keep(self, step: Step) -> None:
        """Keeps a step that has ended, or that sleeps or is to be tried again."""

    def open_wait(self, step: Step, request: WaitRequest) -> Step:
        """Keeps a wait, and ends it at once if the log holds its event already."""

    def withdraw(self, step: Step) -> None:
        """Keeps the end of a step that was open until now, and that nothing is to go on with."""

    def invoke(self, step: Step, request: InvokeRequest) -> Step:
        """Starts the function, then keeps the step that waits for its end: in this order, it is started in any case,
        and under the same event id however often it is begun, so once."""

    def open_signal(self, step: Step) -> Step:
        """Keeps a wait for a signal, and ends it at once if one is kept for it, or it is due already.

        ``UsageError`` if another step waits for the signal.
        """

    def send(self, events: Sequence[Event]) -> None:
        """Puts events on the app's bus."""

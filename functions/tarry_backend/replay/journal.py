"""The interface between replay and the outside world."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tarry.event import Event
    from tarry_backend.model.step import InvokeRequest, Step, WaitRequest

__all__ = ["Journal"]


class Journal(Protocol):
    """Stores what replay decides. Each call returns once that is durable; an error ends the invocation.

    ``keep`` is called in threads, for several steps at once. The other calls come one at a time.
    """

    def now(self) -> int:
        """Return the time in Unix milliseconds."""

    def begins(self) -> int:
        """The same by the clock that events have, or a little less: from then on an event may answer a new step."""

    def out_of_time(self) -> bool:
        """Whether the invocation is too near its end to begin another step."""

    def has_room(self, span: int) -> bool:
        """Whether a body that takes so many milliseconds is over before the invocation nears its end.

        Raises:
            UsageError: It fits into no invocation.
        """

    def time_left(self) -> tuple[int, int]:
        """Return how long a request may take from now on, and from the invocation's beginning on. Milliseconds."""

    def is_cancelled(self) -> bool:
        """Whether the run has been cancelled, so that no further step begins."""

    def keep(self, step: Step) -> None:
        """Store a step that has ended, that sleeps, or that will be retried."""

    def open_wait(self, step: Step, request: WaitRequest) -> Step:
        """Store a wait, and end it at once if the log already holds its event."""

    def withdraw(self, step: Step) -> None:
        """Store the end of an open step whose result the function does not need."""

    def lose(self, step: Step) -> None:
        """Notes that the function is never given this step's result: its branch lost a race before."""

    def invoke(self, step: Step, request: InvokeRequest) -> Step:
        """Start the function, then store the step that waits for its end.

        In this order the function starts in any case. Its event has the same id at each attempt, so it starts once.
        """

    def open_signal(self, step: Step) -> Step:
        """Store a wait for a signal, and end it at once if a signal is kept for it, or if it is already due.

        Raises:
            UsageError: Another step waits for the signal.
        """

    def send(self, events: Sequence[Event]) -> None:
        """Put events on the app's bus."""

"""Why a run is cancelled."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from tarry_backend.model.event_identity import identity_of
from tarry_backend.model.position import Position

if TYPE_CHECKING:
    from tarry_backend.model.received_event import ReceivedEvent

__all__ = ["BY_HAND", "LATE_FINISH", "LATE_START", "Cancellation", "Reason"]


class Reason(StrEnum):
    """Who or what has cancelled a run."""

    EVENT = "event"
    START = "timeouts.start"
    FINISH = "timeouts.finish"
    HAND = "by hand"


@dataclass(frozen=True, slots=True)
class Cancellation:
    """The reason; of an event its name, id and source, too, and when it was received (Unix milliseconds)."""

    reason: Reason
    event_name: str | None = None
    event_id: str | None = None
    received_at: int | None = None
    event_source: str | None = None

    @classmethod
    def by(cls, received: ReceivedEvent) -> Cancellation:
        """The event cancels the run."""
        event = received.event
        return cls(Reason.EVENT, event.name, event.id, received.received_at, event.source)

    @property
    def position(self) -> Position | None:
        """Where the event stands in the log."""
        if self.event_id is None or self.received_at is None:
            return None
        return Position(self.received_at, identity_of(self.event_id, self.event_source or "", self.event_name or ""))

    def __str__(self) -> str:
        return self.reason.value if self.event_id is None else f"by event {self.event_name} {self.event_id}"

    @property
    def cancelled_by(self) -> dict[str, Any] | None:
        """The event, as announcements and documents name it."""
        return (
            None
            if self.event_id is None
            else {"name": self.event_name, "id": self.event_id, "source": self.event_source}
        )


BY_HAND = Cancellation(Reason.HAND)
LATE_START = Cancellation(Reason.START)
LATE_FINISH = Cancellation(Reason.FINISH)

"""Why a run is cancelled."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from tarry_backend.model.event_identity import identity_of
from tarry_backend.model.position import Position

if TYPE_CHECKING:
    from tarry_backend.model.received_event import ReceivedEvent

__all__ = ["BY_HAND", "LATE_FINISH", "LATE_START", "SUPERSEDED", "Cancellation", "Reason"]


class Reason(StrEnum):
    """The kind of cause for which a run is cancelled."""

    EVENT = "event"
    START = "timeouts.start"
    FINISH = "timeouts.finish"
    HAND = "by hand"
    SINGLETON = "singleton"


@dataclass(frozen=True, slots=True)
class Cancellation:
    """Why a run is cancelled.

    For an event, it also has the event's name, id and source, and when the event was received (Unix milliseconds).
    """

    reason: Reason
    event_name: str | None = None
    event_id: str | None = None
    received_at: int | None = None
    event_source: str | None = None

    @classmethod
    def by(cls, received: ReceivedEvent) -> Cancellation:
        """Return the cancellation that this event causes."""
        event = received.event
        return cls(Reason.EVENT, event.name, event.id, received.received_at, event.source)

    @property
    def position(self) -> Position | None:
        """The event's position in the log, or ``None`` if no event cancelled the run."""
        if self.event_id is None or self.received_at is None:
            return None
        return Position(self.received_at, identity_of(self.event_id, self.event_source or "", self.event_name or ""))

    def __str__(self) -> str:
        return self.reason.value if self.event_id is None else f"by event {self.event_name} {self.event_id}"

    @property
    def cancelled_by(self) -> dict[str, Any] | None:
        """The event as announcements and documents show it, or ``None`` if no event cancelled the run."""
        return (
            None
            if self.event_id is None
            else {"name": self.event_name, "id": self.event_id, "source": self.event_source}
        )


BY_HAND = Cancellation(Reason.HAND)
SUPERSEDED = Cancellation(Reason.SINGLETON)
LATE_START = Cancellation(Reason.START)
LATE_FINISH = Cancellation(Reason.FINISH)

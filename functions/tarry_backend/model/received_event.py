"""An event as the app received it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tarry_backend.model.event_identity import identity
from tarry_backend.model.position import Position

if TYPE_CHECKING:
    from tarry.event import Event

__all__ = ["ReceivedEvent"]


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """An event, and when the bus handed it to the events queue (Unix milliseconds)."""

    event: Event
    received_at: int

    @property
    def position(self) -> Position:
        """The event's position in the log."""
        return Position(self.received_at, identity(self.event))

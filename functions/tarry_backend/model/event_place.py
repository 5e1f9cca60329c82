"""Where an event is in the log: what is stored of it, instead of its data."""

from __future__ import annotations

from typing import NamedTuple

from tarry_backend.model.position import Position

__all__ = ["EventPlace"]


class EventPlace(NamedTuple):
    """An event's position, and its name, without which the log does not find it. In the order of positions."""

    position: Position
    name: str

    def fields(self) -> list[object]:
        """Return the place as JSON stores it."""
        return [self.position.received_at, self.position.identity, self.name]

    @classmethod
    def parse(cls, received_at: int, identity: str, name: str) -> EventPlace:
        """Return the place that ``fields`` wrote."""
        return cls(Position(received_at, identity), name)

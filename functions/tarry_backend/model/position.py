"""The position of an event in the log."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Position"]


class Position(NamedTuple):
    """When the bus handed the event to the queue (SQS ``SentTimestamp``, Unix milliseconds), then the event's identity.

    AWS sets the time, and it is the same at each redelivery. So the position does not depend on which Lambda is faster.
    As a lower bound it is exclusive. A position without an identity is before all events of its millisecond.
    """

    received_at: int
    identity: str = ""

    @property
    def event_id(self) -> str:
        """The event's id: the first part of its identity."""
        event_id, separator, _ = self.identity.rpartition("#")
        return event_id if separator else self.identity

    @classmethod
    def after(cls, moment: int) -> Position:
        """Return the bound after all events that were received up to ``moment``."""
        return cls(moment + 1)

    def text(self) -> str:
        """Return the position as a text. Texts sort as positions do."""
        return f"{self.received_at:015d}#{self.identity}"

    @classmethod
    def parse(cls, text: str) -> Position:
        """Return the position that ``text`` wrote."""
        moment, _, identity = text.partition("#")
        return cls(int(moment), identity)

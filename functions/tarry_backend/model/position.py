"""Where an event stands in the log."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Position"]


class Position(NamedTuple):
    """When the bus handed the event to the queue (SQS ``SentTimestamp``, Unix milliseconds), then its id.

    AWS gives it, the same at each redelivery, so that it does not depend on who processes what first.
    As a lower bound it is exclusive; a position without an id stands before all events of its millisecond.
    """

    received_at: int
    event_id: str = ""

    @classmethod
    def after(cls, moment: int) -> Position:
        """The bound behind all events that were received up to ``moment``."""
        return cls(moment + 1)

    def text(self) -> str:
        """In a form that sorts as the position does."""
        return f"{self.received_at:015d}#{self.event_id}"

    @classmethod
    def parse(cls, text: str) -> Position:
        """What ``text`` wrote."""
        moment, _, event_id = text.partition("#")
        return cls(int(moment), event_id)

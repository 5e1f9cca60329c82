"""Which events a wait is for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tarry.errors import UsageError
from tarry.eventtypes import event_name_of

__all__ = ["EventMatch"]


@dataclass(frozen=True, slots=True)
class EventMatch:
    """Events named ``event``, or of that event type, that match, as ``step.wait_for_event`` takes them.

    ``if_exp`` is CEL over ``event`` (which started the run) and ``async`` (the incoming one); ``match="data.userId"``
    is short for the same value at that path on both sides. With neither, any event of the name matches.
    """

    event: str | type[Any]
    if_exp: str | None = None
    match: str | None = None

    def __post_init__(self) -> None:
        if self.if_exp is not None and self.match is not None:
            raise UsageError(f"events {self.name!r}: give if_exp or match, not both")
        event_name_of(self.event)

    @property
    def name(self) -> str:
        """The events' name."""
        return event_name_of(self.event)

"""The events that a wait accepts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tarry.errors import UsageError
from tarry.eventtypes import event_name_of

__all__ = ["EventMatch"]


@dataclass(frozen=True, slots=True)
class EventMatch:
    """One kind of event for ``step.wait_for_first``: a name or event type, and an optional condition.

    With neither ``if_exp`` nor ``match``, every event of the name matches.

    Attributes:
        event: The event's name, or an event type.
        if_exp: CEL over ``event`` (the event that started the run) and ``async`` (the incoming event).
        match: A path such as ``"data.userId"``; the value at it must be equal in both events. Give this or ``if_exp``.

    Raises:
        UsageError: Both ``if_exp`` and ``match`` are given.
        EventError: ``event`` is neither a valid name nor an event type.
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
        """The event's name."""
        return event_name_of(self.event)

"""Events as JSON, in the log and in items."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tarry.event import Event
from tarry_backend.model.received_event import ReceivedEvent

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["batch_of", "batch_text", "event_of", "event_text"]


def event_text(event: Event) -> str:
    """Return the whole event as JSON text."""
    return json.dumps(event.model_dump(), ensure_ascii=False, separators=(",", ":"))


def event_of(text: str | bytes) -> Event:
    """Return the event that ``event_text`` wrote."""
    fields: dict[str, Any] = json.loads(text)
    return Event(**fields)


def batch_text(batch: Iterable[ReceivedEvent]) -> str:
    """Return the events of a batch, each with the time of its reception, as JSON text."""
    return json.dumps([[each.received_at, event_text(each.event)] for each in batch], ensure_ascii=False)


def batch_of(text: str) -> tuple[ReceivedEvent, ...]:
    """Return the events that ``batch_text`` wrote."""
    return tuple(ReceivedEvent(event_of(event), received_at) for received_at, event in json.loads(text))

"""Events as JSON, in the log and in items."""

from __future__ import annotations

import json
from typing import Any

from tarry.event import Event

__all__ = ["event_of", "event_text"]


def event_text(event: Event) -> str:
    """Return the whole event as JSON text."""
    return json.dumps(event.model_dump(), ensure_ascii=False, separators=(",", ":"))


def event_of(text: str | bytes) -> Event:
    """Return the event that ``event_text`` wrote."""
    fields: dict[str, Any] = json.loads(text)
    return Event(**fields)

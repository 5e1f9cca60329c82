"""Events as JSON, in the log and in items."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from tarry.event import Event

__all__ = ["event_of", "event_text"]


def event_text(event: Event) -> str:
    """Return the whole event as JSON text."""
    return json.dumps(asdict(event), ensure_ascii=False, separators=(",", ":"))


def event_of(text: str | bytes) -> Event:
    """Return the event that ``event_text`` wrote."""
    fields: dict[str, Any] = json.loads(text)
    return Event(**fields)

"""The page of events: the newest ones, of one name or of all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tarry_dev.console.json_view import one_line_json
from tarry_dev.console.pages.send import event_names
from tarry_dev.console.visit import Page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_dev.console.visit import Visit

__all__ = ["show"]

_LIMIT = 50

_HOUR = 3_600_000
_BACK = {"1h": _HOUR, "1d": 24 * _HOUR, "7d": 168 * _HOUR}


def show(visit: Visit) -> Page:
    """Show the newest events, the last one first."""
    name = visit.arg("name")
    back = visit.arg("back") if visit.arg("back") in _BACK else "1d"
    is_scan = bool(visit.arg("scan")) and not name and not visit.is_from_elsewhere
    events, is_asked = _newest(name, back, is_scan, visit)
    context: dict[str, Any] = {
        "name": name,
        "back": back,
        "names": event_names(visit),
        "events": [_row(each) for each in reversed(events)],
        "is_asked": is_asked,
        "is_scan": is_scan,
        "limit": _LIMIT,
    }
    return Page("events.html", name or "Events", "events", context, every=None if is_scan else visit.refresh())


def _newest(name: str, back: str, is_scan: bool, visit: Visit) -> tuple[Sequence[ReceivedEvent], bool]:
    """The events, and whether any were asked for: without a name, a stack is only asked by a scan."""
    source = visit.source
    if not name and source.newest_events is not None:
        return source.newest_events(_LIMIT), True
    if name or is_scan:
        return source.lookups.newest_events(name or None, visit.now - _BACK[back], visit.now, _LIMIT), True
    return (), False


def _row(received: ReceivedEvent) -> dict[str, Any]:
    event = received.event
    return {
        "id": event.id,
        "name": event.name,
        "source": event.source,
        "received": received.received_at,
        "data": one_line_json(dict(event.data), 120),
    }

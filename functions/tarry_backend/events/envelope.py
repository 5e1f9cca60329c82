"""Reading what EventBridge puts into the events queue."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from tarry._wire.bus import ENVELOPE_VERSION
from tarry._wire.jsonvalues import MAX_DEPTH, is_deep
from tarry.event import MAX_ID, Event
from tarry_backend.model.received_event import ReceivedEvent
from tarry_backend.queues.messages import MessageError

__all__ = ["parse", "received_event"]

_FIRST, _LAST = -62_135_596_800_000, 253_402_300_799_999
"""The times that a calendar has, in Unix milliseconds."""


def received_event(fields: dict[str, Any], received_at: int) -> ReceivedEvent:
    """The event in an EventBridge message; ``MessageError`` if it is none.

    An event that the SDK has sent carries its own id, time and user in an envelope; that of a schedule has no time but
    EventBridge's. Of any other, the detail is the data, and EventBridge's id, time and source are the event's.
    """
    try:
        return ReceivedEvent(_event(fields), received_at)
    except (KeyError, TypeError, ValueError) as error:
        raise MessageError(f"this is no event of EventBridge's: {str(fields)[:200]} ({error!r})") from error


def _event(fields: dict[str, Any]) -> Event:
    name, source, detail = fields["detail-type"], fields["source"], fields["detail"]
    if not isinstance(name, str) or not isinstance(source, str):
        raise TypeError("detail-type and source are texts")
    if not isinstance(detail, dict):
        raise TypeError(f"detail is a {type(detail).__name__}, not an object")
    if source.startswith("tarry.") and detail.get("v") == ENVELOPE_VERSION:
        ts = detail["ts"] if "ts" in detail else _time(fields)
        return _checked(name, detail["data"], detail["id"], ts, detail.get("user"), source)
    return _checked(name, detail, fields["id"], _time(fields), None, source)


def _time(fields: dict[str, Any]) -> int:
    return int(datetime.fromisoformat(fields["time"]).timestamp() * 1000)


def _checked(name: str, data: Any, event_id: Any, ts: Any, user: Any, source: str) -> Event:
    if not isinstance(data, dict) or not isinstance(user, dict | None):
        raise TypeError("data and user are objects")
    if is_deep(data) or is_deep(user):
        raise ValueError(f"data and user are nested at most {MAX_DEPTH} levels deep")
    if not isinstance(event_id, str) or not 0 < len(event_id.encode()) <= MAX_ID:
        raise ValueError(f"an id is a text of 1 to {MAX_ID} bytes")
    if not isinstance(ts, int) or isinstance(ts, bool) or not _FIRST <= ts <= _LAST:
        raise TypeError("ts is a whole number of milliseconds, in the years 1 to 9999")
    (name + source).encode()  # a ``ValueError`` if they hold half of a surrogate pair, which no key of the log can have
    return Event(name, data, event_id, ts, user, source)


def parse(body: str) -> dict[str, Any]:
    """The message's JSON object; ``MessageError`` if it is none."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MessageError(f"this is not JSON: {body[:200]!r} ({error})") from error
    if not isinstance(fields, dict):
        raise MessageError(f"this is no JSON object: {body[:200]!r}")
    return fields

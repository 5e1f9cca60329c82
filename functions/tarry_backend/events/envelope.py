"""The parser of EventBridge messages in the events queue."""

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
    """Return the event in an EventBridge message.

    An event that the SDK sent has its own id, time and user in an envelope. A schedule's event takes its time from
    EventBridge. For any other event, the detail is its data; its id, time and source are EventBridge's.

    Raises:
        MessageError: The message is not an event.
    """
    try:
        return ReceivedEvent(_event(fields), received_at)
    except (KeyError, TypeError, ValueError) as error:
        raise MessageError(f"this is not an EventBridge event: {str(fields)[:200]} ({error!r})") from error


def _event(fields: dict[str, Any]) -> Event:
    name, source, detail = fields["detail-type"], fields["source"], fields["detail"]
    if not isinstance(name, str) or not isinstance(source, str):
        raise TypeError("detail-type and source must be strings")
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
        raise TypeError("data and user must be objects")
    if is_deep(data) or is_deep(user):
        raise ValueError(f"data and user may be nested at most {MAX_DEPTH} levels deep")
    if not isinstance(event_id, str) or not 0 < len(event_id.encode()) <= MAX_ID:
        raise ValueError(f"an id must be a string of 1 to {MAX_ID} bytes")
    if not isinstance(ts, int) or isinstance(ts, bool) or not _FIRST <= ts <= _LAST:
        raise TypeError("ts must be a whole number of milliseconds, in the years 1 to 9999")
    (name + source).encode()  # a ``ValueError`` if they hold half of a surrogate pair, which no key of the log can have
    return Event(name, data, event_id, ts, user, source)


def parse(body: str) -> dict[str, Any]:
    """Return the message's JSON object; raise ``MessageError`` if it is not one."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MessageError(f"this is not JSON: {body[:200]!r} ({error})") from error
    if not isinstance(fields, dict):
        raise MessageError(f"this is not a JSON object: {body[:200]!r}")
    return fields

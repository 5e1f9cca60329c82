"""The parser of EventBridge messages in the events queue."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from tarry._engine.error_text import message_of
from tarry._wire.bus import ENVELOPE_VERSION, LOGGED_AT
from tarry._wire.internal_events import FINISHED
from tarry._wire.limits import why_not_id, why_not_name, why_not_source, why_not_ts, why_not_value
from tarry.event import Event
from tarry_backend.model.received_event import ReceivedEvent
from tarry_backend.queues.messages import MessageError

__all__ = ["parse", "received_event"]

_SHOWN = 200
"""The most characters of a name, an id or a reason in a message."""


def received_event(fields: dict[str, Any], received_at: int) -> ReceivedEvent:
    """Return the event in an EventBridge message.

    An event that the SDK sent has its own id, time and user in an envelope. A schedule's event takes its time from
    EventBridge. For any other event, the detail is its data; its id, time and source are EventBridge's.

    An announcement that the executor logged first keeps the position that it has in the log.

    Raises:
        MessageError: The message is not an event.
    """
    try:
        event = _event(fields)
        return ReceivedEvent(event, received_at if (logged_at := _logged_at(fields)) is None else logged_at)
    except KeyError as error:
        raise MessageError(f"{_which(fields)} is refused: it has no {error}") from error
    except (TypeError, ValueError, OverflowError) as error:
        raise MessageError(f"{_which(fields)} is refused: {message_of(error)[:_SHOWN]}") from error


def _which(fields: dict[str, Any]) -> str:
    """Return the event's name for an error. It does not read the data: they may be nested too deeply to write."""
    name, event_id = fields.get("detail-type"), fields.get("id")
    named = [f"{each[:_SHOWN]!r}" for each in (name, event_id) if isinstance(each, str)]
    return f"event {' '.join(named)}" if named else "this message"


def _event(fields: dict[str, Any]) -> Event:
    name, source, detail = fields["detail-type"], fields["source"], fields["detail"]
    if not isinstance(detail, dict):
        raise TypeError(f"detail is a {type(detail).__name__}, not an object")
    _check("detail-type", why_not_name(name))
    _check("source", why_not_source(source))
    if _is_sent_by_sdk(source, detail):
        ts = detail["ts"] if "ts" in detail else _time(fields)
        return _checked(name, detail["data"], detail["id"], ts, detail.get("user"), source)
    return _checked(name, detail, fields["id"], _time(fields), None, source)


def _logged_at(fields: dict[str, Any]) -> int | None:
    """Return the time of the position that an announcement has in the log.

    Only the executor may put events of this name under a source of Tarry's: IAM binds both (see ``grant_send_events``).
    """
    detail = fields["detail"]
    if fields["detail-type"] != FINISHED or not _is_sent_by_sdk(fields["source"], detail) or LOGGED_AT not in detail:
        return None
    _check(LOGGED_AT, why_not_ts(detail[LOGGED_AT]))
    return int(detail[LOGGED_AT])


def _is_sent_by_sdk(source: str, detail: dict[str, Any]) -> bool:
    return source.startswith("tarry.") and detail.get("v") == ENVELOPE_VERSION


def _time(fields: dict[str, Any]) -> int:
    return int(datetime.fromisoformat(fields["time"]).timestamp() * 1000)


def _checked(name: str, data: Any, event_id: Any, ts: Any, user: Any, source: str) -> Event:
    if not isinstance(data, dict) or not isinstance(user, dict | None):
        raise TypeError("data and user must be objects")
    _check("data", why_not_value(data))
    _check("user", why_not_value(user))
    _check("id", why_not_id(event_id))
    _check("ts", why_not_ts(ts))
    return Event(name, data, event_id, ts, user, source)


def _check(field: str, why_not: str | None) -> None:
    if why_not is not None:
        raise ValueError(f"{field} {why_not}")


def parse(body: str) -> dict[str, Any]:
    """Return the message's JSON object; raise ``MessageError`` if it is not one."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MessageError(f"this is not JSON: {body[:200]!r} ({error})") from error
    if not isinstance(fields, dict):
        raise MessageError(f"this is not a JSON object: {body[:200]!r}")
    return fields

"""The audit trail's columns, and the conversion of an event into a row, on AWS and in the embedded cloud."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from tarry_backend.events.envelope import parse, received_event
from tarry_backend.queues.messages import MessageError

__all__ = ["COLUMNS", "ERRORS", "EVENTS", "PARTITION", "TABLE", "Column", "Row", "converted", "day_of", "row"]

TABLE = "events"
"""The trail's name in queries."""

EVENTS = "events/"
"""The folder of the files. It has one folder a day, such as ``day=2026-11-22``."""

ERRORS = "errors/"
"""The folder of records that could not be converted, unchanged."""

PARTITION = "day"
"""The column that the folders give: the day, in UTC, on which the trail received the event. A string."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column; ``type`` is a type name in Hive and in DuckDB."""

    name: str
    type: Literal["string", "timestamp"]
    comment: str


COLUMNS = (
    Column("received", "timestamp", "When the trail took the event in, UTC"),
    Column("time", "timestamp", "The event's own time, as its sender gave it, UTC"),
    Column("name", "string", "The event's name: EventBridge's detail-type"),
    Column("source", "string", "Who sent it: tarry.<app>, or another source on the bus"),
    Column("id", "string", "The event's id: its sender's if the SDK has sent it, else EventBridge's"),
    Column("data", "string", "The event's data, a JSON object"),
    Column("user_data", "string", "Whom it concerns, a JSON object; null unless the sender said so"),
    Column("eventbridge_id", "string", "EventBridge's id"),
    Column("account", "string", "The AWS account that sent it"),
    Column("region", "string", "The AWS region in which it was sent"),
    Column("resources", "string", "ARNs that its sender named, a JSON array"),
)

Row = dict[str, str | None]
"""The values by column name."""


def row(fields: dict[str, Any], received_at: int) -> Row:
    """Return the row of an EventBridge message received at this time (Unix milliseconds). Any message has one."""
    known: dict[str, Any]
    try:
        event = received_event(fields, received_at).event
        known = {"id": event.id, "data": event.data, "user": event.user, "time": _moment(event.ts)}
    except MessageError:  # not an event for Tarry, but still one for an auditor: unchanged
        known = {"id": fields.get("id"), "data": fields.get("detail")}
    values = {
        "received": _moment(received_at),
        "time": known.get("time") or _time_of(fields),
        "name": fields.get("detail-type"),
        "source": fields.get("source"),
        "id": known["id"],
        "data": _json(known["data"]),
        "user_data": None if known.get("user") is None else _json(known["user"]),
        "eventbridge_id": fields.get("id"),
        "account": fields.get("account"),
        "region": fields.get("region"),
        "resources": _json(fields.get("resources") or []),
    }
    return {column.name: _text(values[column.name]) for column in COLUMNS}


def day_of(received_at: int) -> str:
    """Return the partition for this time of receipt, in Unix milliseconds."""
    return datetime.fromtimestamp(received_at / 1000, UTC).date().isoformat()


def converted(record: dict[str, Any]) -> dict[str, str]:
    """Return the answer to Firehose for one of its records: the row as JSON, or a failure.

    Firehose stores a record that is not a JSON object in the bucket's folder for errors, unchanged.
    """
    answer = {"recordId": record["recordId"]}
    try:
        fields = parse(base64.b64decode(record["data"]).decode())
    except (MessageError, ValueError):
        return {**answer, "result": "ProcessingFailed", "data": record["data"]}
    line = _json(row(fields, record["approximateArrivalTimestamp"]))
    return {**answer, "result": "Ok", "data": base64.b64encode(line.encode()).decode()}


def _moment(milliseconds: int) -> str | None:
    """Write a timestamp for Firehose's deserialiser and DuckDB; ``None`` before year 1 and after 9999."""
    try:
        moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return moment.replace(tzinfo=None).isoformat(" ", "milliseconds")


def _time_of(fields: dict[str, Any]) -> str | None:
    try:
        return _moment(int(datetime.fromisoformat(fields["time"]).timestamp() * 1000))
    except (KeyError, TypeError, ValueError):
        return None


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _text(value: Any) -> str | None:
    """Return a string that every system can store. JSON allows halves of surrogate pairs, UTF-8 does not."""
    return None if value is None else str(value).encode("utf-8", "replace").decode()

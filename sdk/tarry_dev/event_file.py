"""The file of events that ``tarry send``, ``tarry demo`` and ``host.play`` take: one JSON object a line.

{"name": "order/paid", "data": {"id": 7}}                                as Python's ``Event``: also id, user, ts
{"Source": "crm", "DetailType": "order/paid", "Detail": {"id": 7}}       as ``put-events``: also Time
{"advance": "1h"}                                                        lets time pass, where a clock can be moved
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tarry import Event
from tarry._wire.limits import MAX_ENTRY, why_not_carried
from tarry.durations import milliseconds
from tarry.event import check_name
from tarry_dev.json_lines import read_lines

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

__all__ = ["Advance", "Line", "Put", "Sent", "read_event_file", "read_events"]

_ENTRY = ("Source", "DetailType", "Detail", "Time", "Resources", "EventBusName", "TraceHeader")

_EVENT: dict[str, tuple[type, str]] = {
    "name": (str, "a string"),
    "data": (dict, "an object"),
    "id": (str, "a string"),
    "user": (dict, "an object"),
    "ts": (int, "a whole number of milliseconds"),
}


@dataclass(frozen=True, slots=True)
class Sent:
    """An event that the app sends."""

    event: Event
    time: datetime | None = None

    @property
    def name(self) -> str:
        """The event's name."""
        return self.event.name


@dataclass(frozen=True, slots=True)
class Put:
    """An entry to put on the bus: ``detail`` is a JSON object as text. The clock moves to ``time`` first, if it
    is given and ahead."""

    source: str
    name: str
    detail: str
    time: datetime | None

    @property
    def entry(self) -> PutEventsRequestEntryTypeDef:
        """As ``put_events`` takes it."""
        entry: PutEventsRequestEntryTypeDef = {
            "Source": self.source,
            "DetailType": self.name,
            "Detail": self.detail,
        }
        if self.time is not None:
            entry["Time"] = self.time
        return entry


@dataclass(frozen=True, slots=True)
class Advance:
    """Time that passes, in milliseconds."""

    milliseconds: int


Line = Sent | Put | Advance


def read_event_file(file: Path) -> list[Line]:
    """Return the lines of the file. ``EventBusName``, ``Resources`` and ``TraceHeader`` are allowed, and left aside.

    Raises:
        UsageError: Some lines are wrong. The text names each by its number.
    """
    return read_lines(file, _line)


def read_events(file: Path) -> list[Sent | Put]:
    """Return the events of the file, where no clock can be moved: a line that lets time pass is wrong."""
    return read_lines(file, _event_line)


def _line(fields: dict[str, Any]) -> Line:
    return _advance(fields) if "advance" in fields else _event_line(fields)


def _event_line(fields: dict[str, Any]) -> Sent | Put:
    if "advance" in fields:
        raise ValueError("only tarry demo and tests can let time pass; remove this line")
    return _put(fields) if fields.keys() & set(_ENTRY) else Sent(_event(fields))


def _event(fields: dict[str, Any]) -> Event:
    for name, value in fields.items():
        if name not in _EVENT:
            raise ValueError(f"an event has no field {name!r}; its fields are {', '.join(_EVENT)}")
        kind, words = _EVENT[name]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise TypeError(f"{name} must be {words}, not {json.dumps(value)[:40]}")
    if "name" not in fields:
        raise ValueError("the name is missing")
    check_name(fields["name"])
    return Event(**fields)


def _advance(fields: dict[str, Any]) -> Advance:
    if len(fields) > 1:
        raise ValueError('a line that lets time pass has no other field: {"advance": "1h"}')
    span = milliseconds(fields["advance"])
    if span <= 0:
        raise ValueError(f"time only goes forward, not by {fields['advance']!r}")
    return Advance(span)


def _put(fields: dict[str, Any]) -> Put:
    if unknown := sorted(fields.keys() - set(_ENTRY)):
        raise ValueError(
            f"an entry has no field {unknown[0]!r}; its fields are {', '.join(_ENTRY)}; "
            'a line that lets time pass is {"advance": "1h"}'
        )
    if missing := [name for name in _ENTRY[:3] if name not in fields]:
        raise ValueError(f"{missing[0]} is missing")
    source = fields["Source"]
    if not isinstance(source, str) or not source:
        raise TypeError(f"Source must be a string, not {source!r}")
    put = Put(source, check_name(fields["DetailType"]), _detail(fields["Detail"]), _time(fields.get("Time")))
    if why := why_not_carried(put.detail):
        raise ValueError(f"Detail holds {why}")
    if len(put.detail.encode()) > MAX_ENTRY:
        raise ValueError(f"Detail has {len(put.detail.encode()):,} bytes; the bus carries at most {MAX_ENTRY:,}")
    return put


def _detail(detail: object) -> str:
    try:
        value = json.loads(detail) if isinstance(detail, str) else detail
    except ValueError as error:
        raise ValueError(f"Detail is a string that is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise TypeError(f"Detail must be a JSON object, not {str(value)[:40]!r}")
    return json.dumps(value, ensure_ascii=False)


def _time(time: object) -> datetime | None:
    if time is None:
        return None
    try:
        if isinstance(time, int | float) and not isinstance(time, bool):
            return datetime.fromtimestamp(time, UTC)
        moment = datetime.fromisoformat(str(time))
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"Time must be such as 2026-01-05T12:00:00Z, or in Unix seconds, not {time!r}") from None
    if moment.tzinfo is None:
        raise ValueError(f"Time {time!r} has no time zone: end it with Z, for UTC")
    return moment.astimezone(UTC)

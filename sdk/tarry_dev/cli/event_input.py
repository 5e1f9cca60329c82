"""Events as ``tarry send`` takes them: by name and data, or a file of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tarry import Event
from tarry.event import check_name
from tarry_dev.cli.json_lines import read_lines

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["event", "events_of", "json_object", "json_value"]

_FIELDS: dict[str, tuple[type, str]] = {
    "name": (str, "a text"),
    "data": (dict, "an object"),
    "id": (str, "a text"),
    "user": (dict, "an object"),
    "ts": (int, "a whole number of milliseconds"),
}


def event(name: str, data: dict[str, Any], event_id: str | None, user: dict[str, Any] | None) -> Event:
    """One event; ``EventError`` if the bus takes no such name."""
    return Event(check_name(name), data, event_id or "", user=user)


def events_of(file: Path) -> list[Event]:
    """The events of a file, one JSON object a line: name, and if wanted data, id, user, ts."""
    return read_lines(file, _event)


def json_value(text: str) -> Any:
    """The JSON value in an argument; ``ValueError`` if it is none."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not JSON ({error}); quote it: '{{\"key\": 1}}'") from error


def json_object(text: str) -> dict[str, Any]:
    """The JSON object in an argument; ``ValueError`` if it is none."""
    value = json_value(text)
    if not isinstance(value, dict):
        raise ValueError(f"{text!r} is not a JSON object such as '{{\"key\": 1}}'")
    return value


def _event(fields: dict[str, Any]) -> Event:
    for name, value in fields.items():
        if name not in _FIELDS:
            raise ValueError(f"an event has no field {name!r}: it has {', '.join(_FIELDS)}")
        kind, words = _FIELDS[name]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise TypeError(f"{name} is {words}, not {json.dumps(value)[:40]}")
    if "name" not in fields:
        raise ValueError("the name is missing")
    check_name(fields["name"])
    return Event(**fields)

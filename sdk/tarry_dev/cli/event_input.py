"""The events of ``tarry send``: by name and data, or from a file."""

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
    "name": (str, "a string"),
    "data": (dict, "an object"),
    "id": (str, "a string"),
    "user": (dict, "an object"),
    "ts": (int, "a whole number of milliseconds"),
}


def event(name: str, data: dict[str, Any], event_id: str | None, user: dict[str, Any] | None) -> Event:
    """Make one event; raise ``EventError`` if the bus does not accept the name."""
    return Event(check_name(name), data, event_id or "", user=user)


def events_of(file: Path) -> list[Event]:
    """Read the events of a file, one JSON object a line: name, and optionally data, id, user, ts."""
    return read_lines(file, _event)


def json_value(text: str) -> Any:
    """Parse the JSON value of an argument; raise ``ValueError`` if it is not JSON."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not JSON ({error}); quote it: '{{\"key\": 1}}'") from error


def json_object(text: str) -> dict[str, Any]:
    """Parse the JSON object of an argument; raise ``ValueError`` if it is not one."""
    value = json_value(text)
    if not isinstance(value, dict):
        raise ValueError(f"{text!r} is not a JSON object such as '{{\"key\": 1}}'")
    return value


def _event(fields: dict[str, Any]) -> Event:
    for name, value in fields.items():
        if name not in _FIELDS:
            raise ValueError(f"an event has no field {name!r}; its fields are {', '.join(_FIELDS)}")
        kind, words = _FIELDS[name]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise TypeError(f"{name} must be {words}, not {json.dumps(value)[:40]}")
    if "name" not in fields:
        raise ValueError("the name is missing")
    check_name(fields["name"])
    return Event(**fields)

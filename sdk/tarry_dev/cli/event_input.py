"""The arguments of ``tarry send`` and ``tarry signal``: an event, a JSON value."""

from __future__ import annotations

import json
from typing import Any

from tarry import Event
from tarry.event import check_name

__all__ = ["event", "json_object", "json_value"]


def event(name: str, data: dict[str, Any], event_id: str | None, user: dict[str, Any] | None) -> Event:
    """Make one event; raise ``EventError`` if the bus does not accept the name."""
    return Event(check_name(name), data, event_id or "", user=user)


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

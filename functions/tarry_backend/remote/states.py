"""Stored steps and events, in the form in which an app's SDK reads them. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tarry._wire.internal_events import ADDRESS
from tarry._wire.jsonvalues import decode
from tarry_backend.model.step import Status
from tarry_backend.remote.ops import hash_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tarry.event import Event
    from tarry_backend.model.step import Failure, Step

__all__ = ["MAPPED", "event_document", "name_here", "name_there", "stack_of", "steps_document"]

_HERE, _THERE = "tarry/", "inngest/"

MAPPED = frozenset(
    f"{_HERE}{name}"
    for name in ("function.failed", "function.finished", "function.cancelled", "function.invoked", "scheduled.timer")
)
"""The events of Tarry's own that Inngest has, too, under its prefix."""


def name_here(name: str) -> str:
    """Return the name that an event of Inngest's own has in Tarry; every other name is itself."""
    own = f"{_HERE}{name.removeprefix(_THERE)}" if name.startswith(_THERE) else name
    return own if own in MAPPED else name


def name_there(name: str) -> str:
    """Return the name that an event of Tarry's own has for an app; every other name is itself."""
    return f"{_THERE}{name.removeprefix(_HERE)}" if name in MAPPED else name


def event_document(event: Event) -> dict[str, Any]:
    """Return an event as an SDK gives it to the function."""
    return _document(event.model_dump())


def steps_document(steps: Iterable[Step]) -> dict[str, Any]:
    """Return what the SDK knows of each ended step, by the step's hash."""
    return {hash_of(step.key): _memo(step) for step in steps if step.is_given}


def stack_of(steps: Iterable[Step]) -> list[str]:
    """Return the hashes of the ended steps in the order of their ends: by it, SDKs settle parallel branches."""
    return [hash_of(step.key) for step in sorted((s for s in steps if s.is_given), key=lambda s: s.ended_order or 0)]


def _memo(step: Step) -> Any:
    if step.status is Status.FAILED:
        assert step.error is not None
        return {"error": _error(step.error)}
    value = decode(step.output or "null")
    if step.kind == "sleep":
        return None
    if step.signal is not None:
        return None if step.signal.sent_id is None else {"data": {"signal": step.signal.name, "data": value}}
    if step.wait is not None:
        return None if value is None else _document(value)
    return {"data": value}


def _error(error: Failure) -> dict[str, Any]:
    """The field ``data`` is there in any case: an SDK (Go) cannot read an error without it."""
    more: dict[str, Any] = json.loads(error.data) if error.data else {}
    return {"data": None, **more, **error.document()}


def _document(fields: Mapping[str, Any]) -> dict[str, Any]:
    name, data = fields["name"], fields["data"]
    if name in MAPPED and isinstance(data, dict):
        data = _own_data(data)
    document = {"id": fields["id"], "name": name_there(name), "data": data, "ts": fields["ts"]}
    return document if fields.get("user") is None else {**document, "user": fields["user"]}


def _own_data(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data of an event of Tarry's own, without the address, and with ``events`` beside ``event``."""
    shown = {name: value for name, value in data.items() if name != ADDRESS}
    inner = shown.get("event")
    if isinstance(inner, dict) and {"id", "name", "data", "ts"} <= inner.keys():
        shown["event"] = _document(inner)
        several = shown.get("events")
        shown["events"] = [_document(each) for each in several] if isinstance(several, list) else [shown["event"]]
    return shown

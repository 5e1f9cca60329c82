"""The backend's frozen data as JSON: what ``tarry dev`` answers to the commands of the same version.

A command that reads it loads the classes of that data, and no AWS SDK.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from importlib import import_module
from typing import Any

__all__ = ["read", "written"]

_MODULES = {
    "tarry.event": ("Event",),
    "tarry.signalreceipt": ("SignalReceipt", "SignalStatus"),
    "tarry_backend.model.alternative": ("Alternative",),
    "tarry_backend.model.bulk": ("Bulk",),
    "tarry_backend.model.cancellation": ("Cancellation", "Reason"),
    "tarry_backend.model.chain": ("Chain", "Inherited"),
    "tarry_backend.model.control": ("Control", "HeldBack"),
    "tarry_backend.model.failure": ("Failure",),
    "tarry_backend.model.life": ("Origin", "PastLife", "PastStep", "Revival"),
    "tarry_backend.model.position": ("Position",),
    "tarry_backend.model.queue_length": ("QueueLength",),
    "tarry_backend.model.received_event": ("ReceivedEvent",),
    "tarry_backend.model.run": ("Alias", "Run", "RunSnapshot", "RunStatus"),
    "tarry_backend.model.step": ("Invocation", "Signal", "Status", "Step", "Wait"),
    "tarry_backend.model.trace": ("NoRun", "Trace"),
    "tarry_backend.matching.conjuncts": ("Conjunct", "Operand"),
    "tarry_backend.api.asked_event": ("AskedEvent", "Effect"),
    "tarry_backend.api.near_misses": ("NearMisses", "UnfiredTrigger", "UnmatchedWait"),
    "tarry_backend.api.receipts": ("Miss", "Receipt", "Why"),
}
"""The classes of the data, by their modules. No other class is ever made of what was received."""

_PLACES = {name: module for module, names in _MODULES.items() for name in names}


def written(value: Any) -> Any:
    """Return the value in a form that JSON carries. Lists and plain values stay as they are.

    Raises:
        TypeError: The value has a part of an unknown class.
    """
    match value:
        case Enum():
            return {"enum": [_known(type(value)), value.value]}
        case None | bool() | int() | float() | str():
            return value
        case datetime():
            return {"time": value.isoformat()}
        case Mapping():
            return {"map": {name: written(each) for name, each in value.items()}}
        case list():
            return [written(each) for each in value]
    kind: Any = type(value)
    if (names := _fields(kind)) is not None:
        return {"data": _known(kind), "fields": {name: written(getattr(value, name)) for name in names}}
    if isinstance(value, tuple):
        return {"tuple": [written(each) for each in value]}
    raise TypeError(f"{type(value).__name__} has no plain form")


def read(form: Any) -> Any:
    """Return the value that ``written`` wrote."""
    if isinstance(form, list):
        return [read(each) for each in form]
    if not isinstance(form, dict):
        return form
    match form:
        case {"enum": [str(name), value]}:
            return _class(name)(value)
        case {"data": str(name), "fields": dict(content)}:
            return _class(name)(**{field: read(each) for field, each in content.items()})
        case {"tuple": list(parts)}:
            return tuple(read(each) for each in parts)
        case {"map": dict(content)}:
            return {name: read(each) for name, each in content.items()}
        case {"time": str(text)}:
            return datetime.fromisoformat(text)
    raise ValueError(f"{str(form)[:80]} is not data of Tarry's")


@cache
def _fields(kind: Any) -> tuple[str, ...] | None:
    if is_dataclass(kind):
        return tuple(each.name for each in fields(kind) if each.init)
    names: tuple[str, ...] | None = getattr(kind, "_fields", None)
    return names


def _known(kind: type[Any]) -> str:
    if _PLACES.get(kind.__name__) != kind.__module__:
        raise TypeError(f"{kind.__name__} has no plain form")
    return kind.__name__


@cache
def _class(name: str) -> Any:
    if name not in _PLACES:
        raise ValueError(f"{name[:80]!r} is no class of Tarry's data")
    return getattr(import_module(_PLACES[name]), name)

"""Data of an event to begin with, as its event type declares them."""

from __future__ import annotations

import types
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from tarry import App

__all__ = ["sample_of", "samples_of"]

_DEEP = 5

_PLAIN: dict[Any, Any] = {str: "", int: 0, float: 0.0, bool: False, list: [], dict: {}, tuple: [], set: []}


def samples_of(app: App) -> dict[str, dict[str, Any]]:
    """Return, by event names, data for the events whose types the triggers of the app name."""
    triggers = [trigger for function in app.functions.values() for trigger in function.event_triggers]
    return {each.event: sample_of(each.data_type) for each in triggers if each.data_type is not None}


def sample_of(kind: type[Any]) -> dict[str, Any]:
    """Return data of an event type: a value for each field, its default if it has a plain one."""
    try:
        return dict(_of(kind, 0))
    except Exception:  # a type may hold hints that cannot be resolved: then the form begins empty
        return {}


def _of(kind: Any, level: int) -> Any:
    if kind in _PLAIN:
        value = _PLAIN[kind]
        return value.copy() if isinstance(value, list | dict) else value
    if kind is datetime:
        return datetime.now(UTC).isoformat(timespec="seconds")
    if kind is date:
        return datetime.now(UTC).date().isoformat()
    if level > _DEEP:
        return None
    if (origin := get_origin(kind)) is not None:
        return _of_generic(kind, origin, level)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind)).value
    return _of_class(kind, level) if isinstance(kind, type) else None


def _of_generic(kind: Any, origin: Any, level: int) -> Any:
    given = get_args(kind)
    if origin is Literal:
        return given[0]
    if origin in (Union, types.UnionType):
        return None if type(None) in given else _of(given[0], level)
    if origin in _PLAIN:
        return _of(origin, level)
    return _of(given[0], level) if type(kind).__name__ == "_AnnotatedAlias" else None


def _of_class(kind: type[Any], level: int) -> Any:
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return {
            each.name: each.default if _is_plain(each.default) else _of(hints[each.name], level + 1)
            for each in fields(kind)
        }
    declared: Any = getattr(kind, "model_fields", None)  # a pydantic model
    if declared is None:
        return None
    return {
        each.alias or name: each.default if _is_plain(each.default) else _of(each.annotation, level + 1)
        for name, each in declared.items()
    }


def _is_plain(value: object) -> bool:
    return value is not MISSING and isinstance(value, str | int | float | bool | None)

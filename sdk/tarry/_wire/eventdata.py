"""Conversion of an event's data into an instance of its type.

A pydantic model reads the data itself. This module builds dataclasses from JSON: text, numbers, booleans, null, lists
and objects, and nested dataclasses, models, enums and unions. A field without a default must be present. Extra keys
are ignored. An annotation that cannot be checked, such as a ``TypedDict``, accepts anything.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NewType, TypeVar, Union, get_args, get_origin, get_type_hints, overload

from tarry._engine.error_text import message_of, name_of
from tarry._wire.jsonvalues import encode
from tarry.errors import EventDataError, UsageError

if TYPE_CHECKING:
    from tarry.event import Event

__all__ = ["given", "hints_of"]

T = TypeVar("T")

_NAMES = {
    str: "text",
    bool: "a boolean",
    int: "a whole number",
    float: "a number",
    list: "a list",
    tuple: "a list",
    dict: "an object",
    types.NoneType: "null",
}


@overload
def given(event: Event, asked: str) -> Event: ...
@overload
def given(event: Event, asked: type[T]) -> T: ...
def given(event: Event, asked: str | type[Any]) -> Any:
    """Return the event itself if ``asked`` is a name, or an instance of the type; or raise ``EventDataError``."""
    if isinstance(asked, str):
        return event
    reading = _Reading()
    read = reading.read(event.data, asked, "data")
    if reading.problems:
        raise EventDataError(event.name, event.id, asked.__name__, reading.problems)
    return read


class _Reading:
    """Reads values as their declared types. A value that does not fit is a problem, and is read as ``None``."""

    def __init__(self) -> None:
        self.problems: list[tuple[str, str]] = []

    def read(self, value: Any, kind: Any, place: str) -> Any:
        if isinstance(kind, NewType):
            return self.read(value, kind.__supertype__, place)
        if hasattr(kind, "model_validate_json"):
            return self._model(value, kind, place)
        if isinstance(kind, type) and is_dataclass(kind):
            return self._record(value, kind, place)
        base, args = get_origin(kind) or kind, get_args(kind)
        if base in (Union, types.UnionType):
            return self._either(value, args, place)
        if base is Literal:
            return value if _is_one_of(value, args) else self._wrong(place, f"expected one of {_listed(args)}")
        if base in (list, Sequence, tuple):
            return self._items(value, tuple if base is tuple else list, args, place)
        if base in (dict, Mapping):
            return self._entries(value, args, place)
        return self._plain(value, base, place)

    def _model(self, value: Any, kind: Any, place: str) -> Any:
        with self._raised(place):
            return kind.model_validate_json(encode(value, place))

    def _record(self, value: Any, kind: Any, place: str) -> Any:
        if not isinstance(value, dict):
            return self._unlike(value, "an object", place)
        before, hints = len(self.problems), hints_of(kind)
        read = {
            each.name: self._field(value, each, hints[each.name], place)
            for each in fields(kind)
            if each.init and (each.name in value or _is_required(each))
        }
        if len(self.problems) > before:
            return None
        with self._raised(place):
            return kind(**read)

    def _field(self, value: dict[str, Any], each: Field[Any], kind: Any, place: str) -> Any:
        at = f"{place}.{each.name}"
        return self.read(value[each.name], kind, at) if each.name in value else self._wrong(at, "missing")

    def _either(self, value: Any, kinds: Sequence[Any], place: str) -> Any:
        """Read the first kind that fits. With only one kind besides ``None``, report that kind's problems."""
        if value is None and types.NoneType in kinds:
            return None
        kinds = [kind for kind in kinds if kind is not types.NoneType]
        if len(kinds) == 1:
            return self.read(value, kinds[0], place)
        for kind in kinds:
            attempt = _Reading()
            read = attempt.read(value, kind, place)
            if not attempt.problems:
                return read
        return self._unlike(value, " or ".join(_named(kind) for kind in kinds), place)

    def _items(self, value: Any, base: type[Any], args: Sequence[Any], place: str) -> Any:
        if not isinstance(value, list):
            return self._unlike(value, "a list", place)
        if base is tuple and args and args[-1] is not Ellipsis:
            if len(args) != len(value):
                return self._wrong(place, f"expected {len(args)} items, found {len(value)}")
            kinds = list(args)
        else:
            kinds = [args[0] if args else Any] * len(value)
        return base(
            self.read(each, kind, f"{place}[{n}]") for n, (each, kind) in enumerate(zip(value, kinds, strict=True))
        )

    def _entries(self, value: Any, args: Sequence[Any], place: str) -> Any:
        if not isinstance(value, dict):
            return self._unlike(value, "an object", place)
        keys, values = args or (str, Any)
        return {self.read(key, keys, place): self.read(each, values, f"{place}.{key}") for key, each in value.items()}

    def _plain(self, value: Any, kind: Any, place: str) -> Any:
        if isinstance(kind, type) and issubclass(kind, Enum):
            options = [each.value for each in kind]
            return (
                kind(value) if _is_one_of(value, options) else self._wrong(place, f"expected one of {_listed(options)}")
            )
        if kind in (int, float) and isinstance(value, bool):
            return self._unlike(value, _NAMES[kind], place)
        try:
            fits = isinstance(value, (int, float) if kind is float else kind)
        except TypeError:  # not a class, or one without isinstance
            return value
        return value if fits else self._unlike(value, _named(kind), place)

    def _unlike(self, value: Any, wanted: str, place: str) -> None:
        return self._wrong(place, f"expected {wanted}, found {_NAMES.get(type(value), type(value).__name__)}")

    def _wrong(self, place: str, problem: str) -> None:
        self.problems.append((place, problem))

    @contextmanager
    def _raised(self, place: str) -> Iterator[None]:
        """Report an error of a model or of a dataclass's ``__post_init__`` as a problem of the data."""
        try:
            yield
        except Exception as error:
            errors = getattr(error, "errors", None)  # of pydantic's ValidationError
            found: list[Any] = (
                errors() if callable(errors) else [{"loc": (), "msg": f"{name_of(error)}: {message_of(error)}"}]
            )
            for each in found:
                self._wrong(place + "".join(_step(step) for step in each["loc"]), each["msg"])


@cache
def hints_of(kind: Any) -> dict[str, Any]:
    """Return the annotations of an event type; raise ``UsageError`` for one that its module does not define."""
    try:
        return get_type_hints(kind)
    except NameError as error:
        raise UsageError(
            f"event type {kind.__name__}: its annotations use {error.name!r}, which its module does not define: "
            "define it at the top of the module"
        ) from None


def _is_required(each: Field[Any]) -> bool:
    return each.default is MISSING and each.default_factory is MISSING


def _is_one_of(value: Any, options: Sequence[Any]) -> bool:
    """Whether the value is one of the options and has its type: 1 is not true."""
    return any(value == option and isinstance(value, bool) == isinstance(option, bool) for option in options)


def _listed(options: Sequence[Any]) -> str:
    return ", ".join(repr(option) for option in options)


def _named(kind: Any) -> str:
    name: str = getattr(kind, "__name__", str(kind))
    return _NAMES.get(kind, name)


def _step(step: int | str) -> str:
    return f"[{step}]" if isinstance(step, int) else f".{step}"

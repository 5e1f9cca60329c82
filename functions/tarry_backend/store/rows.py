"""Items without PynamoDB's questions to each attribute: rows as they are read, and what is written.

PynamoDB asks each of a model's thirty attributes about each item, and again when code reads it. A row is of a subclass
of the model in which each attribute is a plain value, or the model's default. The models stay the only place that
knows names, types and defaults. An attribute of another kind than text, number and bytes is left to PynamoDB.
"""

from __future__ import annotations

import json
from functools import cache
from types import new_class
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeVar

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute

if TYPE_CHECKING:
    from collections.abc import Callable

    from pynamodb.attributes import Attribute
    from pynamodb.models import Model

    Stored = dict[str, dict[str, Any]]

__all__ = ["row", "stored"]

T = TypeVar("T", bound="Model")


class _Form(NamedTuple):
    """What a model says about its items: by stored name for a reader, by Python name for a writer."""

    row: type[Any]
    readers: dict[str, tuple[str, str, Callable[[Any], Any] | None]]
    writers: tuple[tuple[str, str, str, bool, Callable[[Any], Any] | None], ...]


def row(model: type[T], item: dict[str, dict[str, Any]]) -> T | None:
    """Return the item as a read-only row of that model; ``None`` if PynamoDB must read it, or say what is wrong.

    What the item lacks has the model's default, or is ``None``.
    """
    if (form := _form(model)) is None:
        return None
    readers = form.readers
    values: dict[str, Any] = {}
    for stored_name, value in item.items():
        if (reader := readers.get(stored_name)) is None:
            continue  # another model's, or a newer version's
        name, kind, convert = reader
        if kind not in value:
            return None
        values[name] = value[kind] if convert is None else convert(value[kind])
    made: T = object.__new__(form.row)
    object.__setattr__(made, "__dict__", values)
    return made


def stored(item: Model) -> Stored | None:
    """Return the item as it is stored; ``None`` if PynamoDB must write it, or say what is wrong."""
    if (form := _form(type(item))) is None:
        return None
    values = item.attribute_values
    result: Stored = {}
    for name, stored_name, kind, may_lack, convert in form.writers:
        if (value := values.get(name)) is not None:
            result[stored_name] = {kind: value if convert is None else convert(value)}
        elif not may_lack:
            return None
    return result


@cache
def _form(model: type[Model]) -> _Form | None:
    attributes = model.get_attributes()
    if not all(_is_number(each) or _is_as_stored(each) for each in attributes.values()):
        return None
    if any(callable(each.default) for each in attributes.values()):
        return None
    defaults: dict[str, Any] = {name: each.default for name, each in attributes.items()}
    refused = {"serialize": _refuse, "stored": _refuse, "__setattr__": _refuse, "__module__": __name__}
    return _Form(
        new_class(f"{model.__name__}Row", (model,), exec_body=lambda namespace: namespace.update(defaults | refused)),
        {
            each.attr_name: (name, each.attr_type, _number if _is_number(each) else None)
            for name, each in attributes.items()
        },
        tuple(
            (name, each.attr_name, each.attr_type, bool(each.null), _number_text if _is_number(each) else None)
            for name, each in attributes.items()
        ),
    )


def _refuse(*_: object, **__: object) -> NoReturn:
    raise TypeError("a row is read-only: make an item of its model")


def _is_number(attribute: Attribute[Any]) -> bool:
    return type(attribute) is NumberAttribute


def _is_as_stored(attribute: Attribute[Any]) -> bool:
    """Return whether the value is stored as Python has it."""
    if type(attribute) is BinaryAttribute:
        return not attribute.legacy_encoding
    return type(attribute) is UnicodeAttribute


def _number(text: str) -> Any:
    return int(text) if text.isascii() and text.isdecimal() else json.loads(text)


def _number_text(number: Any) -> str:
    return str(number) if type(number) is int else json.dumps(number)

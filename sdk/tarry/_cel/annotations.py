"""What a type's annotations say of JSON: which fields an object has, and of which kind a value is.

``OPEN``, which is ``None``, stands for what they do not say. A pydantic model may convert a value before it checks it,
so its plain fields are open; its nested models are not.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Annotated, Any, Literal, NewType, Union, get_args, get_origin

from tarry._wire.typehints import hints_of

__all__ = ["OPEN", "Kinds", "cel_types", "elements_of", "fields_of", "kinds_of", "values_of"]

Kinds = tuple[Any, ...] | None
"""The annotations of which one holds for a value; ``OPEN``, if any value may stand there."""

OPEN: Kinds = None

_SCALARS: dict[Any, str] = {
    str: "string",
    bool: "bool",
    int: "number",
    float: "number",
    types.NoneType: "null",
    None: "null",
}
_LISTS = (list, tuple, Sequence)
_MAPS = (dict, Mapping)


def kinds_of(annotation: Any) -> Kinds:
    """Return the annotations of which one holds, without unions, new types and metadata."""
    if isinstance(annotation, NewType):
        return kinds_of(annotation.__supertype__)
    base = get_origin(annotation)
    if base is Annotated:
        return kinds_of(get_args(annotation)[0])
    if base not in (Union, types.UnionType):
        return (annotation,) if _is_known(annotation) else OPEN
    found: list[Any] = []
    for each in get_args(annotation):
        if (kinds := kinds_of(each)) is None:
            return OPEN
        found += kinds
    return tuple(found)


def cel_types(kinds: Kinds) -> frozenset[str] | None:
    """Return the CEL types of such values, all numbers as ``number``; ``None`` if any type may be there."""
    if kinds is None:
        return None
    return frozenset(name for kind in kinds for name in _cel_types(kind))


def fields_of(kind: Any) -> Mapping[str, Kinds] | None:
    """Return the fields that an object of one kind has, and nothing for what is no object; ``None`` if any."""
    if _is_model(kind):
        return _model_fields(kind)
    if isinstance(kind, type) and is_dataclass(kind):
        hints = hints_of(kind)
        return {each.name: kinds_of(hints[each.name]) for each in fields(kind)}
    return None if _base(kind) in _MAPS else {}


def values_of(kind: Any) -> Kinds:
    """Return the kinds of the values of an object that may have any field."""
    args = get_args(kind)
    return kinds_of(args[1]) if _base(kind) in _MAPS and len(args) == 2 else OPEN


def elements_of(kinds: Kinds) -> Kinds:
    """Return the kinds of a list's items, or of an object's keys."""
    if kinds is None:
        return OPEN
    found: list[Any] = []
    for kind in kinds:
        inner = _elements(kind)
        if inner is None:
            return OPEN
        found += inner
    return tuple(found) or OPEN


def _elements(kind: Any) -> Kinds:
    base, args = _base(kind), get_args(kind)
    if base in _LISTS:
        if base is tuple and Ellipsis not in args:
            return kinds_of(Union[args]) if args else OPEN  # noqa: UP007 - its members are data
        return kinds_of(args[0]) if args else OPEN
    return (str,) if base in _MAPS or is_dataclass(kind) else OPEN


def _base(kind: Any) -> Any:
    return get_origin(kind) or kind


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and hasattr(kind, "model_validate_json")


def _is_known(kind: Any) -> bool:
    base = _base(kind)
    if base is Literal or (isinstance(kind, type) and issubclass(kind, Enum)):
        return all(type(value) in _SCALARS for value in _options(kind))
    return base in (*_SCALARS, *_LISTS, *_MAPS) or _is_model(kind) or (isinstance(kind, type) and is_dataclass(kind))


def _options(kind: Any) -> list[Any]:
    """The values of a ``Literal`` or of an enum."""
    return list(get_args(kind)) if get_origin(kind) is Literal else [each.value for each in kind]


def _cel_types(kind: Any) -> Iterator[str]:
    base = _base(kind)
    if base in _SCALARS:
        yield _SCALARS[base]
    elif base in _LISTS:
        yield "list"
    elif base is Literal or (isinstance(kind, type) and issubclass(kind, Enum)):
        yield from (_SCALARS[type(value)] for value in _options(kind))
    else:
        yield "map"


def _model_fields(kind: Any) -> Mapping[str, Kinds] | None:
    """The fields of a pydantic model under the names that they have in JSON; ``None`` if its code may take others."""
    validators = getattr(kind, "__pydantic_decorators__", None)
    if kind.model_config.get("extra") == "allow" or getattr(kind, "__pydantic_root_model__", False):
        return None
    if validators is None or any(each.info.mode != "after" for each in validators.model_validators.values()):
        return None
    converted = {
        name for each in validators.field_validators.values() if each.info.mode != "after" for name in each.info.fields
    }
    found: dict[str, Kinds] = {}
    by_name = any(kind.model_config.get(option) for option in ("populate_by_name", "validate_by_name"))
    for name, field in kind.model_fields.items():
        alias = field.validation_alias or field.alias
        if alias is not None and not isinstance(alias, str):
            return None
        plain = name in converted or "*" in converted or field.metadata
        inner = OPEN if plain else _nested(kinds_of(field.annotation))
        found[alias or name] = inner
        if by_name:
            found[name] = inner
    return found


def _nested(kinds: Kinds) -> Kinds:
    """The kinds, if all are objects, whose fields are known even where a model converts values."""
    objects = kinds is not None and all(
        _is_model(kind) or (isinstance(kind, type) and is_dataclass(kind)) for kind in kinds if kind is not None
    )
    return kinds if objects else OPEN

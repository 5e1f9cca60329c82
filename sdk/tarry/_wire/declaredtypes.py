"""Declared types: which of them JSON already is, and which values are written for them.

It loads nothing but the standard library: most steps return plain JSON.
"""

from __future__ import annotations

import collections.abc as abc
import types
from dataclasses import is_dataclass
from enum import Enum
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ForwardRef,
    Literal,
    Never,
    NewType,
    NoReturn,
    Self,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from tarry._wire.specialvalues import SPECIAL, special_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["bare", "is_plain", "writer", "writer_of"]

_PLAIN = (str, int, float, bool, types.NoneType, None, Any, object, Never, NoReturn, Self, list, dict)

_PLAIN_GENERICS = (
    list,
    dict,
    Union,
    types.UnionType,
    abc.Collection,
    abc.Iterable,
    abc.Mapping,
    abc.MutableMapping,
    abc.MutableSequence,
    abc.Sequence,
)


def bare(kind: Any) -> Any:
    """The type without ``Annotated``, ``NewType`` and the name of a ``type`` statement."""
    while True:
        if isinstance(kind, NewType):
            kind = kind.__supertype__
        elif get_origin(kind) is Annotated:
            kind = kind.__origin__
        elif type(kind).__name__ == "TypeAliasType":
            kind = kind.__value__
        else:
            return kind


def is_plain(kind: Any, within: tuple[Any, ...] = ()) -> bool:
    """Whether JSON gives the type back by itself, or the type says nothing: ``Any``, a ``TypeVar``.

    ``within`` are the types around it: an alias may mention itself.
    """
    kind = bare(kind)
    if isinstance(kind, TypeVar | str | ForwardRef) or any(kind is each for each in (*_PLAIN, *within)):
        return True
    if get_origin(kind) is Literal:
        return not any(isinstance(each, Enum) for each in get_args(kind))
    generic = get_origin(kind) or kind
    return any(generic is each for each in _PLAIN_GENERICS) and all(
        is_plain(each, (*within, kind)) for each in get_args(kind)
    )


def writer(kind: Any) -> Callable[[object], object] | None:
    """What writes values for which JSON has no form, where the type says that they may be there; for ``encode``."""
    mentioned = {special.kind for special in SPECIAL if any(_is_a(each, special.kind) for each in _parts(kind, []))}
    if not mentioned:
        return None

    def written(value: object) -> object:
        special = special_of(value)
        return None if special is None or special.kind not in mentioned else special.write(value)

    return written


def writer_of(value: object) -> Callable[[object], object] | None:
    """The ``writer`` of an instance's class: its fields say what may be in it. A bare ``datetime`` says nothing."""
    return None if special_of(value) is not None else writer(type(value))


def _is_a(part: Any, kind: type[Any]) -> bool:
    if part is abc.Set:
        return kind in (set, frozenset)
    return isinstance(part, type) and (part is kind or (kind is Enum and issubclass(part, Enum)))


def _parts(kind: Any, seen: list[Any]) -> Iterator[Any]:
    """The classes that the type mentions, also in the fields of its classes."""
    kind = bare(kind)
    if any(kind is each for each in seen):
        return
    seen.append(kind)
    base = get_origin(kind) or kind
    yield base
    for each in get_args(kind):
        yield from [type(each)] if base is Literal else _parts(each, seen)
    if isinstance(base, type) and (
        is_dataclass(base) or is_typeddict(base) or hasattr(base, "__attrs_attrs__") or hasattr(base, "_fields")
    ):
        try:
            hints = get_type_hints(base)
        except Exception:  # the reader says what is wrong
            return
        for hint in hints.values():
            yield from _parts(hint, seen)

"""JSON values as instances of the types that code declares. cattrs does the work, and pydantic that of its own classes.

Unlike cattrs alone, this module converts no kind of JSON into another: ``"7"`` is no ``int``. A value that is an
instance already, such as one that a middleware has restored, is taken as it is. cattrs takes about 20 ms to load, so
import this module where a type is first needed.
"""

from __future__ import annotations

import types
from collections.abc import Collection, Iterable, Iterator, Sequence
from enum import Enum
from functools import cache
from typing import Any, Literal, Union

from cattrs import ClassValidationError, Converter, IterableValidationError
from cattrs.cols import is_frozenset, is_mapping, is_namedtuple, is_set

from tarry._engine.error_text import leaves, message_of, name_of
from tarry._wire.specialvalues import SPECIAL
from tarry._wire.typehooks import (
    WrongError,
    enum_hook,
    generic_of,
    is_record,
    list_hook,
    literal_hook,
    mapping_hook,
    model_hook,
    named_tuple_hook,
    other_hook,
    record_hook,
    scalar_hook,
    set_hook,
    special_hook,
    tuple_hook,
)
from tarry._wire.typeunion import union_hook
from tarry.errors import UsageError

__all__ = ["MisfitError", "read"]

_SCALARS = (str, int, float, bool, types.NoneType)

_LISTS = (list, Sequence, Iterable, Collection)


class MisfitError(Exception):
    """A value does not fit its type. ``problems`` are pairs of a place and what is wrong there."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{place}: {problem}" for place, problem in problems))
        self.problems = tuple(problems)


def read(value: Any, kind: Any, place: str) -> Any:
    """Return the JSON value as an instance of the type.

    Raises:
        MisfitError: It does not fit.
        UsageError: The type cannot be used.
    """
    try:
        return _converter().structure(value, kind)
    except Exception as error:
        for each in leaves(error):
            if isinstance(each, UsageError):
                raise each from None
        raise MisfitError(list(_problems(error, place))) from error


def _problems(error: BaseException, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(error, ClassValidationError):
        noted, others = error.group_exceptions()
        for each, note in noted:
            at = f"{place}.{note.name}"
            yield from [(at, "missing")] if isinstance(each, KeyError) else _problems(each, at)
        for other in others:
            yield from _problems(other, place)
    elif isinstance(error, IterableValidationError):
        items, _ = error.group_exceptions()
        for each, item in items:
            step = f"[{item.index}]" if isinstance(item.index, int) else f".{item.index}"
            yield from _problems(each, place + step)
    elif isinstance(error, WrongError):
        yield from ((place + step, problem) for step, problem in error.at)
    else:  # of a class's own __init__ or __post_init__
        yield place, f"{name_of(error)}: {message_of(error)}"


@cache
def _converter() -> Converter:
    made = Converter(structure_fallback_factory=other_hook)
    for kind in _SCALARS:
        made.register_structure_hook(kind, scalar_hook(kind))
    for special in SPECIAL:
        if special.kind not in (Enum, set, frozenset):
            made.register_structure_hook(special.kind, special_hook(special))
    factories: Any = (  # the last one that is registered is asked first
        (lambda kind: generic_of(kind) is Literal, literal_hook),
        (lambda kind: isinstance(kind, type) and issubclass(kind, Enum), enum_hook),
        (lambda kind: generic_of(kind) in _LISTS, list_hook),
        (lambda kind: generic_of(kind) is tuple, tuple_hook),
        (lambda kind: is_set(kind) or is_frozenset(kind), set_hook),
        (is_mapping, mapping_hook),
        (is_namedtuple, named_tuple_hook),
        (lambda kind: is_record(generic_of(kind)), record_hook),
        (lambda kind: isinstance(kind, type) and hasattr(kind, "__pydantic_validator__"), model_hook),
        (lambda kind: generic_of(kind) in (Union, types.UnionType), union_hook),
    )
    for is_meant, factory in factories:
        made.register_structure_hook_factory(is_meant, factory)
    return made

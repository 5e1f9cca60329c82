"""Values that JSON has no form of its own for, and the form in which Tarry stores them.

A value of one of these classes is stored only where a declared type says that it is one: else it would come back as
text or as a number, and code would get another value at a replay than at first.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path, PurePath
from typing import Any
from uuid import UUID

__all__ = ["SPECIAL", "Special", "special_of"]


@dataclass(frozen=True, slots=True)
class Special:
    """How values of a class are written as JSON, and read. ``read`` raises if a JSON value of ``form`` does not fit."""

    kind: type[Any]
    form: tuple[type[Any], ...]
    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


_MICROSECOND = timedelta(microseconds=1)

SPECIAL = (
    Special(datetime, (str,), datetime.isoformat, datetime.fromisoformat),
    Special(date, (str,), date.isoformat, date.fromisoformat),
    Special(time, (str,), time.isoformat, time.fromisoformat),
    Special(timedelta, (int,), lambda value: value // _MICROSECOND, lambda count: count * _MICROSECOND),
    Special(Decimal, (str,), str, Decimal),
    Special(UUID, (str,), str, UUID),
    Special(Path, (str,), str, Path),
    Special(PurePath, (str,), str, PurePath),
    Special(bytes, (str,), lambda value: b64encode(value).decode(), lambda text: b64decode(text, validate=True)),
    Special(set, (list,), list, set),
    Special(frozenset, (list,), list, frozenset),
    Special(Enum, (), lambda value: value.value, lambda value: value),
)
"""A class stands before those that it is derived from: a ``datetime`` is a ``date`` too."""


def special_of(value: object) -> Special | None:
    """The form of a value that JSON has none for."""
    return next((each for each in SPECIAL if isinstance(value, each.kind)), None)

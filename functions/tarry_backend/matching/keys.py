"""Match keys, by which an event finds open waits.

A wait on ``async.data.userId == "7"`` is stored under a key made of the path and the value. An incoming event has a
value at that path, makes the same key, and finds every such wait by one query. So two values have the same key exactly
when CEL's ``==`` is true for them.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tarry._cel.budget import CHARACTERS, MAX_NESTED, MAX_STEPS, Budget, StepsError, steps_to_write
from tarry._cel.ranges import INT_MAX, INT_MIN
from tarry_backend.model.alternative import NAME_ONLY, Shape

if TYPE_CHECKING:
    from tarry.event import Event

__all__ = [
    "MAX_KEYED",
    "SPLIT",
    "OversizeError",
    "Path",
    "UnmatchableError",
    "canonical",
    "envelope",
    "key_for",
    "match_key",
    "shape_and_key",
]

Path = tuple[str | int, ...]
"""The fields and places that lead from an event to one value in it."""


MAX_KEYED = MAX_STEPS // 10
"""The largest value in a key: its elements and fields, a hundredth of the characters of its texts, and the steps that
its integers take to write. To compare it takes no more steps, so that a residual could compare it as well, with each
of eight values."""

SPLIT = re.compile(r"[\ud800-\udbff][\udc00-\udfff]")
"""Halves of one character that have come together. JSON makes one character of them."""


class UnmatchableError(Exception):
    """No value in any event equals this one: a NaN, or a value that JSON does not allow."""


class OversizeError(Exception):
    """The value is too large for a key, or nested too deeply."""


def envelope(event: Event) -> dict[str, object]:
    """Return an event as expressions see it."""
    return {
        "name": event.name,
        "data": event.data,
        "id": event.id,
        "ts": event.ts,
        "user": event.user,
        "source": event.source,
    }


def shape_and_key(event_name: str, values: Mapping[Path, str]) -> tuple[Shape, str]:
    """Return the shape and key of waits on these canonical values at these paths."""
    by_path = sorted((_compact(path), value) for path, value in values.items())
    shape = f"[{','.join(path for path, _ in by_path)}]"
    return shape, key_for(event_name, shape, [value for _, value in by_path])


def match_key(event_name: str, shape: Shape, event: Event) -> str | None:
    """Return the key of the waits of this shape that the event may resolve.

    ``None`` if the event lacks one of the paths, or has a value there that has no key.
    """
    try:
        fields = envelope(event)
        return key_for(event_name, shape, [canonical(_value_at(fields, path)) for path in _paths(shape)])
    except (LookupError, UnmatchableError, OversizeError):
        return None


def key_for(event_name: str, shape: Shape, values: Sequence[str] = ()) -> str:
    """Return the key of a shape with these canonical values, in the order of its paths."""
    digest = hashlib.sha256(f"[{_compact(shape)},[{','.join(values)}]]".encode())
    return f"{event_name}#{digest.hexdigest()[:32]}"


def canonical(value: object) -> str:
    """Return JSON that is the same for equal values, and for no others.

    Raises:
        UnmatchableError: Nothing equals the value.
        OversizeError: The value has more than ``MAX_KEYED`` parts.
    """
    try:
        return _compact(_comparable(value, Budget(MAX_KEYED), MAX_NESTED))
    except StepsError:
        raise OversizeError from None


def _comparable(value: object, steps: Budget, depth: int) -> object:
    if isinstance(value, str):
        return _text(value, steps)
    if value is None or isinstance(value, bool) or (type(value) is int and INT_MIN <= value <= INT_MAX):
        return value
    if isinstance(value, (int, float)):
        return _number(value, steps)
    if not isinstance(value, (Mapping, list, tuple)):
        raise UnmatchableError
    if depth == 0:
        raise OversizeError
    steps.take(len(value))
    if isinstance(value, Mapping):
        return {_text(key, steps): _comparable(item, steps, depth - 1) for key, item in value.items()}
    return [_comparable(item, steps, depth - 1) for item in value]


def _number(number: float, steps: Budget) -> float:
    """One form for each number: a whole one has all its digits and no decimal point, and there is one zero."""
    if isinstance(number, float):
        if math.isnan(number):
            raise UnmatchableError
        if not number.is_integer():
            return number
        number = int(number)
        if abs(number) <= INT_MAX:
            return number
    steps.take(steps_to_write(number))
    return number


def _text(text: object, steps: Budget) -> str:
    if not isinstance(text, str):
        raise UnmatchableError
    steps.take(len(text) // CHARACTERS)
    if not text.isascii() and SPLIT.search(text):
        raise UnmatchableError
    return text


def _compact(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


@lru_cache(maxsize=1024)
def _paths(shape: Shape) -> tuple[Path, ...]:
    return () if shape.startswith(NAME_ONLY) else tuple(map(tuple, json.loads(shape)))


def _value_at(value: Any, path: Path) -> object:
    for step in path:
        match step, value:
            case str(), Mapping():
                value = value[step]
            case int(), list() | tuple():
                value = value[step]
            case _:
                raise LookupError
    return value

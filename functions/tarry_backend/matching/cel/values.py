"""The values of CEL: JSON's, as Python reads it, and what only an expression can make.

JSON has one kind of number. An integer within 64 bits is CEL's ``int``, everything else its ``double``.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from types import NoneType
from typing import Any

from tarry_backend.matching.cel.budget import CHARACTERS, MAX_NESTED, Budget
from tarry_backend.matching.cel.errors import CelError
from tarry_backend.matching.cel.times import Duration, Timestamp

__all__ = [
    "INT_MAX",
    "INT_MIN",
    "ORDERINGS",
    "TYPES",
    "UINT_MAX",
    "Type",
    "Uint",
    "adopt",
    "as_key",
    "contains",
    "described",
    "equal",
    "from_key",
    "type_name",
]

INT_MIN, INT_MAX, UINT_MAX = -(2**63), 2**63 - 1, 2**64 - 1


class Uint(int):
    """An unsigned integer. An event holds none; ``1u`` and ``uint(x)`` make them."""


@dataclass(frozen=True, slots=True)
class Type:
    """What ``type(x)`` gives, and what the name ``int`` stands for."""

    name: str


class BoolKey(Enum):
    """A boolean as the key of a map, since Python takes ``True`` and ``1`` for one key."""

    FALSE = False
    TRUE = True


_NAMES: dict[type, str] = {
    NoneType: "null_type",
    bool: "bool",
    int: "int",
    Uint: "uint",
    float: "double",
    str: "string",
    bytes: "bytes",
    list: "list",
    tuple: "list",
    dict: "map",
    Timestamp: "timestamp",
    Duration: "duration",
    Type: "type",
}

TYPES = {
    name: Type(name)
    for name in ("bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint")
}
"""The types that an expression can name."""


def type_name(value: object) -> str:
    """The CEL type of a value."""
    return _NAMES.get(type(value)) or ("map" if isinstance(value, Mapping) else type(value).__name__)


def described(value: object) -> str:
    """The value's type, for a message."""
    return "null" if value is None else f"of type {type_name(value)}"


def adopt(value: object) -> object:
    """A value as it comes out of JSON: an integer beyond 64 bits becomes a double."""
    if type(value) is int and not INT_MIN <= value <= INT_MAX:
        try:
            return float(value)
        except OverflowError:
            return float("inf") if value > 0 else float("-inf")
    return value


def equal(left: object, right: object, steps: Budget, depth: int = MAX_NESTED) -> bool:
    """CEL's ``==``: exact between kinds of numbers, false between other types.

    ``CelError`` for values that are alike more than ``MAX_NESTED`` deep, ``StepsError`` if there are too many parts
    to compare: at most one step for each part, and for each hundred characters of it.
    """
    if isinstance(left, str):
        return isinstance(right, str) and len(left) == len(right) and _read(left, steps) == right
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return adopt(left) == adopt(right)
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        if len(left) != len(right):
            return False
        within = _inside(left, steps, depth)
        return all(
            (type(ours) is type(theirs) in _PLAIN and ours == theirs) or equal(ours, theirs, steps, within)
            for ours, theirs in zip(left, right, strict=True)
        )
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        if left.keys() != right.keys():
            return False
        within = _inside(left, steps, depth)
        return all(equal(left[_read(key, steps)], right[key], steps, within) for key in left)
    return type(left) is type(right) and left == right


_PLAIN = frozenset({bool, int, float, NoneType})
"""Of these, two of one type that are equal to Python are so to CEL."""


def _inside(container: Collection[object], steps: Budget, depth: int) -> int:
    if depth == 0:
        raise CelError(f"a value is nested more than {MAX_NESTED} deep, the most that is compared")
    steps.take(len(container))
    return depth - 1


def _read(text: Any, steps: Budget) -> Any:
    if isinstance(text, str) and len(text) >= CHARACTERS:
        steps.take(len(text) // CHARACTERS)
    return text


def contains(item: object, container: object, steps: Budget) -> bool:
    """CEL's ``in``: an element of a list, or a key of a map. Raises as ``equal`` does."""
    if isinstance(container, (list, tuple)):
        if isinstance(item, str):
            steps.take(len(container) // 20)
            return item in container  # as ``equal`` says, in a twentieth of the time
        steps.take(len(container))
        return any(equal(item, element, steps) for element in container)
    if isinstance(container, Mapping):
        return as_key(item) in container
    raise CelError(f"no 'in' for {type_name(item)} and {type_name(container)}")


def _ordering(compare: Callable[[Any, Any], bool]) -> Callable[[object, object], bool]:
    def ordered(left: object, right: object) -> bool:
        kind, other = type(left), type(right)
        if (kind is other and kind in _ORDERED) or (kind in _NUMBERS and other in _NUMBERS):
            return compare(left, right)
        raise CelError(f"no order between {type_name(left)} and {type_name(right)}")

    return ordered


_NUMBERS = frozenset({int, Uint, float})
_ORDERED = frozenset({bool, str, bytes, Timestamp, Duration})

ORDERINGS = {
    "<": _ordering(operator.lt),
    "<=": _ordering(operator.le),
    ">": _ordering(operator.gt),
    ">=": _ordering(operator.ge),
}
"""Numbers are ordered across their kinds, exactly; strings by code point; false comes before true."""


def as_key(value: object) -> object:
    """A value as a key of a map. A number that is no integer is the key of nothing."""
    if isinstance(value, bool):
        return BoolKey(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, (str, int, float)):
        return value
    raise CelError(f"{type_name(value)} is no key of a map")


def from_key(key: object) -> object:
    """The value that a key of a map was made from."""
    return key.value if isinstance(key, BoolKey) else key

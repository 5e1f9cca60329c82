"""CEL's values: JSON as Python reads it, and the values that only an expression makes.

JSON has one kind of number. One without fraction and exponent is CEL's ``int``, and keeps its value at any size; every
other is a ``double``, as IEEE 754 rounds it. Comparisons are exact. Arithmetic takes and gives integers of 64 bits.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from types import NoneType
from typing import Any

from tarry._cel.budget import CHARACTERS, MAX_NESTED, Budget
from tarry._cel.errors import CelError
from tarry._cel.ranges import INT_MAX, INT_MIN, UINT_MAX
from tarry._cel.times import Duration, Timestamp

__all__ = [
    "INT_MAX",
    "INT_MIN",
    "ORDERINGS",
    "TYPES",
    "UINT_MAX",
    "Type",
    "Uint",
    "as_key",
    "contains",
    "described",
    "equal",
    "from_key",
    "type_name",
]


class Uint(int):
    """An unsigned integer. No event holds one; ``1u`` and ``uint(x)`` make them."""


@dataclass(frozen=True, slots=True)
class Type:
    """The value of ``type(x)``, and of the name ``int``."""

    name: str


class BoolKey(Enum):
    """A boolean as the key of a map, since Python treats ``True`` and ``1`` as one key."""

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
    """Return the CEL type of a value."""
    return _NAMES.get(type(value)) or ("map" if isinstance(value, Mapping) else type(value).__name__)


def described(value: object) -> str:
    """Return the value's type, for a message."""
    return "null" if value is None else f"of type {type_name(value)}"


def equal(left: object, right: object, steps: Budget, depth: int = MAX_NESTED) -> bool:
    """Apply CEL's ``==``: exact between kinds of numbers, false between other types.

    It takes at most one step for each part, and for each hundred characters of it.

    Raises:
        CelError: Equal values are nested more than ``MAX_NESTED`` deep.
        StepsError: There are too many parts to compare.
    """
    if isinstance(left, str):
        return isinstance(right, str) and len(left) == len(right) and _read(left, steps) == right
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return left == right
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
"""Types whose values are equal in CEL exactly when they are equal in Python."""


def _inside(container: Collection[object], steps: Budget, depth: int) -> int:
    if depth == 0:
        raise CelError(f"a value is nested more than {MAX_NESTED} deep, the most allowed")
    steps.take(len(container))
    return depth - 1


def _read(text: Any, steps: Budget) -> Any:
    if isinstance(text, str) and len(text) >= CHARACTERS:
        steps.take(len(text) // CHARACTERS)
    return text


def contains(item: object, container: object, steps: Budget) -> bool:
    """Apply CEL's ``in``: an element of a list, or a key of a map. Raises as ``equal`` does."""
    if isinstance(container, (list, tuple)):
        if isinstance(item, str):
            steps.take(len(container) // 20)
            return item in container  # as ``equal`` says, in a twentieth of the time
        steps.take(len(container))
        return any(equal(item, element, steps) for element in container)
    if isinstance(container, Mapping):
        return as_key(item) in container
    raise CelError(f"'in' does not take {type_name(item)} and {type_name(container)}")


def _ordering(compare: Callable[[Any, Any], bool]) -> Callable[[object, object], bool]:
    def ordered(left: object, right: object) -> bool:
        kind, other = type(left), type(right)
        if (kind is other and kind in _ORDERED) or (kind in _NUMBERS and other in _NUMBERS):
            return compare(left, right)
        raise CelError(f"{type_name(left)} and {type_name(right)} have no order")

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
    """Return a value as a key of a map. A number that is not an integer is never a key."""
    if isinstance(value, bool):
        return BoolKey(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, (str, int, float)):
        return value
    raise CelError(f"{type_name(value)} cannot be a key of a map")


def from_key(key: object) -> object:
    """Return the value of a map's key."""
    return key.value if isinstance(key, BoolKey) else key

"""What has no value in Inngest's dialect, and how its values count: as true, as null, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tarry._cel.arithmetic import as_double
from tarry._cel.errors import CelError
from tarry._cel.functions import apply
from tarry._cel.values import described

__all__ = ["Absent", "as_number", "is_truthy", "joined", "ordered", "without_value"]

_EXACT = 2**53
"""Up to here, a double holds each integer."""


@dataclass(frozen=True, slots=True)
class Absent:
    """No value: a missing field, or an error. ``problem`` says why. ``+`` alone tells the two apart."""

    problem: str
    is_missing: bool = False


def as_number(value: object) -> object:
    """Return an event's value; an integer as a double, unless that would change it."""
    return float(value) if type(value) is int and -_EXACT <= value <= _EXACT else value


def is_truthy(value: object) -> bool:
    """Whether a value counts as true. An empty list does, an empty text does not."""
    if isinstance(value, bool):
        return value
    if value is None or isinstance(value, Absent):
        return False
    return bool(value) if isinstance(value, str | int | float) else True


def without_value(operator: str, operands: Sequence[object]) -> object:
    """Return the result of an operator, of whose operands at least one is ``Absent``."""
    left, right = operands
    match operator:
        case "==":
            return left is None or right is None
        case "!=":
            return not (left is None or right is None)
        case "<" | "<=":
            return isinstance(left, Absent)
        case ">" | ">=":
            return not isinstance(left, Absent)
        case "+":
            there = [each for each in operands if not (isinstance(each, Absent) and each.is_missing)]
            failed = (each for each in there if isinstance(each, Absent))
            return next(failed, there[0]) if there else False
    return False


def ordered(left: object, right: object) -> tuple[object, object]:
    """Return the operands of an order: null is the zero of the other's type.

    Raises:
        CelError: Null has no place in the order of such values.
    """
    if left is None and right is not None:
        return _zero_for(right), right
    if right is None and left is not None:
        return left, _zero_for(left)
    return left, right


def _zero_for(value: object) -> object:
    """What null is beside this value in an order."""
    if isinstance(value, str):
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return type(value)(0)
    raise CelError(f"null and {described(value)} have no order")


def joined(operator: str, left: object, right: object) -> object:
    """Return the result of an arithmetic operator between two types: doubles for numbers, a text for ``+``.

    Raises:
        CelError: The operator does not take these types.
    """
    if {type(left), type(right)} == {int, float}:
        return apply(operator, [_double(left), _double(right)])
    if operator == "+" and _has_text(left) and _has_text(right):
        return _text(left) + _text(right)
    return apply(operator, [left, right])


def _double(number: object) -> float:
    return as_double(str(number)) if isinstance(number, int) else number  # type: ignore[return-value]


def _has_text(value: object) -> bool:
    return value is None or isinstance(value, str | bool | int | float | list | tuple | Mapping)


def _text(value: object) -> str:
    """A value as Inngest writes it in a text; numbers in full."""
    match value:
        case None:
            return "NULL_VALUE"
        case bool():
            return "true" if value else "false"
        case float():
            return repr(value).removesuffix(".0")
        case list() | tuple():
            return f"[{' '.join(map(_inner, value))}]"
        case Mapping():
            return f"map[{' '.join(f'{_inner(key)}:{_inner(value[key])}' for key in sorted(value, key=str))}]"
    return str(value)


def _inner(value: object) -> str:
    return "<nil>" if value is None else _text(value)

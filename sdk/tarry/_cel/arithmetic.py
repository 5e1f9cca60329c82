"""Sums and products as CEL has them: 64 bits, no wrapping around, no mixing of kinds.

An event may hold a larger integer. It can be compared, but it is no operand: that is an error, as an overflow is.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from tarry._cel.errors import CelError
from tarry._cel.times import Duration
from tarry._cel.values import INT_MAX, INT_MIN, UINT_MAX, Uint

__all__ = ["OPERATIONS", "as_double", "as_int", "as_uint"]


def as_int(number: int) -> int:
    """Return the number as an ``int``; ``CelError`` beyond 64 bits."""
    if not INT_MIN <= number <= INT_MAX:
        raise CelError("the integer has more than 64 bits, the most that arithmetic and int() take")
    return int(number)


def as_uint(number: int) -> Uint:
    """Return the number as a ``uint``; ``CelError`` below 0 or beyond 64 bits."""
    if not 0 <= number <= UINT_MAX:
        raise CelError("the unsigned integer is negative or has more than 64 bits")
    return Uint(number)


def as_double(text: str) -> float:
    """The double that is nearest to a number in decimal digits; ``CelError`` if it is too large for one."""
    number = float(text)
    if math.isinf(number) and not text.lstrip("+-").isalpha():
        raise CelError(f"{text} is larger than the largest double, some 1.8e308")
    return number


def _quotient(left: int, right: int) -> int:
    """Round towards zero, where Python rounds down."""
    if right == 0:
        raise CelError("division by zero")
    return abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)


def _remainder(left: int, right: int) -> int:
    """Take the dividend's sign, where Python takes the divisor's."""
    if right == 0:
        raise CelError("modulus by zero")
    return abs(left) % abs(right) * (-1 if left < 0 else 1)


def _ratio(left: float, right: float) -> float:
    """Divide as IEEE 754: a division by zero is infinite, or NaN."""
    if right:
        return left / right
    if math.isnan(left) or left == 0:
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1, right)


def _shift(sign: int) -> Callable[[Any, Duration], Any]:
    """Return a function that moves a timestamp or duration by a duration."""
    return lambda start, span: type(start)(start.nanoseconds + sign * span.nanoseconds)


_WHOLE: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _quotient,
    "%": _remainder,
}
_REAL: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _ratio,
}


def _then(bound: Callable[[int], int], compute: Callable[[int, int], int]) -> Callable[[int, int], int]:
    return lambda left, right: bound(compute(bound(left), bound(right)))


OPERATIONS: dict[tuple[str, ...], Callable[..., object]] = {
    **{(sign, "int", "int"): _then(as_int, compute) for sign, compute in _WHOLE.items()},
    **{(sign, "uint", "uint"): _then(as_uint, compute) for sign, compute in _WHOLE.items()},
    **{(sign, "double", "double"): compute for sign, compute in _REAL.items()},
    ("+", "string", "string"): operator.add,
    ("+", "bytes", "bytes"): operator.add,
    ("+", "list", "list"): lambda left, right: [*left, *right],
    ("+", "timestamp", "duration"): _shift(1),
    ("+", "duration", "timestamp"): lambda span, start: _shift(1)(start, span),
    ("+", "duration", "duration"): _shift(1),
    ("-", "timestamp", "duration"): _shift(-1),
    ("-", "duration", "duration"): _shift(-1),
    ("-", "timestamp", "timestamp"): lambda end, start: Duration(end.nanoseconds - start.nanoseconds),
    ("-", "int"): lambda number: as_int(-as_int(number)),
    ("-", "double"): operator.neg,
    ("-", "duration"): lambda span: Duration(-span.nanoseconds),
}
"""The operators by their operands' types. Every other combination is an error."""

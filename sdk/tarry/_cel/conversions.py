"""The standard's conversions: ``int(x)``, ``string(x)`` and so on."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from tarry._cel.arithmetic import as_double, as_int, as_uint
from tarry._cel.errors import CelError
from tarry._cel.times import SECOND, Timestamp, parse_duration, parse_timestamp

__all__ = ["CONVERSIONS"]

_WHOLE = re.compile(r"[+-]?[0-9]{1,40}")
_REAL = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|inf(?:inity)?|nan)", re.IGNORECASE)
_BOOLEANS = {
    **dict.fromkeys(("1", "t", "true", "TRUE", "True"), True),
    **dict.fromkeys(("0", "f", "false", "FALSE", "False"), False),
}


def _same(value: object) -> object:
    return value


def _whole(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise CelError(f"{text!r} is not an integer")
    return int(text)


def _truncated(number: float) -> int:
    """Round towards zero. The standard excludes -2**63, to which other numbers are rounded."""
    if not math.isfinite(number) or number == -(2.0**63):
        raise CelError(f"{number} is not an integer of 64 bits")
    return int(number)


def _real(text: str) -> float:
    if not _REAL.fullmatch(text):
        raise CelError(f"{text!r} is not a number")
    return as_double(text)


def _boolean(text: str) -> bool:
    if text not in _BOOLEANS:
        raise CelError(f"{text!r} is not a boolean")
    return _BOOLEANS[text]


def _decimal(number: float) -> str:
    """Return the shortest text of the number; ``1`` for ``1.0``."""
    return repr(number).removesuffix(".0")


CONVERSIONS: dict[tuple[str, ...], Callable[..., object]] = {
    ("int", "int"): as_int,
    ("int", "uint"): as_int,
    ("int", "double"): lambda number: as_int(_truncated(number)),
    ("int", "string"): lambda text: as_int(_whole(text)),
    ("int", "timestamp"): lambda moment: moment.nanoseconds // SECOND,
    ("uint", "uint"): _same,
    ("uint", "int"): as_uint,
    ("uint", "double"): lambda number: as_uint(_truncated(number)),
    ("uint", "string"): lambda text: as_uint(_whole(text)),
    ("double", "double"): _same,
    ("double", "int"): float,
    ("double", "uint"): float,
    ("double", "string"): _real,
    ("bool", "bool"): _same,
    ("bool", "string"): _boolean,
    ("bytes", "bytes"): _same,
    ("bytes", "string"): str.encode,
    ("string", "string"): _same,
    ("string", "int"): str,
    ("string", "uint"): str,
    ("string", "double"): _decimal,
    ("string", "bool"): lambda value: "true" if value else "false",
    ("string", "bytes"): bytes.decode,
    ("string", "timestamp"): str,
    ("string", "duration"): str,
    ("timestamp", "timestamp"): _same,
    ("timestamp", "string"): parse_timestamp,
    ("timestamp", "int"): lambda seconds: Timestamp(seconds * SECOND),
    ("duration", "duration"): _same,
    ("duration", "string"): parse_duration,
    ("dyn", "any"): _same,
}
"""The conversions by the argument's type."""

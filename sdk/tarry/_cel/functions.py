"""The functions of an expression: the standard's, and those of Inngest's expressions.

``lowercase(s)``, ``uppercase(s)``
    The string in lower or upper case.
``b64decode(s)``
    The string that a base64 string encodes.
``json_parse(s)``
    The value of a JSON text.
``date(x)``
    A timestamp from ``"2024-01-31"``, ``"2024-01-31T12:00:00"`` (UTC), RFC 3339 or a Unix time.
``now()``, ``now_plus("1h30m")``, ``now_minus("7d")``
    The time at which the incoming event was received, or that time plus or minus a duration. It is not the clock's:
    an event that is looked at twice gives one answer, so a wait's outcome stays a function of the event log.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NoReturn, Protocol, cast

from tarry._cel.arithmetic import OPERATIONS
from tarry._cel.budget import steps_to_write
from tarry._cel.conversions import CONVERSIONS
from tarry._cel.errors import CelError
from tarry._cel.times import CALENDAR, CLOCK, Timestamp, parse_date, parse_duration, zone
from tarry._cel.values import Type, type_name

__all__ = [
    "BOTH",
    "CLOCKED",
    "CONSTANT_ARGUMENTS",
    "METHODS",
    "RESULTS",
    "SLOW",
    "SLOW_NAMES",
    "apply",
    "arities",
    "overloads",
]


class Pattern(Protocol):
    """A compiled pattern of RE2, which comes without types."""

    @property
    def programsize(self) -> int: ...

    def search(self, text: bytes) -> object: ...


MAX_PATTERN = 1000
"""The longest pattern of ``matches``, in characters."""


@lru_cache(maxsize=128)
def _pattern(pattern: str) -> Pattern:
    """Compile with RE2, which takes time linear in the text: no pattern can hang a Lambda."""
    import re2  # type: ignore[import-untyped]

    if len(pattern) > MAX_PATTERN:
        raise CelError(f"the pattern has {len(pattern):,} characters; at most {MAX_PATTERN:,} are allowed")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 2 * 2**20  # bytes for one pattern: the cache holds many, and 8 MB each would be too much
    try:
        return cast(Pattern, re2.compile(pattern, options))
    except re2.error as error:
        why = error.args[0]  # RE2 gives bytes
        raise CelError(f"{pattern!r} is not a pattern: {why.decode() if isinstance(why, bytes) else why}") from error


def _matches(text: str, pattern: str) -> bool:
    return _pattern(pattern).search(text.encode()) is not None


def _json_parse(text: str) -> object:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError as error:
        raise CelError("json_parse: the text is nested too deeply") from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _shifted(sign: int) -> Callable[[Timestamp, str], Timestamp]:
    def shift(now: Timestamp, span: str) -> Timestamp:
        return Timestamp(now.nanoseconds + sign * parse_duration(span, days=True).nanoseconds)

    return shift


_OWN: dict[tuple[str, ...], Callable[..., object]] = {
    ("lowercase", "string"): str.lower,
    ("uppercase", "string"): str.upper,
    ("b64decode", "string"): lambda text: base64.b64decode(text, validate=True).decode(),
    ("json_parse", "string"): _json_parse,
    ("date", "string"): parse_date,
    ("date", "int"): parse_date,
    ("date", "double"): parse_date,
    ("date", "timestamp"): lambda moment: moment,
    ("now",): lambda now: now,
    ("now_plus", "string"): _shifted(1),
    ("now_minus", "string"): _shifted(-1),
}

_STANDARD: dict[tuple[str, ...], Callable[..., object]] = {
    **{("size", kind): len for kind in ("string", "bytes", "list", "map")},
    ("type", "any"): lambda value: Type(type_name(value)),
    ("contains", "string", "string"): str.__contains__,
    ("startsWith", "string", "string"): str.startswith,
    ("endsWith", "string", "string"): str.endswith,
    ("matches", "string", "string"): _matches,
    **{(name, "timestamp"): read for name, read in CALENDAR.items()},
    **{(name, "timestamp", "string"): read for name, read in CALENDAR.items()},
    **{(name, "duration"): read for name, read in CLOCK.items()},
}

_FUNCTIONS = {**OPERATIONS, **CONVERSIONS, **_OWN, **_STANDARD}

SLOW: dict[tuple[str, ...], Callable[..., int]] = {
    ("json_parse", "string"): lambda text: len(text) // 10,
    ("string", "int"): steps_to_write,
    # Where RE2's automaton would grow too large it simulates it, and goes through the whole program at each byte.
    ("matches", "string", "string"): lambda text, pattern: len(text.encode()) * _pattern(pattern).programsize // 100,
}
"""How many steps a function takes, given arguments of these types, beside those that all texts take."""

SLOW_NAMES = frozenset(name for name, *_ in SLOW)

CLOCKED = frozenset({"now", "now_plus", "now_minus"})
"""Functions that take the time before their arguments."""

METHODS = frozenset({"contains", "startsWith", "endsWith", *CALENDAR})
"""Functions that are only called on a receiver, ``a.contains(b)``."""

BOTH = frozenset({"size", "matches"})
"""Functions that are called either way."""

RESULTS = {
    **{name: name for name, *_ in CONVERSIONS if name != "dyn"},
    **dict.fromkeys(("contains", "startsWith", "endsWith", "matches"), "bool"),
    **dict.fromkeys(("lowercase", "uppercase", "b64decode"), "string"),
    **dict.fromkeys(("date", *CLOCKED), "timestamp"),
    **dict.fromkeys(("size", *CALENDAR), "int"),
    "type": "type",
}
"""The type of a function's result. For a function that is not here, only its value tells."""


def _check_span(text: str) -> None:
    parse_duration(text, days=True)


CONSTANT_ARGUMENTS: dict[str, tuple[int, Callable[[str], object]]] = {
    "matches": (1, _pattern),
    "now_plus": (0, _check_span),
    "now_minus": (0, _check_span),
    **dict.fromkeys(CALENDAR, (1, zone)),
}
"""The argument of a function that is mostly a constant, where the others depend on the event: its place, and what
raises ``CelError`` if the function does not take it."""


def overloads(function: str) -> list[tuple[str, ...]]:
    """Return the types of arguments that a function takes, the receiver's first; ``any`` stands for each type."""
    return [types for name, *types in _FUNCTIONS if name == function]  # type: ignore[misc]


def arities() -> dict[str, frozenset[int]]:
    """Return each function (not operator) with its numbers of arguments, the receiver included."""
    found: dict[str, set[int]] = {}
    for name, *types in (*CONVERSIONS, *_OWN, *_STANDARD):
        found.setdefault(name, set()).add(len(types))
    return {name: frozenset(counts) for name, counts in found.items()}


def apply(function: str, arguments: Sequence[object], now: Timestamp | None = None) -> object:
    """Return the result of a function or operator; ``CelError`` if these types have none."""
    types = tuple(map(type_name, arguments))
    found = _FUNCTIONS.get((function, *types)) or _FUNCTIONS.get((function, "any"))
    if found is None:
        raise CelError(f"no {function!r} for {' and '.join(types)}")
    try:
        return found(now, *arguments) if function in CLOCKED else found(*arguments)
    except (ValueError, ArithmeticError) as error:
        raise CelError(f"{function}: {error}") from error

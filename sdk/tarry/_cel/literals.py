"""The parser of constants: numbers, strings, bytes."""

from __future__ import annotations

import re

from tarry._cel.arithmetic import as_double
from tarry._cel.errors import CelError
from tarry._cel.values import UINT_MAX, Uint

__all__ = ["MAX_DIGITS", "UnclosedError", "blank_texts", "read_constant"]

MAX_DIGITS = 1_000
"""The longest integer that is written in an expression, in characters. Python writes no number of over 4,300 digits."""

_OPENING = re.compile(r"//[^\n]*|[bB]?([rR]?)(\"\"\"|'''|\"|')")
_QUOTED = re.compile(r"([bB]?)([rR]?)(\"\"\"|'''|\"|')(.*)\3", re.DOTALL)
_ESCAPE = re.compile(
    r"\\(?:([abfnrtv\"'`?\\])|[xX]([0-9a-fA-F]{2})|([0-3][0-7]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|)"
)
_CONTROLS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class UnclosedError(Exception):
    """The string that begins at ``position`` never ends."""

    def __init__(self, position: int) -> None:
        super().__init__(f"the string that begins at position {position} is not closed")
        self.position = position


def _rest(quote: str, raw: bool) -> re.Pattern[str]:
    """Return a pattern for the inside of a string and its closing quote. No two branches begin alike: linear time."""
    anything = "." if len(quote) == 3 else r"[^\n]"
    step = anything if raw else rf"(?:(?!\\){anything}|\\{anything})"
    return re.compile(f"{step}*?{quote}", re.DOTALL)


_REST = {(quote, raw): _rest(quote, raw) for quote in ('"""', "'''", '"', "'") for raw in (True, False)}


def blank_texts(expression: str) -> str:
    """Return the expression with the inside of each quoted string blanked, and every position kept.

    The grammar's own pattern for strings takes time exponential in their escapes, and ends a raw string at the wrong
    quote. So the grammar sees none. The constants are read from the expression itself.
    """
    pieces: list[str] = []
    position = 0
    while opening := _OPENING.search(expression, position):
        pieces.append(expression[position : opening.end()])
        position = opening.end()
        if quote := opening[2]:
            rest = _REST[quote, bool(opening[1])].match(expression, position)
            if not rest:
                raise UnclosedError(opening.start())
            pieces.append("_" * (len(rest[0]) - len(quote)) + quote)
            position = rest.end()
    return "".join(pieces) + expression[position:]


def read_constant(kind: str, text: str) -> object:
    """Return a constant's value, by the grammar's name for its kind; ``CelError`` if it has none."""
    match kind:
        case "NULL_LIT":
            return None
        case "BOOL_LIT":
            return text == "true"
        case "FLOAT_LIT":
            return as_double(text)
        case "INT_LIT":
            return _integer(text)
        case "UINT_LIT":
            return _unsigned(text)
        case _:
            return _quoted(text)


def _integer(text: str) -> int:
    """An integer of any size, as an event may hold one. The standard's end at 64 bits."""
    if len(text) > MAX_DIGITS:
        raise CelError(f"the integer has {len(text):,} characters; {MAX_DIGITS:,} are allowed")
    return int(text, 0 if "x" in text else 10)


def _unsigned(text: str) -> Uint:
    number = _integer(text[:-1])
    if not 0 <= number <= UINT_MAX:
        raise CelError(f"{text} is not between 0 and {UINT_MAX}")
    return Uint(number)


def _quoted(text: str) -> str | bytes:
    found = _QUOTED.fullmatch(text)
    assert found is not None, text
    as_bytes, raw, _, inside = found.groups()
    if not as_bytes:
        return inside if raw else _ESCAPE.sub(_character, inside)
    # One character a byte, so that an escape can be any byte.
    wide = inside.encode("utf-8", "surrogatepass").decode("latin-1")
    return (wide if raw else _ESCAPE.sub(_byte, wide)).encode("latin-1")


def _byte(escape: re.Match[str]) -> str:
    if escape[4] or escape[5]:
        raise CelError(f"{escape[0]} is not allowed in bytes: write its bytes, such as \\xc3\\xa4")
    return _character(escape)


def _character(escape: re.Match[str]) -> str:
    control, hexadecimal, octal, short, long = escape.groups()
    if control:
        return _CONTROLS.get(control, control)
    if octal:
        return chr(int(octal, 8))
    code = hexadecimal or short or long
    if not code:
        raise CelError("unknown escape in a string: write a backslash itself as \\\\")
    number = int(code, 16)
    if number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
        raise CelError(f"{escape[0]} is not a character")
    return chr(number)

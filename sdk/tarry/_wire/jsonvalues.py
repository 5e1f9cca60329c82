"""Values that Tarry can store: JSON, and dataclasses and pydantic models as input."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

from tarry.errors import OutputError

__all__ = ["MAX_DEPTH", "check_characters", "check_depth", "decode", "encode", "is_deep"]

MAX_DEPTH = 200
"""How deep lists and objects of an event or a signal may lie within each other. Python's own limit depends on how deep
the code is that reads them, so what one Lambda has taken another could not write."""

_PLAIN = (str, int, type(None))


def encode(value: object, what: str) -> str:
    """Return ``value`` as JSON text.

    A dataclass or pydantic model becomes an object, a tuple an array. JSON would not give back other values unchanged,
    so they are refused: ``datetime``, ``Decimal``, ``bytes``, ``set``, NaN and infinity, and keys that are not strings.

    Raises:
        OutputError: It is not JSON. The message names ``what``, and the place inside it.
    """
    try:
        return json.dumps(_plain(value, what, ""), ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        raise OutputError(f"{what} is nested too deeply for JSON, or contains itself") from None
    except ValueError as error:  # a number with too many digits for Python, or a model that cannot be dumped
        raise OutputError(f"{what} cannot be written as JSON: {error}") from error


def decode(text: str | bytes) -> Any:
    """Parse the text that ``encode`` wrote."""
    return json.loads(text)


def check_depth(text: str, what: str, *parts: str) -> None:
    """``OutputError`` if the JSON text, or one of these parts of its object, is nested deeper than ``MAX_DEPTH``."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    value = decode(text)
    if any(is_deep(each) for each in ([value.get(part) for part in parts] if parts else [value])):
        raise OutputError(f"{what} is nested deeper than {MAX_DEPTH} levels")


def check_characters(text: str, what: str) -> None:
    """``OutputError`` if the text holds half of a surrogate pair, which no UTF-8 has."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise OutputError(f"{what} holds half of a surrogate pair, which UTF-8 cannot carry") from None


def is_deep(value: object) -> bool:
    """Whether a JSON value is nested deeper than ``MAX_DEPTH``."""
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [each for each in level if isinstance(each, dict | list)]
        if not level:
            return False
        level = [inner for outer in level for inner in (outer.values() if isinstance(outer, dict) else outer)]
    return True


def _plain(value: object, what: str, path: str) -> object:
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, float):
        return _number(value, what, path)
    if isinstance(value, dict):
        return {_key(k, what, path): _plain(v, what, f"{path}.{k}") for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, what, f"{path}[{index}]") for index, item in enumerate(value)]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        named = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        return _plain(named, what, path)
    if callable(dump := getattr(value, "model_dump", None)) and not isinstance(value, type):
        return _plain(dump(mode="json"), what, path)
    raise OutputError(f"{what}{_at(path)} is {_named(value)}, which is not JSON; use strings, numbers, lists or dicts")


def _number(value: float, what: str, path: str) -> float:
    if not math.isfinite(value):
        raise OutputError(f"{what}{_at(path)} is {value}, which JSON does not allow")
    return value


def _key(key: object, what: str, path: str) -> str:
    if not isinstance(key, str):
        raise OutputError(f"{what}{_at(path)} has the key {key!r}; JSON keys must be strings")
    return key


def _at(path: str) -> str:
    return f" at {path.removeprefix('.')}" if path else ""


def _named(value: object) -> str:
    return f"a {type(value).__name__}"

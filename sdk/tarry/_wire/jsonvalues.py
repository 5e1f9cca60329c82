"""Values that Tarry can store: JSON, and dataclasses and pydantic models as input."""

from __future__ import annotations

import dataclasses
import inspect
import json
import math
from typing import TYPE_CHECKING, Any

from tarry._wire.limits import MASK, why_not_carried, why_not_value
from tarry.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable

    Written = Callable[[object], object] | None

__all__ = ["check_carried", "check_characters", "check_secrets", "decode", "encode"]

_PLAIN = (str, int, type(None))


_Place = tuple["_Place", str] | None
"""Where a value lies: the place around it, and the step from there. It is written out only for an error."""


def encode(value: object, what: str, *parts: str, written: Written = None) -> str:
    """Return ``value`` as JSON text.

    A dataclass or pydantic model becomes an object, a tuple an array. JSON would not give back other values unchanged,
    so they are refused: ``datetime``, ``Decimal``, ``bytes``, ``set``, NaN and infinity, and keys that are not strings.
    So is a secret in a model: pydantic writes ``**********`` in its place.

    Args:
        what: What the value is, for the error.
        parts: The parts of an object to which the limits apply, each by itself; without any, the value itself.
        written: Returns what is to be written instead of a value that is not JSON, or ``None`` to refuse it.

    Raises:
        OutputError: It is not JSON, or is over a limit. The message names ``what``, and the place inside it.
    """
    try:
        plain: Any = _plain(value, what, None, written)
        for name in parts or (None,):
            if why_not := why_not_value(plain if name is None else plain.get(name)):
                raise OutputError(f"{what}{'' if name is None else f' at {name}'} {why_not}")
        text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
        check_secrets(value, text, what)
        return text
    except RecursionError:
        raise OutputError(f"{what} is nested too deeply for JSON, or contains itself") from None
    except ValueError as error:  # a model that cannot be dumped
        raise OutputError(f"{what} cannot be written as JSON: {error}") from error


def decode(text: str | bytes) -> Any:
    """Parse the text that ``encode`` wrote."""
    return json.loads(text)


def check_secrets(value: object, text: str, what: str) -> None:
    """``OutputError`` if ``text``, which was written for ``value``, has a mask in place of a secret of a model."""
    if MASK not in text:
        return
    from tarry._wire.secret_masks import masked_place  # hardly any text has ten stars

    if found := masked_place(value):
        place, kind = found
        at = f" at {place.removeprefix('.')}" if place else ""
        raise OutputError(
            f"{what}{at} is a {kind}, which pydantic writes as {MASK}, so its value would be lost: leave it out, or "
            "write it with a field_serializer"
        )


def check_carried(text: str, what: str) -> None:
    """``OutputError`` if the text holds characters that the bus cannot carry."""
    if why := why_not_carried(text):
        raise OutputError(f"{what} holds {why}")


def check_characters(text: str, what: str) -> None:
    """``OutputError`` if the text holds half of a surrogate pair, which no UTF-8 has."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise OutputError(f"{what} holds half of a surrogate pair, which UTF-8 cannot carry") from None


def _plain(value: object, what: str, place: _Place, written: Written) -> object:
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, float):
        return _number(value, what, place)
    if isinstance(value, dict):
        return {_key(k, what, place): _plain(v, what, (place, f".{k}"), written) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, what, (place, f"[{index}]"), written) for index, item in enumerate(value)]
    if (fields := _fields(value)) is not None:
        return _plain({name: getattr(value, name) for name in fields}, what, place, written)
    if callable(dump := getattr(value, "model_dump", None)) and not isinstance(value, type):
        return _plain(dump(mode="json"), what, place, written)
    if written is not None and (form := written(value)) is not None:
        return _plain(form, what, place, written)
    if inspect.iscoroutine(value):
        value.close()  # else Python warns of it too, at a place that says less
        raise OutputError(f"{what}{_at(place)} is a coroutine; await it first, in an `async def`")
    raise OutputError(f"{what}{_at(place)} is {_named(value)}, which is not JSON; use strings, numbers, lists or dicts")


def _fields(value: object) -> list[str] | None:
    """The names of the fields of an instance of a dataclass or of an attrs class."""
    if isinstance(value, type):
        return None
    if dataclasses.is_dataclass(value):
        return [each.name for each in dataclasses.fields(value)]
    fields = getattr(type(value), "__attrs_attrs__", None)
    return None if fields is None else [each.name for each in fields]


def _number(value: float, what: str, place: _Place) -> float:
    if not math.isfinite(value):
        raise OutputError(f"{what}{_at(place)} is {value}, which JSON does not allow")
    return value


def _key(key: object, what: str, place: _Place) -> str:
    if not isinstance(key, str):
        raise OutputError(f"{what}{_at(place)} has the key {key!r}; JSON keys must be strings")
    return key


def _at(place: _Place) -> str:
    steps: list[str] = []
    while place is not None:
        place, step = place
        steps.append(step)
    return f" at {''.join(reversed(steps)).removeprefix('.')}" if steps else ""


def _named(value: object) -> str:
    name = type(value).__name__
    return f"{'an' if name[:1] in 'aeiouAEIOU' else 'a'} {name}"

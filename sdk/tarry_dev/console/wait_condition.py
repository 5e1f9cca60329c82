"""What a wait is for, in plain words, and an event that would resolve it.

``async.data.id == event.data.id`` becomes ``data.id = 7`` for a run that was started with the id 7.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tarry._cel.errors import CelError
from tarry._cel.evaluator import Scope
from tarry._cel.nodes import And, Binary, Index, Known, Literal, Name, Node, Select
from tarry._cel.text import write
from tarry.errors import ExpressionError
from tarry_backend.matching.condition import Condition
from tarry_backend.matching.fold import fold, sound
from tarry_backend.matching.keys import envelope

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tarry import Event
    from tarry_backend.model.step import Wait

__all__ = ["condition_words", "filled_data"]

_LONGEST = 60
"""The most characters of a value in the words."""

Path = tuple[str | int, ...]


def condition_words(wait: Wait, trigger: Event) -> str:
    """Return the wait's condition for this run, such as ``data.id = 7 and data.total > 100``; empty without one."""
    node = _folded(wait, trigger)
    if node is None:
        return (wait.condition or "").replace("async.", "")
    return " and ".join(_words(part) for part in _parts(node))


def filled_data(wait: Wait, trigger: Event, sample: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return data of an event that has each value which the wait asks for by equality, over those of a sample."""
    data: dict[str, Any] = json.loads(json.dumps(dict(sample or {})))
    node = _folded(wait, trigger)
    for part in () if node is None else _parts(node):
        if (found := _equality(part)) is not None and found[0][0] == "data":
            data = _with(data, found[0][1:], found[1])
    return data


def _folded(wait: Wait, trigger: Event) -> Node | None:
    """The condition with all that the run decides; ``None`` without one, or if another version has accepted it."""
    try:
        condition = Condition(expression=wait.expression, where=wait.where, bind=wait.bind, dialect=wait.dialect)
        node = condition.node()
        return None if node is None else sound(fold(node, Scope({"event": envelope(trigger), **condition.values})))
    except (ExpressionError, CelError, RecursionError):
        return None


def _parts(node: Node) -> Iterator[Node]:
    if isinstance(node, And):
        for part in node.parts:
            yield from _parts(part)
    else:
        yield node


def _words(node: Node) -> str:
    if (found := _equality(node)) is not None:
        return f"{_path(found[0])} = {_shown(found[1])}"
    text = write(node, lambda known: _shown(known.value))
    text = text[1:-1] if text.startswith("(") and text.endswith(")") and _is_one_bracket(text) else text
    return text.replace("async.", "")


def _is_one_bracket(text: str) -> bool:
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and place < len(text) - 1:
            return False
    return True


def _equality(node: Node) -> tuple[Path, Any] | None:
    """The path and the value of ``async.<path> == <value>``, either way round."""
    match node:
        case (
            Binary(operator="==", parts=(Known(value=value), other))
            | Binary(operator="==", parts=(other, Known(value=value)))
        ):
            path = _path_of(other)
            return None if path is None or not _is_json(value) else (path, value)
    return None


def _path_of(node: Node) -> Path | None:
    """The path behind ``async``; ``None`` if it is no path."""
    match node:
        case Name(name="async"):
            return ()
        case Select(parts=(inner,), field=field):
            path = _path_of(inner)
            return None if path is None else (*path, field)
        case Index(parts=(inner, Known(value=str() | int() as key))):
            path = _path_of(inner)
            return None if path is None else (*path, key)
        case Index(parts=(inner, Literal(text=text))):
            path = _path_of(inner)
            return None if path is None else (*path, _literal(text))
    return None


def _literal(text: str) -> str | int:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str | int) else text


def _path(path: Path) -> str:
    return "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in path).removeprefix(".")


def _is_json(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _with(value: Any, path: Path, leaf: Any) -> Any:
    """Return the value with the leaf at the path. What is in the way, or too far in a list, is replaced or left out."""
    if not path:
        return leaf
    key, rest = path[0], path[1:]
    if isinstance(key, int):
        items = list(value) if isinstance(value, list) else []
        if key > len(items) + 10:
            return items
        items += [None] * (key + 1 - len(items))
        items[key] = _with(items[key], rest, leaf)
        return items
    fields = dict(value) if isinstance(value, dict) else {}
    return {**fields, key: _with(fields.get(key), rest, leaf)}

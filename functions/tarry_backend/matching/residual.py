"""What is left to ask of an event that has the right key, as text with bindings.

The text is the same for every wait that one line of source makes, so a Lambda parses it once in its life.
What differs from run to run, the values of ``event``, stands beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

from tarry_backend.matching.cel.errors import CelError
from tarry_backend.matching.cel.nodes import Known, Macro, Name, Node, walk
from tarry_backend.matching.cel.text import write
from tarry_backend.matching.folding import fold, sound

if TYPE_CHECKING:
    from tarry_backend.matching.cel.evaluator import Scope

__all__ = ["Residual"]


class NotJsonError(Exception):
    """A value that JSON would not give back as it was."""


class Residual:
    """Writes one residual. ``bindings`` are the values of ``b0``, ``b1`` and so on in ``text``.

    ``CelError`` if the trigger event itself holds what is no JSON: an infinite number, or a NaN.
    """

    def __init__(self, node: Node, trigger: Scope) -> None:
        self._trigger = trigger
        self._names = _free_names(node)
        self._bound: dict[str, str] = {}
        self.bindings: dict[str, Any] = {}
        self.text = write(node, self._known)

    def _known(self, known: Known) -> str:
        """A constant as it was written; a value of ``event`` by its name.

        A time, a duration, bytes or a NaN is no JSON. There the call that makes it stays, over bound inputs.
        """
        origin = known.origin
        if not origin.names:
            return write(origin)
        try:
            return self._bind(write(origin), _json(known.value))
        except NotJsonError:
            if isinstance(origin, Name):
                raise CelError("a number that is infinite or NaN cannot be kept", origin) from None
            parts = tuple(sound(fold(part, self._trigger)) for part in origin.parts)
            return write(replace(origin, parts=parts), self._known)

    def _bind(self, source: str, value: object) -> str:
        name = self._bound.get(source)
        if name is None:
            name = self._bound[source] = next(self._names)
            self.bindings[name] = value
        return name


def _free_names(node: Node) -> Iterator[str]:
    """``b0``, ``b1`` and so on, without those that the expression gives to variables of its own."""
    taken = set(_variables(node))
    return (name for number in count() if (name := f"b{number}") not in taken)


def _variables(node: Node) -> Iterator[str]:
    for part in walk(node):
        if isinstance(part, Macro):
            yield part.variable
        elif isinstance(part, Known):
            yield from _variables(part.origin)


def _json(value: object) -> object:
    """A copy of the value made of JSON's own types."""
    if value is None or isinstance(value, (bool, str)) or type(value) is int:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, (list, tuple)):
        return [_json(item) for item in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _json(item) for key, item in value.items()}
    raise NotJsonError

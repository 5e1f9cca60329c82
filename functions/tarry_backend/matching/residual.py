"""The conditions that remain for an event with the right key, as text with bindings.

The text is the same for every wait of one source line, so a Lambda parses it once in its life. The values of ``event``,
which differ from run to run, are stored beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

from tarry._cel.budget import MAX_NESTED, Budget, StepsError
from tarry._cel.errors import CelError
from tarry._cel.nodes import Known, Macro, Name, Node, walk
from tarry._cel.text import write
from tarry_backend.matching.fold import fold, sound
from tarry_backend.matching.keys import SPLIT

if TYPE_CHECKING:
    from tarry._cel.evaluator import Scope

__all__ = ["INNGEST_MARK", "MAX_BOUND", "Residual"]

INNGEST_MARK = "//inngest\n"
"""How the text of a residual in Inngest's dialect begins: a comment of CEL. The index of waits has no other place."""


MAX_BOUND = 64_000
"""The most characters of the values beside a residual: the items of a wait carry them."""


class NotJsonError(Exception):
    """A value that JSON would not return unchanged."""


class Residual:
    """Writes one residual. ``bindings`` are the values of ``b0``, ``b1`` and so on in ``text``.

    Raises:
        CelError: The trigger event holds a value that is not JSON: an infinite number, or a NaN.
    """

    mark = ""

    def __init__(self, node: Node, trigger: Scope) -> None:
        self._trigger = trigger
        self._names = _free_names(node)
        self._bound: dict[str, str] = {}
        self._left = Budget(MAX_BOUND)
        self.bindings: dict[str, Any] = {}
        self.text = self.mark + write(node, self._known)

    def _known(self, known: Known) -> str:
        """Write a constant as in the source, and a value of ``event`` by its binding's name.

        A timestamp, a duration, bytes or a NaN is not JSON. There the call that makes it stays, over bound inputs.
        """
        origin = known.origin
        if not origin.names:
            return write(origin)
        source = write(origin)
        try:
            if source not in self._bound:
                self._bind(source, _json(known.value, self._left))
            return self._bound[source]
        except StepsError:
            problem = f"the values to compare with later events have more than {MAX_BOUND:,} characters"
            raise CelError(problem, origin) from None
        except CelError as error:
            error.node = origin
            raise
        except NotJsonError:
            if isinstance(origin, Name):
                raise CelError("a number that is infinite or NaN cannot be stored", origin) from None
            parts = tuple(self._folded(part) for part in origin.parts)
            return write(replace(origin, parts=parts), self._known)

    def _folded(self, node: Node) -> Node:
        return sound(fold(node, self._trigger))

    def _bind(self, source: str, value: object) -> None:
        name = self._bound[source] = next(self._names)
        self.bindings[name] = value


def _free_names(node: Node) -> Iterator[str]:
    """Yield ``b0``, ``b1`` and so on, without the names of the expression's own variables."""
    taken = set(_variables(node))
    return (name for number in count() if (name := f"b{number}") not in taken)


def _variables(node: Node) -> Iterator[str]:
    for part in walk(node):
        if isinstance(part, Macro):
            yield part.variable
        elif isinstance(part, Known):
            yield from _variables(part.origin)


def _json(value: object, steps: Budget, depth: int = MAX_NESTED) -> object:
    """Copy the value into JSON's own types. Here one step is one character, and no value has fewer."""
    steps.take()
    if depth < 0:
        raise CelError(f"a value is nested more than {MAX_NESTED} deep, the most allowed")
    if isinstance(value, str):
        steps.take(len(value))
        if not value.isascii() and SPLIT.search(value):
            raise NotJsonError
        return value
    if value is None or isinstance(value, bool):
        return value
    if type(value) is int:
        steps.take(value.bit_length() * 3 // 10)  # a digit is a little more than three bits
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, (list, tuple)):
        return [_json(item, steps, depth - 1) for item in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {_json(key, steps): _json(item, steps, depth - 1) for key, item in value.items()}
    raise NotJsonError

"""The macros of Inngest's dialect, over the turns of their variable."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from tarry._cel.absence import Absent, is_truthy

if TYPE_CHECKING:
    from tarry._cel.evaluator import Scope
    from tarry._cel.nodes import Macro, Node

    Evaluate = Callable[[Node, Scope], object]

__all__ = ["MACROS"]


def _exists(node: Macro, turns: Iterator[Scope], of: Evaluate) -> object:
    """The first value that is not exactly false: a field that an item lacks ends the search, as it does there."""
    found = (of(node.parts[1], turn) for turn in turns)
    return next((value for value in found if value is not False), False)


def _all(node: Macro, turns: Iterator[Scope], of: Evaluate) -> object:
    value: object = True
    for turn in turns:
        value = of(node.parts[1], turn)
        if not is_truthy(value):
            break
    return value


def _exists_one(node: Macro, turns: Iterator[Scope], of: Evaluate) -> object:
    return sum(is_truthy(of(node.parts[1], turn)) for turn in turns) == 1


def _filter(node: Macro, turns: Iterator[Scope], of: Evaluate) -> object:
    return [turn.variables[node.variable] for turn in turns if is_truthy(of(node.parts[1], turn))]


def _mapped(node: Macro, turns: Iterator[Scope], of: Evaluate) -> object:
    *conditions, value = node.parts[1:]
    chosen = (turn for turn in turns if all(is_truthy(of(condition, turn)) for condition in conditions))
    items = [of(value, turn) for turn in chosen]
    return next((Absent(item.problem) for item in items if isinstance(item, Absent)), items)


MACROS: dict[str, Callable[[Macro, Iterator[Scope], Evaluate], object]] = {
    "all": _all,
    "exists": _exists,
    "exists_one": _exists_one,
    "filter": _filter,
    "map": _mapped,
}
"""The macros by their names. ``of`` returns the value of a part in a turn."""

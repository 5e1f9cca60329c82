"""Partial evaluation: what the trigger event decides in an expression, and what is left.

``event`` is known and ``async`` is unknown, in Kleene's logic. One false part decides an ``&&``, one true part an
``||``; a known condition chooses its branch. ``event`` becomes ``Known`` values, and ``Failed`` parts where the trigger
lacks a field.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from tarry._cel.errors import CelError
from tarry._cel.evaluator import Scope, evaluate
from tarry._cel.kinds import is_boolean
from tarry._cel.logic import boolean
from tarry._cel.nodes import And, Binary, Choice, Failed, Known, Node, Not, Or, walk

__all__ = ["fold", "sound"]


def fold(node: Node, trigger: Scope) -> Node:
    """Return the node with everything decided that ``trigger`` decides. Its value stays the same for every event."""
    if isinstance(node, Choice):
        return _choice(node, trigger)
    if node.names <= trigger.variables.keys():
        return _decided(node, partial(evaluate, node, trigger))
    parts = tuple(fold(part, trigger) for part in node.parts)
    if isinstance(node, And | Or):
        rebuilt = _junction(node, parts)
    else:
        rebuilt = next((part for part in parts if isinstance(part, Failed)), replace(node, parts=parts))
    if isinstance(rebuilt, Known | Failed) or not rebuilt.names <= trigger.variables.keys():
        return _question(rebuilt)
    return _decided(node, partial(evaluate, rebuilt, trigger))


def sound(node: Node) -> Node:
    """Return the node if nothing in it failed; else raise the first ``CelError``."""
    for part in walk(node):
        if isinstance(part, Failed):
            raise CelError(part.problem, part.at)
    return node


def _decided(node: Node, value: Callable[[], object]) -> Node:
    try:
        return Known(start=node.start, origin=node, value=value())
    except CelError as error:
        return Failed(start=node.start, problem=error.problem, at=error.node or node)


def _choice(node: Choice, trigger: Scope) -> Node:
    condition, then, otherwise = node.parts
    chosen = fold(condition, trigger)
    if isinstance(chosen, Known):
        chosen = _decided(condition, partial(boolean, chosen.value, "?:"))
    if isinstance(chosen, Failed):
        return chosen
    if isinstance(chosen, Known):
        return fold(then if chosen.value else otherwise, trigger)
    return replace(node, parts=(chosen, fold(then, trigger), fold(otherwise, trigger)))


def _question(node: Node) -> Node:
    """Reduce ``question == true``, either way round, to the question, and ``question == false`` to its opposite."""
    match node:
        case (
            Binary(operator="==" | "!=", parts=(Known(value=bool() as truth), question))
            | Binary(operator="==" | "!=", parts=(question, Known(value=bool() as truth)))
        ) if is_boolean(question):
            return question if truth is (node.operator == "==") else Not(start=node.start, parts=(question,))
    return node


def _junction(node: And | Or, parts: tuple[Node, ...]) -> Node:
    """Remove the parts that cannot matter."""
    decisive, operator = (False, "&&") if isinstance(node, And) else (True, "||")
    left: list[Node] = []
    for part in parts:
        if not isinstance(part, Known):
            left.append(part)
        elif part.value is decisive:
            return replace(part, origin=node)
        elif part.value is not (not decisive):
            left.append(_decided(part.origin, partial(boolean, part.value, operator)))
    return left[0] if len(left) == 1 and is_boolean(left[0]) else replace(node, parts=tuple(left))

"""The plan of a wait in Inngest's dialect: what the trigger decides, which conditions become keys, what is left.

A condition becomes a key only where a path of the incoming event must equal a constant other than null: that is false
in both dialects if the path is missing. All else stays in a residual, which begins with ``MARK``.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

from tarry._cel.absence import Absent, is_truthy
from tarry._cel.functions import RESULTS
from tarry._cel.inngest_evaluator import evaluate_inngest, path_root
from tarry._cel.kinds import COMPARISONS
from tarry._cel.nodes import And, Binary, Call, Choice, Has, Known, Literal, Macro, Node, Not, Or, walk
from tarry._cel.text import write
from tarry_backend.matching.disjuncts import MAX_WAYS, Disjunct, equal_to, path_of, together
from tarry_backend.matching.residual import INNGEST_MARK, Residual

if TYPE_CHECKING:
    from tarry._cel.evaluator import Scope

__all__ = ["InngestResidual", "absent_fields", "fold_inngest", "true_ways", "with_nulls"]

_MISSING, _FAILED = "event", "(1 < '')"
"""Parts without a value, as a residual has them: its scope lacks ``event``, and a number and a text have no order."""


class InngestResidual(Residual):
    """Writes one residual of this dialect."""

    mark = INNGEST_MARK

    def _known(self, known: Known) -> str:
        if isinstance(known.value, Absent):
            return _MISSING if known.value.is_missing else _FAILED
        return super()._known(known)

    def _folded(self, node: Node) -> Node:
        return fold_inngest(node, self._trigger)


def with_nulls(node: Node, trigger: Scope) -> Node:
    """Return the tree with null for ``event.a`` in ``event.a == async.b`` where the trigger lacks it.

    So it is on Inngest, which then looks for events that lack ``b``. In ``async.b == event.a`` it looks for a null.
    """
    parts = tuple(with_nulls(part, trigger) for part in node.parts)
    if isinstance(node, Binary) and node.operator in ("==", "!="):
        left, right = parts
        if _dotted_root(left) == "event" and _dotted_root(right) == "async" and _lacks(left, trigger):
            parts = Literal(start=left.start, value=None, text="null"), right
    return replace(node, parts=parts) if node.parts else node


def _dotted_root(node: Node) -> str | None:
    """The variable of a path that has its fields' names behind dots; ``None`` if the node is no such path."""
    by_name = any(isinstance(part, Literal) and isinstance(part.value, str) for part in walk(node))
    return None if by_name else path_root(node)


def absent_fields(node: Node, trigger: Scope) -> tuple[str, ...]:
    """Return the fields of the trigger that the expression uses, and that are missing; not those in ``has(…)``."""
    found: dict[str, None] = {}

    def visit(part: Node) -> None:
        if path_root(part) == "event" and part.parts:
            if _lacks(part, trigger):
                found[write(part)] = None
        elif not isinstance(part, Has):
            for each in part.parts:
                visit(each)

    visit(node)
    return tuple(found)


def _lacks(path: Node, trigger: Scope) -> bool:
    return isinstance(evaluate_inngest(path, trigger), Absent)


def fold_inngest(node: Node, trigger: Scope) -> Node:
    """Return the node with everything decided that ``trigger`` decides. Its value stays the same for every event."""
    if node.names <= trigger.variables.keys():
        return Known(start=node.start, origin=node, value=evaluate_inngest(node, trigger))
    if isinstance(node, Choice):
        return _choice(node, trigger)
    parts = tuple(fold_inngest(part, trigger) for part in node.parts)
    if isinstance(node, And | Or):
        return _junction(node, parts)
    return replace(node, parts=parts)


def _choice(node: Choice, trigger: Scope) -> Node:
    condition, then, otherwise = (fold_inngest(part, trigger) for part in node.parts)
    if isinstance(condition, Known):
        return then if is_truthy(condition.value) else otherwise
    return replace(node, parts=(condition, then, otherwise))


def _junction(node: And | Or, parts: tuple[Node, ...]) -> Node:
    """Remove the parts that are never the value: known ones that do not decide, and all behind one that does."""
    left: list[Node] = []
    for place, part in enumerate(parts):
        decides = isinstance(part, Known) and is_truthy(part.value) is isinstance(node, Or)
        if not isinstance(part, Known) or decides or place == len(parts) - 1:
            left.append(part)
        if decides:
            break
    return left[0] if len(left) == 1 else replace(node, parts=tuple(left))


def true_ways(node: Node) -> list[Disjunct]:
    """Return the alternatives under which ``node`` is exactly true; none, if it never is."""
    match node:
        case Known(value=value):
            return [Disjunct()] if value is True else []
        case And(parts=parts):
            return _all_of(parts)
        case Or(parts=parts) if all(map(_is_question, parts)):
            found = [way for part in parts for way in true_ways(part)]
            return found if len(found) <= MAX_WAYS else _whole(node)
    return _keyed(node)


def _all_of(parts: tuple[Node, ...]) -> list[Disjunct]:
    """Combine one alternative of each. If there were too many, those with the most alternatives stay whole.

    ``a && b`` is ``b`` if ``a`` counts as true: only the last part must be exactly true.
    """
    conditions = [*(part if _is_question(part) else _truth(part) for part in parts[:-1]), parts[-1]]
    options = [true_ways(part) for part in conditions]
    for place in sorted(range(len(options)), key=lambda place: len(options[place]), reverse=True):
        if math.prod(map(len, options)) > MAX_WAYS:
            options[place] = _whole(conditions[place])
    return [way for way in map(together, product(*options)) if way is not None]


def _truth(node: Node) -> Node:
    """``node ? true : false``: whether the value counts as true."""
    if isinstance(node, Known):
        return replace(node, value=is_truthy(node.value))
    yes, no = (Literal(start=node.start, value=value, text=text) for value, text in ((True, "true"), (False, "false")))
    return Choice(start=node.start, parts=(node, yes, no))


def _whole(node: Node) -> list[Disjunct]:
    return [Disjunct(rest=(node,))]


def _keyed(node: Node) -> list[Disjunct]:
    """Split ``path == constant`` either way round, ``path in list``, and ``path`` itself."""
    match node:
        case Binary(operator="==", parts=(left, right)):
            path, other = (path_of(left), right) if path_of(left) else (path_of(right), left)
            if path and isinstance(other, Known) and not (other.value is None or isinstance(other.value, Absent)):
                return equal_to(node, True, path, [other.value])
        case Binary(operator="in", parts=(left, Known(value=list() | tuple() as items))):
            if (path := path_of(left)) and len(items) <= MAX_WAYS:
                return equal_to(node, True, path, items)
        case _ if path := path_of(node):
            return equal_to(node, True, path, [True])
    return _whole(node)


def _is_question(node: Node) -> bool:
    """Whether the value, if there is one, is a boolean."""
    match node:
        case Known(value=value) | Literal(value=value):
            return isinstance(value, bool | Absent)
        case Has() | Not():
            return True
        case Binary(operator=operator):
            return operator in COMPARISONS
        case And(parts=parts) | Or(parts=parts) | Choice(parts=(_, *parts)):
            return all(map(_is_question, parts))
        case Macro(macro="all" | "exists", parts=(_, body)):
            return _is_question(body)
        case Macro(macro="exists_one"):
            return True
        case Call(function=function):
            return RESULTS.get(function) == "bool"
    return False

"""The evaluator of Inngest's dialect, beside the strict one.

Nothing is an error that ends an expression. What has no value is ``Absent``: a field that an event lacks, or a clash of
types. Each operator takes it as Inngest's evaluator does. ``docs/inngest-expressions.md`` has the table.

An event's numbers are doubles, as they are there, as long as a double holds them exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, cast

from tarry._cel.absence import Absent, as_number, is_truthy, joined, ordered, without_value
from tarry._cel.budget import CHARACTERS, MAX_STEPS, StepsError
from tarry._cel.errors import CelError
from tarry._cel.evaluator import Scope
from tarry._cel.functions import SLOW, SLOW_NAMES, apply
from tarry._cel.inngest_macros import MACROS
from tarry._cel.nodes import (
    And,
    Binary,
    Call,
    Choice,
    Has,
    Index,
    Known,
    ListOf,
    Literal,
    Macro,
    MapOf,
    Name,
    Negative,
    Node,
    Not,
    Or,
    Select,
)
from tarry._cel.text import write
from tarry._cel.values import ORDERINGS, as_key, contains, described, equal, from_key, type_name

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["evaluate_inngest", "path_root"]

Evaluate = Callable[[Node, Scope], object]


def evaluate_inngest(node: Node, scope: Scope) -> object:
    """Return the node's value, or ``Absent``. A variable that the scope lacks is an event without fields.

    Each question in it has its own ``MAX_STEPS``, as in the strict evaluator.
    """
    logic = _LOGIC.get(type(node))
    if logic is None:
        scope.steps.left = MAX_STEPS
    try:
        return logic(node, scope, evaluate_inngest) if logic else _value(node, scope)
    except StepsError:
        return Absent(f"it takes more than {MAX_STEPS:,} steps, the most allowed")


def path_root(node: Node) -> str | None:
    """Return the variable of a path of constant fields and places; ``None`` if the node is no path."""
    while isinstance(node, Select) or (isinstance(node, Index) and isinstance(node.parts[1], Literal)):
        node = node.parts[0]
    return node.name if isinstance(node, Name) else None


def _value(node: Node, scope: Scope) -> object:
    try:
        return _RULES[type(node)](node, scope)
    except CelError as error:
        return Absent(error.problem)


def _literal(node: Literal | Known, _: Scope) -> object:
    return node.value


def _name(node: Name, scope: Scope) -> object:
    return scope.variables[node.name] if node.name in scope.variables else _missing(node)


def _missing(node: Node) -> Absent:
    return Absent(f"{write(node)} is missing", is_missing=True)


def _select(node: Select, scope: Scope) -> object:
    of = _value(node.parts[0], scope)
    if isinstance(of, Absent):
        return of
    return as_number(of[node.field]) if isinstance(of, Mapping) and node.field in of else _missing(node)


def _has(node: Has, scope: Scope) -> object:
    """A missing field of an event has no value even here: so neither ``has(x)`` nor ``!has(x)`` is true."""
    of = _value(node.parts[0], scope)
    if isinstance(of, Absent):
        return of
    if isinstance(of, Mapping) and node.field in of:
        return True
    plain = node.parts[0]
    while isinstance(plain, Select):
        plain = plain.parts[0]
    if isinstance(plain, Name) and plain.name in ("event", "async"):
        return Absent(f"{write(node.parts[0])}.{node.field} is missing", is_missing=True)
    if not isinstance(of, Mapping):
        raise CelError(f"{write(node.parts[0])} is {described(of)} and has no fields")
    return False


def _index(node: Index, scope: Scope) -> object:
    of, index = (_value(part, scope) for part in node.parts)
    for part in (of, index):
        if isinstance(part, Absent):
            return part
    place = as_key(index)
    if isinstance(of, Mapping) and place in of:
        return as_number(of[place])
    if isinstance(of, (list, tuple)) and isinstance(place, int) and 0 <= place < len(of):
        return as_number(of[place])
    return _missing(node)


def _call(node: Call, scope: Scope) -> object:
    operands = _operands(node, scope)
    function = node.function
    if any(isinstance(operand, Absent) for operand in operands):
        return 0 if function == "size" else False
    if function in _OF_TEXT and not isinstance(operands[0], str):
        return ""
    if function in SLOW_NAMES and (steps := SLOW.get((function, *map(type_name, operands)))):
        try:
            scope.steps.take(steps(*operands))
        except UnicodeEncodeError as error:
            raise CelError(f"{function}: {error}") from error
    return apply(function, operands, scope.now)


_OF_TEXT = frozenset({"lowercase", "uppercase", "b64decode"})
"""Functions that take what is no text for an empty one."""


def _negative(node: Negative, scope: Scope) -> object:
    operands = _operands(node, scope)
    return False if isinstance(operands[0], Absent) else apply("-", operands)


def _binary(node: Binary, scope: Scope) -> object:
    operator = node.operator
    operands = _operands(node, scope)
    if any(isinstance(operand, Absent) for operand in operands):
        return without_value(operator, operands)
    left, right = operands
    if operator == "==":
        return equal(left, right, scope.steps)
    if operator == "!=":
        return not equal(left, right, scope.steps)
    if operator == "in":
        return contains(left, right, scope.steps)
    if compare := ORDERINGS.get(operator):
        return compare(*ordered(left, right))
    if operator == "+" and isinstance(left, list) and isinstance(right, list):
        scope.steps.take((len(left) + len(right)) // 10)
    if type(left) is not type(right):
        return _joined(operator, left, right, scope)
    return apply(operator, operands)


def _joined(operator: str, left: object, right: object, scope: Scope) -> object:
    made = joined(operator, left, right)
    if isinstance(made, str):
        scope.steps.take(len(made) // CHARACTERS)
    return made


def _operands(node: Node, scope: Scope) -> list[object]:
    operands = [_value(part, scope) for part in node.parts]
    for operand in operands:
        if isinstance(operand, str | bytes | list | tuple | dict) and len(operand) >= CHARACTERS:
            scope.steps.take(len(operand) // CHARACTERS)
    return operands


def _list(node: ListOf, scope: Scope) -> object:
    items = [_value(part, scope) for part in node.parts]
    return next((item for item in items if isinstance(item, Absent)), items)


def _map(node: MapOf, scope: Scope) -> object:
    made: dict[object, object] = {}
    for key_node, value_node in zip(node.parts[::2], node.parts[1::2], strict=True):
        key, value = _value(key_node, scope), _value(value_node, scope)
        for part in (key, value):
            if isinstance(part, Absent):
                return part
        if as_key(key) in made:
            raise CelError(f"the key {write(key_node)} is in a map twice")
        made[as_key(key)] = value
    return made


def _not(node: Not, scope: Scope, of: Evaluate = _value) -> object:
    value = of(node.parts[0], scope)
    if isinstance(value, Absent):
        return False
    return not value if isinstance(value, bool) else Absent(f"! takes booleans; this value is {described(value)}")


def _choice(node: Choice, scope: Scope, of: Evaluate = _value) -> object:
    condition, then, otherwise = node.parts
    return of(then if is_truthy(of(condition, scope)) else otherwise, scope)


def _and(node: And, scope: Scope, of: Evaluate = _value) -> object:
    return _first(node, scope, of, truth=False)


def _or(node: Or, scope: Scope, of: Evaluate = _value) -> object:
    return _first(node, scope, of, truth=True)


def _first(node: Node, scope: Scope, of: Evaluate, *, truth: bool) -> object:
    """The first value that counts as ``truth``, or the last one."""
    value: object = not truth
    for part in node.parts:
        value = of(part, scope)
        if is_truthy(value) is truth:
            break
    return value


def _macro(node: Macro, scope: Scope) -> object:
    over = _value(node.parts[0], scope)
    if isinstance(over, Absent):
        return over
    if not isinstance(over, (list, tuple, Mapping)):
        raise CelError(f"{write(node.parts[0])} is {described(over)}; {node.macro} takes a list, or a map for its keys")
    return MACROS[node.macro](node, _turns(node, over, scope), _value)


def _turns(node: Macro, over: Sequence[object] | Mapping[object, object], scope: Scope) -> Iterator[Scope]:
    steps, weight = scope.steps, 2 + sum(part.size for part in node.parts[1:])
    for item in over:
        steps.take(weight)
        yield Scope({**scope.variables, node.variable: as_number(from_key(item))}, scope.now, steps)


_LOGIC = cast(
    "dict[type[Node], Callable[[Node, Scope, Evaluate], object]]",
    {And: _and, Or: _or, Not: _not, Choice: _choice},
)

_RULES = cast(
    "dict[type[Node], Callable[[Node, Scope], object]]",
    {
        Known: _literal,
        Literal: _literal,
        Name: _name,
        Select: _select,
        Has: _has,
        Index: _index,
        Call: _call,
        Negative: _negative,
        Binary: _binary,
        ListOf: _list,
        MapOf: _map,
        Not: _not,
        Choice: _choice,
        And: _and,
        Or: _or,
        Macro: _macro,
    },
)

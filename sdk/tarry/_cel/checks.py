"""The checks of an expression before its evaluation: small, with known names, and boolean."""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING

from tarry._cel.constants import check_constants
from tarry._cel.errors import CelError
from tarry._cel.functions import BOTH, METHODS, arities
from tarry._cel.kinds import is_boolean
from tarry._cel.nodes import (
    And,
    Call,
    Choice,
    Macro,
    Name,
    Node,
    Not,
    Or,
    walk,
)
from tarry._cel.syntax import parse
from tarry._cel.text import write
from tarry.errors import ExpressionError

if TYPE_CHECKING:
    from tarry._cel.dialect import Dialect

__all__ = ["EVENTS", "MAX_LENGTH", "MAX_MACROS", "MAX_NESTED_MACROS", "checked"]

MAX_LENGTH = 4096
"""The longest expression, in characters."""

MAX_MACROS = 16
"""The most macros in an expression: each may take all the steps of a question."""

MAX_NESTED_MACROS = 3
"""How deep macros may be nested in each other's bodies."""

EVENTS = frozenset({"event", "async"})
"""The names of the events of an expression."""

_HALF = re.compile("[\ud800-\udfff]")
_ARITIES = arities()


@lru_cache(maxsize=256)
def checked(expression: str, variables: frozenset[str], *, boolean: bool = True, dialect: Dialect = "tarry") -> Node:
    """Return the tree of an expression over these variables.

    In Inngest's dialect any value may be an operand of ``&&``, and only an expression that is never true is refused.

    Raises:
        ExpressionError: It is too large, is not CEL, uses an unknown name, or calls a function with constants that it
            does not take. With ``boolean``, also if its value might be of another type.
    """
    if len(expression) > MAX_LENGTH:
        problem = f"it has {len(expression):,} characters; at most {MAX_LENGTH:,} are allowed"
        raise ExpressionError(f"{expression[:80]}…", problem)
    if not expression.isascii() and (half := _HALF.search(expression)):
        problem = "half of a character (a lone surrogate) stands in it, which JSON does not keep; take it from an event"
        raise ExpressionError(expression, problem, half.start())
    node = parse(expression)
    macros = [part for part in walk(node) if isinstance(part, Macro)]
    if len(macros) > MAX_MACROS:
        problem = f"it has {len(macros)} macros; at most {MAX_MACROS} are allowed"
        raise ExpressionError(expression, problem, macros[MAX_MACROS].start)
    _Check(expression, variables, has_truth=dialect == "inngest").visit(node, variables, MAX_NESTED_MACROS)
    try:
        check_constants(node)
    except CelError as error:
        raise ExpressionError(expression, error.problem, error.node.start if error.node else None) from None
    if boolean and is_boolean(node) is not True and (dialect == "tarry" or is_boolean(node) is False):
        raise _not_boolean(expression, node)
    return node


def _not_boolean(expression: str, node: Node) -> ExpressionError:
    if isinstance(node, Choice):
        return _not_boolean(expression, next(part for part in node.parts[1:] if is_boolean(part) is not True))
    text = write(node)
    advice = f"write {text} == true" if is_boolean(node) is None else "compare it with a value"
    return ExpressionError(expression, f"{text} is not a boolean; {advice}", node.start)


class _Check:
    """Walks one expression and raises at the first invalid part. ``has_truth``: any value counts as true or false."""

    def __init__(self, expression: str, variables: frozenset[str], *, has_truth: bool) -> None:
        self.expression = expression
        self.variables = variables
        self.has_truth = has_truth

    def error(self, problem: str, node: Node) -> ExpressionError:
        return ExpressionError(self.expression, problem, node.start)

    def visit(self, node: Node, names: frozenset[str], macros: int) -> None:
        """Check a node. ``names`` are the allowed names; ``macros`` is how many more may be nested."""
        match node:
            case Name():
                self.name(node, names)
            case Call():
                self.call(node)
            case And() | Or() | Not():
                self.operands(node.parts)
            case Choice():
                self.operands(node.parts[:1])
            case Macro():
                return self.macro(node, names, macros)
        for part in node.parts:
            self.visit(part, names, macros)
        return None

    def macro(self, node: Macro, names: frozenset[str], macros: int) -> None:
        if macros == 0:
            problem = f"macros are nested more than {MAX_NESTED_MACROS} deep, the most allowed"
            raise self.error(problem, node)
        if node.variable in self.variables:
            what = "an event" if node.variable in EVENTS else "a bound name"
            raise self.error(f"the variable of {node.macro} cannot be called {node.variable!r}: that is {what}", node)
        over, *bodies = node.parts
        self.visit(over, names, macros)
        for body in bodies:
            self.visit(body, names | {node.variable}, macros - 1)
        if node.macro != "map" or len(bodies) == 2:
            self.operands((bodies[0],))

    def name(self, node: Name, names: frozenset[str]) -> None:
        if node.name not in names:
            known = " and ".join(sorted(names))
            raise self.error(f"unknown name {node.name!r}{_like(node.name, names)}; known here: {known}", node)

    def call(self, node: Call) -> None:
        name, method = node.function, node.method
        if name not in _ARITIES:
            raise self.error(f"unknown function {name}(){_like(name, _ARITIES)}", node)
        if method != (name in METHODS) and name not in BOTH:
            usage = f"x.{name}(…)" if name in METHODS else f"{name}(…)"
            raise self.error(f"call {name} as {usage}", node)
        if len(node.parts) not in _ARITIES[name]:
            takes = " or ".join(str(count - method) for count in sorted(_ARITIES[name]))
            raise self.error(
                f"{name}() takes {takes} argument{'s' * (takes != '1')}, not {len(node.parts) - method}", node
            )

    def operands(self, parts: tuple[Node, ...]) -> None:
        for part in parts:
            if is_boolean(part) is False and not self.has_truth:
                raise self.error(f"expected a boolean, found {write(part)}", part)


def _like(name: str, known: frozenset[str] | dict[str, frozenset[int]]) -> str:
    close = get_close_matches(name, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""

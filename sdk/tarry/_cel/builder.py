"""The conversion of the grammar's tree into nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from tarry._cel.errors import CelError
from tarry._cel.literals import read_constant
from tarry._cel.nodes import (
    And,
    Binary,
    Call,
    Choice,
    Has,
    Index,
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
from tarry._cel.values import TYPES
from tarry.errors import ExpressionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lark import Token

__all__ = ["MACROS", "MAX_DEPTH", "Builder", "ParseTree"]

MAX_DEPTH = 100
"""How deep an expression's parts may be nested: the code that walks the tree is recursive."""

_OPERATORS = {
    "relation_lt": "<",
    "relation_le": "<=",
    "relation_gt": ">",
    "relation_ge": ">=",
    "relation_eq": "==",
    "relation_ne": "!=",
    "relation_in": "in",
    "addition_add": "+",
    "addition_sub": "-",
    "multiplication_mul": "*",
    "multiplication_div": "/",
    "multiplication_mod": "%",
}
MACROS = {
    "all": "all(x, condition)",
    "exists": "exists(x, condition)",
    "exists_one": "exists_one(x, condition)",
    "filter": "filter(x, condition)",
    "map": "map(x, value) or map(x, condition, value)",
}
"""The macros, each as it is written."""


class ParseTree:
    """What a rule of the grammar has found: its name, its parts, and the position at which the first one begins."""

    __slots__ = ("children", "rule", "start")

    def __init__(self, rule: str, children: list[ParseTree | Token]) -> None:
        self.rule = rule
        self.children = children
        first = children[0]
        self.start: int = first.start if isinstance(first, ParseTree) else cast(int, first.start_pos)


class Builder:
    """Builds the nodes of one expression. It counts ``depth`` on the way down."""

    def __init__(self, expression: str, max_depth: int) -> None:
        self.expression = expression
        self.max_depth = max_depth

    def node(self, tree: ParseTree, depth: int = 0) -> Node:
        while tree.rule == "paren_expr":
            tree = cast(ParseTree, tree.children[1])
        if depth > self.max_depth:
            problem = f"its parts are nested more than {self.max_depth} deep, the most allowed"
            raise self.error(problem, tree.start)
        rule = _RULES.get(tree.rule)
        if rule is None:
            raise self.error("messages and names with a leading dot are not supported", tree.start)
        return rule(self, tree, depth + 1)

    def error(self, problem: str, position: int) -> ExpressionError:
        return ExpressionError(self.expression, problem, position)

    def nodes(self, trees: Iterable[ParseTree | Token], depth: int) -> tuple[Node, ...]:
        return tuple(self.node(cast(ParseTree, tree), depth) for tree in trees)

    def choice(self, tree: ParseTree, depth: int) -> Node:
        return Choice(start=tree.start, parts=self.nodes(tree.children, depth))

    def chain(self, tree: ParseTree, depth: int) -> Node:
        """Build ``a && b && c``, which the grammar nests to the left, as one node."""
        start, rule = tree.start, tree.rule
        parts = []
        while tree.rule == rule and len(tree.children) == 2:
            parts.append(tree.children[1])
            tree = cast(ParseTree, tree.children[0])
        kind = Or if rule == "conditionalor" else And
        return kind(start=start, parts=self.nodes([tree, *reversed(parts)], depth))

    def binary(self, tree: ParseTree, depth: int) -> Node:
        left, right = cast("list[ParseTree]", tree.children)
        parts = self.nodes([*left.children, right], depth)
        return Binary(start=tree.start, operator=_OPERATORS[left.rule], parts=parts)

    def unary(self, tree: ParseTree, depth: int) -> Node:
        sign, operand = cast("list[ParseTree]", tree.children)
        kind = Not if sign.rule == "unary_not" else Negative
        return kind(start=tree.start, parts=(self.node(operand, depth),))

    def select(self, tree: ParseTree, depth: int) -> Node:
        of, field = tree.children
        return Select(start=tree.start, field=str(field), parts=self.nodes([of], depth))

    def index(self, tree: ParseTree, depth: int) -> Node:
        return Index(start=tree.start, parts=self.nodes(tree.children, depth))

    def method(self, tree: ParseTree, depth: int) -> Node:
        receiver, name, *arguments = tree.children
        parts = self.nodes([receiver, *_listed(arguments)], depth)
        if name in MACROS:
            return self.macro(str(name), tree.start, parts)
        return Call(start=tree.start, function=str(name), method=True, parts=parts)

    def macro(self, name: str, start: int, parts: tuple[Node, ...]) -> Node:
        over, *arguments = parts
        if len(arguments) not in ((2, 3) if name == "map" else (2,)) or not isinstance(arguments[0], Name):
            raise self.error(f"write {MACROS[name]}, with any variable x", start)
        return Macro(start=start, macro=name, variable=arguments[0].name, parts=(over, *arguments[1:]))

    def function(self, tree: ParseTree, depth: int) -> Node:
        name, *arguments = tree.children
        parts = self.nodes(_listed(arguments), depth)
        if name != "has":
            return Call(start=tree.start, function=str(name), method=False, parts=parts)
        if len(parts) != 1 or not isinstance(parts[0], Select):
            problem = 'has() takes one field, as in has(async.data.x); for other names write "user-id" in async.data'
            raise self.error(problem, tree.start)
        return Has(start=tree.start, field=parts[0].field, parts=parts[0].parts)

    def name(self, tree: ParseTree, _: int) -> Node:
        name = str(tree.children[0])
        if name in TYPES:
            return Literal(start=tree.start, value=TYPES[name], text=name)
        return Name(start=tree.start, name=name)

    def constant(self, tree: ParseTree, _: int) -> Node:
        token = cast("Token", tree.children[0])
        start = tree.start
        text = self.expression[start : token.end_pos]
        try:
            return Literal(start=start, value=read_constant(token.type, text), text=text)
        except CelError as error:
            raise self.error(error.problem, start) from None

    def list_of(self, tree: ParseTree, depth: int) -> Node:
        return ListOf(start=tree.start, parts=self.nodes(_listed(tree.children[1:-1]), depth))

    def map_of(self, tree: ParseTree, depth: int) -> Node:
        return MapOf(start=tree.start, parts=self.nodes(_listed(tree.children[1:-1]), depth))


def _listed(arguments: list[ParseTree | Token]) -> list[ParseTree | Token]:
    """Return what is between the brackets, if anything."""
    return cast(ParseTree, arguments[0]).children if arguments else []


_RULES: dict[str, Callable[[Builder, ParseTree, int], Node]] = {
    "expr": Builder.choice,
    "conditionalor": Builder.chain,
    "conditionaland": Builder.chain,
    "relation": Builder.binary,
    "addition": Builder.binary,
    "multiplication": Builder.binary,
    "unary": Builder.unary,
    "member_dot": Builder.select,
    "member_index": Builder.index,
    "member_dot_arg": Builder.method,
    "ident_arg": Builder.function,
    "ident": Builder.name,
    "literal": Builder.constant,
    "list_lit": Builder.list_of,
    "map_lit": Builder.map_of,
}

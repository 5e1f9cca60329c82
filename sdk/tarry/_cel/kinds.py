"""The type of a part's value, as far as its text alone determines it."""

from __future__ import annotations

from tarry._cel.functions import RESULTS
from tarry._cel.nodes import (
    And,
    Binary,
    Call,
    Choice,
    Has,
    Known,
    ListOf,
    Literal,
    Macro,
    MapOf,
    Negative,
    Node,
    Not,
    Or,
)
from tarry._cel.values import type_name

__all__ = ["COMPARISONS", "is_boolean", "kind_of"]

COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">=", "in"})
_QUESTIONS = frozenset({"all", "exists", "exists_one"})


def is_boolean(node: Node) -> bool | None:
    """Whether the value, if there is one, is a boolean. ``None``: that depends on the event."""
    match node:
        case Literal(value=value):
            return isinstance(value, bool)
        case Has() | Not() | And() | Or():
            return True
        case Negative() | ListOf() | MapOf():
            return False
        case Binary(operator=operator):
            return operator in COMPARISONS
        case Macro(macro=macro):
            return macro in _QUESTIONS
        case Call(function=function):
            return RESULTS[function] == "bool" if function in RESULTS else None
        case Choice(parts=(_, then, otherwise)):
            # Each is asked once, or choices within choices would double the work at each of them.
            first = is_boolean(then)
            return first if is_boolean(otherwise) is first else None
    return None


def kind_of(node: Node) -> str | None:
    """The CEL type of the value, if there is one. ``None``: that depends on the event."""
    match node:
        case Literal(value=value) | Known(value=value):
            return type_name(value)
        case ListOf():
            return "list"
        case MapOf():
            return "map"
        case Call(function=function):
            return RESULTS.get(function)
    return "bool" if is_boolean(node) else None

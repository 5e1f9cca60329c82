"""The text of a tree, with all parentheses: parsing it again gives the same tree."""

from __future__ import annotations

from collections.abc import Callable

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

__all__ = ["write"]

Writer = Callable[[Known], str]


def _origin(known: Known) -> str:
    return write(known.origin)


def write(node: Node, known: Writer = _origin) -> str:
    """Return the text of a node. ``known`` writes the parts whose value is known; by default as in the source."""
    if isinstance(node, Known):
        return known(node)
    return _plain(node, [write(part, known) for part in node.parts])


def _plain(node: Node, parts: list[str]) -> str:
    match node:
        case Literal(text=text):
            return f"({text})" if text.startswith("-") else text
        case Name(name=name):
            return name
        case Select(field=field):
            return f"{parts[0]}.{field}"
        case Has(field=field):
            return f"has({parts[0]}.{field})"
        case Index():
            return f"{parts[0]}[{parts[1]}]"
        case ListOf():
            return f"[{', '.join(parts)}]"
        case MapOf():
            return f"{{{', '.join(map(': '.join, zip(parts[::2], parts[1::2], strict=True)))}}}"
        case _:
            return _called(node, parts)


def _called(node: Node, parts: list[str]) -> str:
    match node:
        case Call(function=name, method=True):
            return f"{parts[0]}.{name}({', '.join(parts[1:])})"
        case Call(function=name):
            return f"{name}({', '.join(parts)})"
        case Macro(macro=name, variable=variable):
            return f"{parts[0]}.{name}({', '.join([variable, *parts[1:]])})"
        case _:
            return f"({_operated(node, parts)})"


def _operated(node: Node, parts: list[str]) -> str:
    match node:
        case Binary(operator=operator):
            return f"{parts[0]} {operator} {parts[1]}"
        case Negative():
            return f"-{parts[0]}"
        case Not():
            return f"!{parts[0]}"
        case Choice():
            return f"{parts[0]} ? {parts[1]} : {parts[2]}"
        case And():
            return " && ".join(parts if len(parts) > 1 else [*parts, "true"])
        case Or():
            return " || ".join(parts if len(parts) > 1 else [*parts, "false"])
    raise AssertionError(node)

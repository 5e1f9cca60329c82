"""The tree of an expression. ``parts`` are a node's children in the order of the source."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "FIELDS",
    "NOW",
    "And",
    "Binary",
    "Call",
    "Choice",
    "Failed",
    "Has",
    "Index",
    "Known",
    "ListOf",
    "Literal",
    "Macro",
    "MapOf",
    "Name",
    "Negative",
    "Node",
    "Not",
    "Or",
    "Select",
    "walk",
]

FIELDS = ("data", "id", "name", "source", "ts", "user")
"""The fields of an event, as expressions see it."""

NOW = "now()"
"""The entry in a node's ``names`` if it uses the time: no identifier can have this name."""

_CLOCK = frozenset({"now", "now_plus", "now_minus"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Node:
    """A part of the expression.

    Attributes:
        start: Its position in the source.
        parts: Its children.
        names: Its free variables.
        size: The number of nodes in it, itself included.
    """

    start: int
    parts: tuple[Node, ...] = ()
    names: frozenset[str] = field(init=False)
    size: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", self._free())
        object.__setattr__(self, "size", 1 + sum(part.size for part in self.parts))

    def _free(self) -> frozenset[str]:
        return frozenset[str]().union(*(part.names for part in self.parts))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Literal(Node):
    """A constant; ``text`` is how it was written."""

    value: object
    text: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Name(Node):
    """A variable."""

    name: str

    def _free(self) -> frozenset[str]:
        return frozenset((self.name,))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Select(Node):
    """``of.field``."""

    field: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Has(Node):
    """``has(of.field)``."""

    field: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Index(Node):
    """``of[index]``."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Call(Node):
    """A function call, or a method call, whose receiver is then its first part."""

    function: str
    method: bool

    def _free(self) -> frozenset[str]:
        free = Node._free(self)
        return free | {NOW} if self.function in _CLOCK else free


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Binary(Node):
    """An operator between two parts, other than ``&&`` and ``||``."""

    operator: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Negative(Node):
    """``-part``."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Not(Node):
    """``!part``."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class And(Node):
    """Any number of parts: ``a && b && c`` is one node. With one part it still requires a boolean."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Or(Node):
    """Any number of parts, like ``And``."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Choice(Node):
    """``condition ? then : otherwise``."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ListOf(Node):
    """``[a, b]``."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MapOf(Node):
    """``{key: value}``; the parts alternate."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Macro(Node):
    """``range.macro(variable, body)``; ``map`` may have a condition before its body."""

    macro: str
    variable: str

    def _free(self) -> frozenset[str]:
        over, *bodies = self.parts
        return over.names | (frozenset[str]().union(*(body.names for body in bodies)) - {self.variable})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Known(Node):
    """A part whose value is known, from the trigger event or by itself."""

    origin: Node
    value: object


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Failed(Node):
    """A part that is an error for the trigger event; ``at`` is the innermost part that failed."""

    problem: str
    at: Node


def walk(node: Node) -> Iterator[Node]:
    """Yield the node and everything under it, parents first."""
    yield node
    for part in node.parts:
        yield from walk(part)

"""The check of an expression against event types: fields that no event has, comparisons that never hold."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from tarry._cel.annotations import OPEN, Kinds, cel_types, elements_of, fields_of, kinds_of, values_of
from tarry._cel.kinds import COMPARISONS, kind_of
from tarry._cel.nodes import FIELDS, Binary, Has, Index, ListOf, Literal, Macro, Name, Node, Select
from tarry._cel.text import write
from tarry.errors import ExpressionError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["check_fields"]

_LIST = frozenset({"list"})
_SHOWN = {
    "string": "text",
    "number": "a number",
    "bool": "a boolean",
    "null": "null",
    "list": "a list",
    "map": "an object",
}
_KINDS: dict[str, Kinds] = {
    "string": (str,),
    "int": (int,),
    "uint": (int,),
    "double": (float,),
    "bool": (bool,),
    "null_type": (None,),
    "list": (list,),
    "map": (dict,),
}


def check_fields(
    expression: str, node: Node, types: Mapping[str, type[Any] | None], values: Mapping[str, object] | None = None
) -> None:
    """Check the fields that an expression uses, and what it compares.

    Args:
        expression: The expression as written.
        node: Its tree.
        types: The event type of each event in it; ``None`` for an event without a type.
        values: The values of the other names.

    Raises:
        ExpressionError: No event has a field, or a comparison holds for no event of these types.
    """
    events = {name: _Event(kind) for name, kind in types.items()}
    known: dict[str, Kinds] = {name: (each,) for name, each in events.items()}
    known |= {name: (type(value),) for name, value in (values or {}).items()}
    _FieldCheck(expression, has_types=any(types.values())).visit(node, known)


class _Event:
    """An event in an expression, as an annotation."""

    def __init__(self, kind: type[Any] | None) -> None:
        self.fields: dict[str, Kinds] = dict.fromkeys(FIELDS, OPEN)
        if kind is not None:
            self.fields["data"] = kinds_of(kind)


class _FieldCheck:
    """Walks one expression. ``visit`` returns what is known of a part's value. Comparisons need an event type."""

    def __init__(self, expression: str, *, has_types: bool) -> None:
        self._expression = expression
        self._has_types = has_types

    def visit(self, node: Node, known: Mapping[str, Kinds]) -> Kinds:
        match node:
            case Name(name=name):
                return known.get(name, OPEN)
            case Select(field=field, parts=(of,)):
                return self._member(node, self.visit(of, known), field)
            case Has(field=field, parts=(of,)):
                self._member(node, self.visit(of, known), field)
                return (bool,)
            case Index(parts=(of, Literal(value=str() as field))):
                return self._member(node, self.visit(of, known), field)
            case Macro():
                return self._macro(node, known)
            case Binary(operator=operator, parts=(left, right)) if operator in COMPARISONS:
                sides = self.visit(left, known), self.visit(right, known)
                self._compare(node, *sides, known)
                return (bool,)
        parts = [self.visit(part, known) for part in node.parts]
        if isinstance(node, Index):
            return elements_of(parts[0]) if cel_types(parts[0]) == _LIST else OPEN
        return _KINDS.get(kind_of(node) or "", OPEN)

    def _member(self, node: Node, of: Kinds, field: str) -> Kinds:
        if of is None:
            return OPEN
        found: list[Any] = []
        others: set[str] = set()
        for kind in of:
            members = kind.fields if isinstance(kind, _Event) else fields_of(kind)
            inner = values_of(kind) if members is None else members.get(field, ())
            if inner is None:
                return OPEN
            found += inner
            others |= (members or {}).keys()
        if not found:
            raise self._missing(node, of, field, others)
        return tuple(found)

    def _missing(self, node: Node, of: Iterable[Any], field: str, others: Iterable[str]) -> ExpressionError:
        names = " or ".join(
            dict.fromkeys("an event" if isinstance(kind, _Event) else _named(kind) for kind in of if kind is not None)
        )
        text = write(node.parts[0])
        if not others:
            return self._error(f"{text} is {names}, which has no field {field!r}", node)
        close = get_close_matches(field, others, n=1, cutoff=0.5) or [each for each in others if _alike(each, field)]
        meant = f" (did you mean {close[0]!r}?)" if close else ""
        return self._error(f"{text} is {names}, which has no field {field!r}{meant}; it has {_listed(others)}", node)

    def _macro(self, node: Macro, known: Mapping[str, Kinds]) -> Kinds:
        over, *bodies = node.parts
        item = elements_of(self.visit(over, known))
        for body in bodies:
            self.visit(body, {**known, node.variable: item})
        return (bool,) if kind_of(node) == "bool" else (list,)

    def _compare(self, node: Binary, left: Kinds, right: Kinds, known: Mapping[str, Kinds]) -> None:
        if node.operator == "in":
            right = self._items(node.parts[1], right, known)
        ours, theirs = cel_types(left), cel_types(right)
        if not self._has_types or not ours or not theirs or ours & theirs:
            return
        sides = [f"{write(part)} is {_either(kinds)}" for part, kinds in zip(node.parts, (ours, theirs), strict=True)]
        if node.operator == "in":
            sides[1] = f"the items of {write(node.parts[1])} are {_either(theirs)}"
        ends = {"==": "never equal", "!=": "always unequal", "in": "never in there"}
        what = ends.get(node.operator, "without an order")
        raise self._error(f"{sides[0]} and {sides[1]}: {'it is' if node.operator == 'in' else 'they are'} {what}", node)

    def _items(self, node: Node, kinds: Kinds, known: Mapping[str, Kinds]) -> Kinds:
        if not isinstance(node, ListOf):
            return elements_of(kinds) if cel_types(kinds) == _LIST else OPEN
        found: list[Any] = []
        for part in node.parts:
            if (inner := self.visit(part, known)) is None:
                return OPEN
            found += inner
        return tuple(found)

    def _error(self, problem: str, node: Node) -> ExpressionError:
        return ExpressionError(self._expression, problem, node.start)


def _named(kind: Any) -> str:
    if isinstance(kind, type) and fields_of(kind):
        return kind.__name__
    return _either(cel_types((kind,)) or ())


def _either(names: Iterable[str]) -> str:
    return " or ".join(sorted(_SHOWN.get(name, name) for name in names))


def _alike(name: str, field: str) -> bool:
    return name.replace("_", "").lower() == field.replace("_", "").lower()


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))

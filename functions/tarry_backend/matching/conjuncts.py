"""The conditions of an expression, one by one, for people who ask why it did not hold for an event."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tarry._cel.checks import checked
from tarry._cel.errors import CelError
from tarry._cel.evaluator import Scope, evaluate
from tarry._cel.nodes import And, Binary, Index, Literal, Macro, Name, Node, Or, Select, walk
from tarry._cel.text import write
from tarry._cel.times import Timestamp
from tarry._cel.values import type_name
from tarry_backend.matching.condition import Condition
from tarry_backend.matching.evaluation import inngest_value
from tarry_backend.matching.keys import envelope

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tarry._cel.dialect import Dialect
    from tarry.event import Event

__all__ = ["MAX_VALUE", "Conjunct", "Operand", "trigger_conjuncts", "wait_conjuncts"]

MAX_VALUE = 100
"""The most characters of a value that a conjunct shows."""

_MAX_OPERANDS = 8
"""The most values that a conjunct shows."""

_MAX_CONJUNCTS = 32
"""The most conjuncts of an expression that are shown each by itself; what is left is one more."""


@dataclass(frozen=True, slots=True)
class Operand:
    """A value that a conjunct uses: its text in the expression, the value as text (cut), and its CEL type."""

    text: str
    value: str
    type: str

    def __str__(self) -> str:
        return f"{self.value} ({self.type})"


@dataclass(frozen=True, slots=True)
class Conjunct:
    """One condition of an expression. ``holds`` is ``None`` if it cannot be evaluated; ``problem`` then says why."""

    text: str
    holds: bool | None
    operands: tuple[Operand, ...] = ()
    problem: str = ""

    def __str__(self) -> str:
        """Such as ``async.data.id == event.data.id: '7' (string) and 7 (int)``."""
        values = " and ".join(map(str, self.operands)) if self._compares else ", ".join(map(_named, self.operands))
        return ": ".join(part for part in (self.text, "; ".join(filter(None, (self.problem, values)))) if part)

    @property
    def _compares(self) -> bool:
        """Whether the values are the two sides of a comparison, whose texts the conjunct's own text has in order."""
        return len(self.operands) == 2 and any(
            self.text == f"{self.operands[0].text} {operator} {self.operands[1].text}" for operator in _COMPARISONS
        )


_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=", "in")


def wait_conjuncts(condition: Condition | str, trigger: Event, event: Event, received_at: int) -> tuple[Conjunct, ...]:
    """Return the conjuncts of a wait's condition, each with its values for the two events; none without a condition.

    Raises:
        ExpressionError: As for ``plan``.
    """
    if not isinstance(condition, Condition):
        condition = Condition(expression=condition)
    node = condition.node()
    if node is None:
        return ()
    variables = {"event": envelope(trigger), "async": envelope(event), **condition.values}
    if condition.dialect == "inngest":
        from tarry_backend.matching.inngest_plan import with_nulls

        node = with_nulls(node, Scope({"event": variables["event"]}))
    return _conjuncts(node, _Values(variables, Timestamp(received_at * 10**6), condition.dialect))


def trigger_conjuncts(
    expression: str, event: Event, received_at: int, dialect: Dialect = "tarry"
) -> tuple[Conjunct, ...]:
    """Return the conjuncts of a trigger's expression likewise; ``dialect`` is that of its function.

    Raises:
        ExpressionError: As for ``trigger_holds``.
    """
    node = checked(expression, frozenset({"event"}), dialect=dialect)
    return _conjuncts(node, _Values({"event": envelope(event)}, Timestamp(received_at * 10**6), dialect))


@dataclass(frozen=True, slots=True)
class _Values:
    """The values of an expression's parts, for the events and the dialect."""

    variables: Mapping[str, object]
    moment: Timestamp
    dialect: Dialect

    def of(self, node: Node) -> object:
        """The value, or the error that it has none."""
        scope = Scope(self.variables, self.moment)
        try:
            return evaluate(node, scope) if self.dialect == "tarry" else inngest_value(node, scope)
        except CelError as error:
            return error
        except RecursionError:
            return CelError("the event is nested too deeply")

    def truth(self, value: object, *, is_last: bool) -> bool | None:
        """Whether the conjunct holds. In Inngest's dialect, any value does for all but the last one."""
        if isinstance(value, bool):
            return value
        if self.dialect == "tarry" or is_last or isinstance(value, CelError):
            return None
        from tarry._cel.absence import is_truthy

        return is_truthy(value)


def _conjuncts(node: Node, values: _Values) -> tuple[Conjunct, ...]:
    parts = list(_parts(node))
    if len(parts) > _MAX_CONJUNCTS + 1:
        parts[_MAX_CONJUNCTS:] = [And(start=0, parts=tuple(parts[_MAX_CONJUNCTS:]))]
    return tuple(_conjunct(part, values, is_last=part is parts[-1]) for part in parts)


def _parts(node: Node) -> Iterator[Node]:
    if isinstance(node, And):
        for part in node.parts:
            yield from _parts(part)
    else:
        yield node


def _conjunct(node: Node, values: _Values, *, is_last: bool) -> Conjunct:
    text = write(node)
    if isinstance(node, Binary | Or | And):
        text = text[1:-1]  # its own parentheses
    operands = tuple(_operands(node, values))
    value = values.of(node)
    holds = values.truth(value, is_last=is_last)
    if holds is not None:
        return Conjunct(text, holds, operands, "" if holds or values.dialect == "tarry" else _lacking(node, values))
    problem = value.problem if isinstance(value, CelError) else f"it is {_text(value)}, not a boolean"
    return Conjunct(text, None, operands, problem)


def _lacking(node: Node, values: _Values) -> str:
    """What a part that is false lacks: its missing fields are no errors in Inngest's dialect."""
    found = {write(part): values.of(part) for part in _fields(node)}
    return "; ".join(value.problem for value in list(found.values())[:_MAX_OPERANDS] if isinstance(value, CelError))


def _operands(node: Node, values: _Values) -> Iterator[Operand]:
    """The two sides of a comparison; of anything else the fields that it uses. What has no value is left out."""
    sides = isinstance(node, Binary) and node.operator in _COMPARISONS
    parts = node.parts if sides else tuple({write(part): part for part in _fields(node)}.values())[:_MAX_OPERANDS]
    found = [values.of(part) for part in parts]
    is_whole = not any(isinstance(value, CelError) for value in found)
    for part, value in zip(parts, found, strict=True):
        if not isinstance(value, CelError) and (is_whole or not isinstance(part, Literal)):
            yield Operand(write(part), _text(value), type_name(value).removesuffix("_type"))


def _fields(node: Node) -> Iterator[Node]:
    """The outermost fields of events; each text once. A field of a macro's variable has no one value."""
    if isinstance(node, Select | Index) and _is_field(node):
        yield node
        return
    for part in node.parts[:1] if isinstance(node, Macro) else node.parts:
        yield from _fields(part)


def _is_field(node: Node) -> bool:
    return all(isinstance(part, Select | Index | Name | Literal) for part in walk(node)) and bool(node.names)


def _text(value: object) -> str:
    """The value, at most ``MAX_VALUE`` characters of it; a control character is its escape."""
    if isinstance(value, str):
        text = repr(value[: MAX_VALUE + 1])
    else:
        try:
            text = _written(value)
        except RecursionError:
            text = "nested too deeply to show"
    return text if len(text) <= MAX_VALUE else f"{text[: MAX_VALUE - 1]}…"


def _written(value: object) -> str:
    try:
        return json.dumps(value)
    except (TypeError, ValueError):  # it holds a timestamp, a duration or bytes
        return json.dumps(value, default=str) if isinstance(value, list | dict) else str(value)


def _named(operand: Operand) -> str:
    return f"{operand.text} is {operand}"

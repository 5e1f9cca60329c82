"""The condition of a wait: its expression and its ``where`` as one tree, with the run's values beside it.

A value of the run never becomes text that is parsed. It stands in the tree as a name, and the scope knows its value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tarry._cel.checks import EVENTS, checked
from tarry._cel.event_fields import check_fields
from tarry._cel.match_path import steps_of
from tarry._cel.nodes import And, Binary, Name, Node
from tarry._cel.syntax import parse
from tarry.errors import ExpressionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tarry._cel.dialect import Dialect
    from tarry._cel.errors import CelError

__all__ = ["Condition"]

_OWNER = "where"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What an event must meet.

    Attributes:
        expression: CEL over ``event``, ``async`` and the names in ``bind``.
        where: The values that the incoming event must have, by their paths.
        bind: The values of the expression's further names.
        data_type: The event type that the wait asks for.
        dialect: How it is evaluated.
    """

    expression: str | None = None
    where: Mapping[str, Any] | None = None
    bind: Mapping[str, Any] | None = None
    data_type: type[Any] | None = None
    dialect: Dialect = "tarry"

    @property
    def values(self) -> dict[str, object]:
        """The run's values, by the names under which they stand in the tree."""
        return {**(self.bind or {}), **{_name(path): value for path, value in (self.where or {}).items()}}

    def node(self) -> Node | None:
        """Return the tree, checked; ``None`` if every event meets the condition.

        Raises:
            ExpressionError: The expression is not CEL, is not boolean, is too large, or does not use a bound name. Or a
                path is none, or the event type lacks a field.
        """
        parts = [self._equality(path) for path in self.where or {}]
        if self.expression is not None:
            parts.append(self._question(self.expression))
        if not parts:
            return None
        return parts[0] if len(parts) == 1 else And(start=0, parts=tuple(parts))

    def refusal(self, error: CelError) -> ExpressionError:
        """Return the error of an evaluation as one of the condition."""
        at = error.node
        names = frozenset[str]() if at is None else at.names
        for path in self.where or {}:
            if _name(path) in names:
                return ExpressionError(path, error.problem, None, _OWNER)
        asked = " in the event that started the run" if "event" in names else ""
        return ExpressionError(self.expression or "", error.problem + asked, None if at is None else at.start)

    def _question(self, expression: str) -> Node:
        bind = self.bind or {}
        node = checked(expression, EVENTS.union(bind), dialect=self.dialect)
        for name in bind:
            if name not in node.names:
                raise ExpressionError(expression, f"it does not use the bound name {name!r}: leave it out of bind")
        if self.dialect == "tarry":  # in the other, an event may lack any field
            check_fields(expression, node, self._types, bind)
        return node

    def _equality(self, path: str) -> Node:
        """The tree of ``async.<path> == <value>``. Only the path is parsed."""
        try:
            field = parse(f"async{steps_of(path)}")
            equality = Binary(start=0, operator="==", parts=(field, Name(start=0, name=_name(path))))
            check_fields(path, equality, self._types, self.values)
        except ExpressionError as error:
            raise ExpressionError(path, error.problem, None, _OWNER) from None
        return equality

    @property
    def _types(self) -> dict[str, type[Any] | None]:
        return {"event": None, "async": self.data_type}


def _name(path: str) -> str:
    """The name of a path's value, which no expression can write."""
    return f"where[{path!r}]"

"""Whose internal events a trigger or a wait is for.

The names of internal events begin with ``tarry/``. Whoever may put events under another source can use these names,
too. So a trigger or a wait for such a name sees the events of the app's own source, unless its expression reads the
source and so decides itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tarry._cel.checks import EVENTS, checked
from tarry._cel.nodes import Has, Index, Literal, Name, Node, Select, walk
from tarry.event import RESERVED

if TYPE_CHECKING:
    from tarry._cel.dialect import Dialect
    from tarry_backend.matching.condition import Condition

__all__ = ["of_own_source", "reads_source"]

_SOURCE = "source"


def of_own_source(event_name: str, condition: Condition, source: str) -> Condition:
    """Return the condition of a wait, with the one that the event has this source, if it needs that.

    Raises:
        ExpressionError: The condition is not valid. The error shows it as the user wrote it.
    """
    if not event_name.startswith(RESERVED):
        return condition
    node = condition.node()
    if node is not None and _reads(node, "async"):
        return condition
    return replace(condition, where={**(condition.where or {}), _SOURCE: source})


def reads_source(expression: str, variable: str, dialect: Dialect = "tarry") -> bool:
    """Whether the expression, in its function's dialect, reads ``<variable>.source``.

    Raises:
        ExpressionError: The expression is not valid.
    """
    return _reads(checked(expression, EVENTS, dialect=dialect), variable)


def _reads(node: Node, variable: str) -> bool:
    return any(_is_source(part, variable) for part in walk(node))


def _is_source(node: Node, variable: str) -> bool:
    match node:
        case Select(field=field, parts=(Name(name=name),)) | Has(field=field, parts=(Name(name=name),)):
            return (name, field) == (variable, _SOURCE)
        case Index(parts=(Name(name=name), Literal(value=value))):
            return (name, value) == (variable, _SOURCE)
    return False

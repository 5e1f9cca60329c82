"""Whose internal events a trigger or a wait is for.

The names of internal events begin with ``tarry/``. Whoever may put events under another source can use these names,
too. So a trigger or a wait for such a name sees the events of the app's own source, unless its expression reads the
source and so decides itself.
"""

from __future__ import annotations

import json

from tarry.event import RESERVED
from tarry_backend.matching.cel.checks import checked
from tarry_backend.matching.cel.nodes import Has, Index, Literal, Name, Node, Select, walk
from tarry_backend.matching.wait_plan import VARIABLES

__all__ = ["of_own_source", "reads_source"]

_SOURCE = "source"


def of_own_source(event_name: str, expression: str | None, source: str) -> str | None:
    """Return the expression of a wait with the condition that the event has this source, if it needs one.

    Raises:
        ExpressionError: The expression is not valid. The error shows it as the user wrote it.
    """
    if not event_name.startswith(RESERVED):
        return expression
    condition = f"async.{_SOURCE} == {json.dumps(source)}"
    if expression is None:
        return condition
    return expression if reads_source(expression, "async") else f"({expression}) && {condition}"


def reads_source(expression: str, variable: str) -> bool:
    """Whether the expression reads ``<variable>.source``.

    Raises:
        ExpressionError: The expression is not valid.
    """
    return any(_is_source(node, variable) for node in walk(checked(expression, VARIABLES)))


def _is_source(node: Node, variable: str) -> bool:
    match node:
        case Select(field=field, parts=(Name(name=name),)) | Has(field=field, parts=(Name(name=name),)):
            return (name, field) == (variable, _SOURCE)
        case Index(parts=(Name(name=name), Literal(value=value))):
            return (name, value) == (variable, _SOURCE)
    return False

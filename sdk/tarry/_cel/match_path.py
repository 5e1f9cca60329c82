"""The shorthand ``match="data.userId"``: equality of one field on both sides."""

from __future__ import annotations

import json
import re

from tarry._cel.nodes import FIELDS
from tarry.errors import ExpressionError

__all__ = ["match_expression", "steps_of"]

_STEP = re.compile(r"(?:^|\.)([^.\[\]]+)|\[([0-9]+)\]")
_IDENTIFIER = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
_RESERVED = frozenset({"false", "in", "null", "true"})


def match_expression(path: str) -> str:
    """Return the expression for equal values at ``path`` in the trigger event and the incoming event.

    Raises:
        ExpressionError: It is not a path.
    """
    steps = steps_of(path)
    return f"async{steps} == event{steps}"


def steps_of(path: str) -> str:
    """Return a path as an expression goes on behind an event's name: ``.data.userId``.

    A path is ``data.userId``, ``data.items[0].sku`` or ``data.user-id``: dots between fields, places of lists in
    brackets. It begins with a field of the event.

    Raises:
        ExpressionError: It is not a path.
    """
    steps, position = "", 0
    while position < len(path):
        found = _STEP.match(path, position)
        if not found:
            problem = "expected a path such as 'data.userId' or 'data.items[0].sku'"
            raise ExpressionError(path, problem, position)
        steps += _step(*found.groups())
        position = found.end()
    root = re.match(r"[^.\[]*", path)
    if not root or root[0] not in FIELDS:
        raise ExpressionError(path, f"a path begins with a field of the event: {', '.join(FIELDS)}", 0)
    return steps


def _step(field: str | None, place: str | None) -> str:
    if field is None:
        return f"[{place}]"
    if _IDENTIFIER.fullmatch(field) and field not in _RESERVED:
        return f".{field}"
    return f"[{json.dumps(field, ensure_ascii=False)}]"

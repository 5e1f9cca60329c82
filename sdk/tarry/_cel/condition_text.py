"""The condition of a wait as people read it. Nothing parses this text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["condition_text"]

_MAX_SHOWN = 100


def condition_text(expression: str | None, where: Mapping[str, Any] | None, bind: Mapping[str, Any] | None) -> str:
    """Return the expression with the values of ``where`` and ``bind``, long ones cut; empty without a condition."""
    from tarry._cel.match_path import steps_of  # it loads the nodes, and few Lambdas read a condition

    parts = [f"async{steps_of(path)} == {_shown(value)}" for path, value in (where or {}).items()]
    if expression is not None:
        parts.append(f"({expression})" if parts else expression)
    bound = ", ".join(f"{name} = {_shown(value)}" for name, value in (bind or {}).items())
    return " && ".join(parts) + (f" with {bound}" if bound else "")


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"

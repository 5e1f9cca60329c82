"""The fields that an event lacks, in Inngest's dialect: they are null there, where the standard has an error."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tarry._cel.errors import CelError
from tarry._cel.evaluator import Scope, evaluate
from tarry._cel.nodes import Has, Index, Literal, Name, Node, Select
from tarry._cel.text import write

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["absent_note", "with_nulls"]


def with_nulls(node: Node, variables: Mapping[str, object]) -> tuple[Node, tuple[str, ...]]:
    """Return the tree with null in place of each field of ``event`` that is missing, and those fields."""
    absent: dict[str, None] = {}

    def visit(part: Node) -> Node:
        if isinstance(part, Has) and _is_path(part.parts[0]):
            return _constant(part, "false") if _lacks(part.parts[0], variables) else part
        if isinstance(part, Select | Index) and _is_path(part):
            if not _lacks(part, variables):
                return part
            absent[write(part)] = None
            return _constant(part, "null")
        return replace(part, parts=tuple(map(visit, part.parts))) if part.parts else part

    return visit(node), tuple(absent)


def absent_note(absent: tuple[str, ...]) -> str | None:
    """Return the note on a wait whose condition uses these missing fields."""
    if not absent:
        return None
    verb = "is" if len(absent) == 1 else "are"
    return f"{', '.join(absent)} {verb} missing in the event that started the run, and counts as null"


def _is_path(node: Node) -> bool:
    """Whether the node is ``event`` or one of its fields, by constant names and places."""
    match node:
        case Name(name="event"):
            return True
        case Select(parts=(of,)) | Index(parts=(of, Literal())):
            return _is_path(of)
    return False


def _lacks(path: Node, variables: Mapping[str, object]) -> bool:
    try:
        evaluate(path, Scope(variables))
    except CelError:
        return True
    return False


def _constant(node: Node, text: str) -> Literal:
    return Literal(start=node.start, value={"null": None, "false": False}[text], text=text)

"""The check of a function's constant arguments: what no event can make right is an error before the first event."""

from __future__ import annotations

from tarry._cel.errors import CelError
from tarry._cel.evaluator import Scope, evaluate
from tarry._cel.functions import CONSTANT_ARGUMENTS, overloads
from tarry._cel.kinds import kind_of
from tarry._cel.nodes import Call, Known, Node, walk

__all__ = ["check_constants"]


def check_constants(node: Node) -> None:
    """Raise ``CelError`` at the first call that fails for every event, such as ``x.matches("(")``."""
    for part in walk(node):
        if isinstance(part, Call):
            try:
                _check_types(part)
                _check_values(part)
            except CelError as error:
                error.node = error.node or part
                raise


def _check_types(call: Call) -> None:
    kinds = [None if _of_event(part) else kind_of(part) for part in call.parts]
    for types in overloads(call.function):
        if len(types) == len(kinds) and all(
            kind is None or wanted in ("any", kind) for kind, wanted in zip(kinds, types, strict=True)
        ):
            return
    raise CelError(f"no {call.function!r} for {' and '.join(kind or 'a value' for kind in kinds)}", call)


def _check_values(call: Call) -> None:
    if not call.names and not _of_event(call):
        evaluate(call, Scope({}))
    elif found := CONSTANT_ARGUMENTS.get(call.function):
        place, check = found
        if place < len(call.parts) and not call.parts[place].names and not _of_event(call.parts[place]):
            value = evaluate(call.parts[place], Scope({}))
            if isinstance(value, str):
                check(value)


def _of_event(node: Node) -> bool:
    """Whether a value of the trigger event is in it: that is data, and its type may clash like that of later events."""
    return any(isinstance(part, Known) and "event" in part.origin.names for part in walk(node))

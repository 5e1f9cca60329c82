"""The evaluation of residuals, triggers and whole expressions against an event.

``now()`` returns ``received_at``, in Unix milliseconds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tarry._cel.checks import checked
from tarry._cel.errors import CelError
from tarry._cel.evaluator import Scope, evaluate
from tarry._cel.syntax import MAX_DEPTH, parse
from tarry._cel.times import Timestamp
from tarry._cel.values import type_name
from tarry.errors import TarryError
from tarry_backend.matching.condition import Condition
from tarry_backend.matching.keys import OversizeError, UnmatchableError, canonical, envelope
from tarry_backend.matching.residual import INNGEST_MARK

if TYPE_CHECKING:
    from tarry._cel.dialect import Dialect
    from tarry._cel.nodes import Node
    from tarry.event import Event

__all__ = [
    "MatchError",
    "check_run_filter",
    "check_trigger",
    "evaluate_whole",
    "inngest_value",
    "residual_holds",
    "run_fits",
    "trigger_holds",
    "value_key",
]

MAX_RESIDUAL_DEPTH = MAX_DEPTH + 10
"""A residual may be nested deeper than its expression: ``!(…)`` within ``&&`` within ``||``."""

_TRIGGER = frozenset({"event"})

_RUN = frozenset({"event", "output"})


class MatchError(TarryError):
    """The expression has no answer for this event: a field is missing, or types clash. No match."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


def residual_holds(residual: str, bindings: Mapping[str, Any], event: Event, received_at: int) -> bool:
    """Whether the residual of an alternative is true for an event that has its key.

    Raises:
        MatchError: CEL has an error, or a value that is not boolean.
    """
    variables = {**bindings, "async": envelope(event)}
    if not residual.startswith(INNGEST_MARK):
        return _answer(parse(residual, MAX_RESIDUAL_DEPTH), variables, received_at)
    node = parse(residual.removeprefix(INNGEST_MARK), MAX_RESIDUAL_DEPTH)
    return _answer(node, variables, received_at, "inngest")


def trigger_holds(expression: str, event: Event, received_at: int, dialect: Dialect = "tarry") -> bool:
    """Whether an event starts a function whose trigger has this expression; ``event`` is the incoming event.

    ``dialect`` is that of the function.

    Raises:
        ExpressionError: As for ``check_trigger``.
        MatchError: As for ``residual_holds``.
    """
    node = checked(expression, _TRIGGER, dialect=dialect)
    return _answer(node, {"event": envelope(event)}, received_at, dialect)


def check_trigger(expression: str) -> None:
    """Raise ``ExpressionError`` if a trigger cannot have this expression: not CEL, not boolean, or with ``async``."""
    checked(expression, _TRIGGER)


def check_run_filter(expression: str) -> None:
    """Raise ``ExpressionError`` if runs cannot be chosen by this expression: not CEL over ``event`` and ``output``."""
    checked(expression, _RUN)


def run_fits(expression: str, event: Event, output: object, received_at: int) -> bool:
    """Whether the expression is true for a run's event and its output, which is null unless the run has finished.

    Raises:
        ExpressionError: As for ``check_run_filter``.
        MatchError: As for ``residual_holds``.
    """
    return _answer(checked(expression, _RUN), {"event": envelope(event), "output": output}, received_at)


def value_key(expression: str, event: Event, received_at: int, dialect: Dialect = "tarry") -> str:
    """Return a hash of the expression's value over ``event``: the same for equal values, and for no others.

    ``dialect`` is that of the function.

    Raises:
        ExpressionError: It is not CEL over ``event``.
        MatchError: It has no value, or its value has no key.
    """
    node = checked(expression, _TRIGGER, boolean=False, dialect=dialect)
    value = _value(node, {"event": envelope(event)}, received_at, dialect)
    if dialect == "inngest" and value is False:
        raise MatchError("the value of the expression is false, which is no key in this dialect")
    try:
        return hashlib.sha256(canonical(value).encode()).hexdigest()[:32]
    except UnmatchableError:
        raise MatchError(f"the expression has a value of type {type_name(value)}, which has no key") from None
    except OversizeError:
        raise MatchError("the value of the expression is too large for a key") from None


def seconds_of(expression: str, event: Event, received_at: int, dialect: Dialect = "tarry") -> int:
    """Return the integer that the expression gives over ``event``. ``dialect`` is that of the function.

    Raises:
        ExpressionError: It is not CEL over ``event``.
        MatchError: It has no value, or its value is no integer.
    """
    node = checked(expression, _TRIGGER, boolean=False, dialect=dialect)
    value = _value(node, {"event": envelope(event)}, received_at, dialect)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise MatchError(f"the expression has a value of type {type_name(value)}, which is no number of seconds")
    return value


def evaluate_whole(condition: Condition | str, trigger: Event, event: Event, received_at: int) -> bool:
    """Evaluate a wait's condition without a plan. The index must agree with this answer.

    Raises:
        ExpressionError: As for ``plan``.
        MatchError: As for ``trigger_holds``.
    """
    if not isinstance(condition, Condition):
        condition = Condition(expression=condition)
    node = condition.node()
    variables = {"event": envelope(trigger), "async": envelope(event), **condition.values}
    if node is not None and condition.dialect == "inngest":
        from tarry_backend.matching.inngest_plan import with_nulls

        node = with_nulls(node, Scope({"event": variables["event"]}))
    return node is None or _answer(node, variables, received_at, condition.dialect)


def _answer(node: Node, variables: Mapping[str, object], received_at: int, dialect: Dialect = "tarry") -> bool:
    value = _value(node, variables, received_at, dialect)
    if not isinstance(value, bool):
        raise MatchError(f"the expression has a value of type {type_name(value)}, not a boolean")
    return value


def _value(node: Node, variables: Mapping[str, object], received_at: int, dialect: Dialect) -> object:
    scope = Scope(variables, Timestamp(received_at * 10**6))
    try:
        return evaluate(node, scope) if dialect == "tarry" else inngest_value(node, scope)
    except CelError as error:
        raise MatchError(error.problem) from None
    except RecursionError:
        raise MatchError("the event is nested too deeply") from None


def inngest_value(node: Node, scope: Scope) -> object:
    """Return the value in Inngest's dialect; raise ``CelError`` if there is none."""
    from tarry._cel.absence import Absent  # few apps have expressions in this dialect
    from tarry._cel.inngest_evaluator import evaluate_inngest

    value = evaluate_inngest(node, scope)
    if isinstance(value, Absent):
        raise CelError(value.problem)
    return value

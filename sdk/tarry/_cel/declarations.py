"""The check of the expressions that a function declares: of triggers, cancels, ``idempotency``, keys of limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tarry._cel.checks import EVENTS, checked
from tarry._cel.event_fields import check_fields
from tarry._cel.match_path import match_expression
from tarry.errors import ExpressionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tarry._cel.dialect import Dialect
    from tarry.cancel import Cancel
    from tarry.triggers import TriggerEvent

__all__ = ["check_declarations"]

_STARTING = frozenset({"event"})

Types = tuple[type[Any] | None, ...]
"""The event types of the events that may start the function; ``None`` for an event without a type."""


def check_declarations(
    owner: str,
    triggers: Sequence[TriggerEvent],
    cancels: Sequence[Cancel],
    values: Mapping[str, str],
    conditions: Mapping[str, str | None] | None = None,
    *,
    only_events: bool,
    dialect: Dialect = "tarry",
) -> None:
    """Check all expressions of a function.

    Args:
        owner: The function, as errors name it.
        triggers: Its triggers that are events.
        cancels: Its cancels.
        values: Its expressions for a value of the event, by the options' names: ``idempotency``, limits' keys.
        conditions: Its conditions on the event, by what they are for people.
        only_events: Whether these triggers alone start the function, not a cron.
        dialect: How its expressions are evaluated. In Inngest's, an event may lack any field.

    Raises:
        ExpressionError: An expression does not compile, or uses what no event has.
    """
    for trigger in triggers:
        if trigger.expression is not None:
            where = f"{owner}: trigger on {trigger.event!r}"
            _check(where, trigger.expression, _STARTING, (trigger.data_type,), dialect)
    types: Types = tuple(each.data_type for each in triggers) if only_events else (None,)
    for cancel in cancels:
        _check_cancel(f"{owner}: cancel on {cancel.event!r}", cancel, types, dialect)
    for name, expression in values.items():
        _check(f"{owner}: {name}", expression, _STARTING, types, dialect, boolean=False)
    for name, condition in (conditions or {}).items():
        if condition is not None:
            _check(f"{owner}: {name}", condition, _STARTING, types, dialect)


def _check_cancel(owner: str, cancel: Cancel, types: Types, dialect: Dialect) -> None:
    try:
        expression = cancel.if_exp if cancel.match is None else match_expression(cancel.match)
    except ExpressionError as error:
        raise _owned(error, owner) from None
    if expression is not None:
        _check(owner, expression, EVENTS, types, dialect)


def _check(
    owner: str,
    expression: str,
    variables: frozenset[str],
    types: Types,
    dialect: Dialect,
    *,
    boolean: bool = True,
) -> None:
    """What one of the starting events has is right: an expression may be about that one alone."""
    try:
        node = checked(expression, variables, boolean=boolean, dialect=dialect)
        if dialect == "inngest":
            return
        others = dict.fromkeys(variables)
        problems: list[ExpressionError] = []
        for kind in types:
            try:
                check_fields(expression, node, {**others, "event": kind})
            except ExpressionError as error:
                problems.append(error)
        if problems and len(problems) == len(types):
            raise problems[0]
    except ExpressionError as error:
        raise _owned(error, owner) from None


def _owned(error: ExpressionError, owner: str) -> ExpressionError:
    return ExpressionError(error.expression, error.problem, error.position, owner)

"""The checks of what an app and its functions are declared with."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tarry._engine.batch_checks import check_batch_cancels
from tarry._engine.error_text import shown
from tarry._engine.place import place_of_call
from tarry._wire.steady_logger import steady_logger
from tarry.cancel import MAX_CANCELS, Cancel, Timeouts
from tarry.errors import UsageError
from tarry.function import DEFAULT_BACKOFF, Retries
from tarry.triggers import Trigger, TriggerCron, TriggerEvent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tarry._engine.flow import Flow
    from tarry.concurrency import Concurrency
    from tarry.durations import Duration
    from tarry.function import Function

__all__ = [
    "MAX_FN_ID",
    "check_expressions",
    "check_idempotency",
    "checked_bus",
    "checked_cancels",
    "checked_concurrency",
    "checked_function",
    "checked_id",
    "checked_name",
    "checked_pausable",
    "checked_retries",
    "checked_timeouts",
    "checked_triggers",
    "disagreement",
    "has_cron",
    "warn_of_cancels",
]

logger = steady_logger("tarry")

_BUS = re.compile(r"[A-Za-z0-9._/-]{1,256}")
MAX_FN_ID = 200
"""The longest function id, in characters. What AWS needs is derived from it."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def checked_bus(app_id: str, bus: Any) -> str | None:
    """Return the name of the bus. It has no account, so the bus is in that of the stack, which gets its events."""
    if bus is None or (isinstance(bus, str) and _BUS.fullmatch(bus)):
        return bus
    hint = ""
    if isinstance(bus, str) and bus.startswith("arn:"):
        hint = "; a bus of another account needs a rule that sends its events to a bus of the stack's account"
    raise UsageError(f"app {app_id!r}: bus is {shown(bus)}; give the name of a bus{hint}")


def checked_announce(app_id: str, announce: Any) -> bool:
    """Return whether the end of each run goes over the bus; raise ``UsageError`` if the option is something else."""
    if announce not in ("heard", "all"):
        raise UsageError(
            f"app {app_id!r}: announce is {shown(announce)}; give 'heard', the default, or 'all' if something beside "
            "the app hears tarry/function.finished"
        )
    return bool(announce == "all")


def checked_triggers(fn_id: str, trigger: Any) -> tuple[Trigger, ...]:
    """Return the triggers as a tuple; raise ``UsageError`` if one is something else."""
    if trigger is None:
        return ()
    triggers = tuple(trigger) if isinstance(trigger, list | tuple) else (trigger,)
    if not triggers or not all(isinstance(one, Trigger) for one in triggers):
        raise UsageError(
            f"function {fn_id!r}: trigger is {trigger!r}; give a TriggerEvent or a TriggerCron, or a list of them"
        )
    return triggers


def has_cron(triggers: Iterable[Trigger]) -> bool:
    """Return whether one of the triggers is a schedule."""
    return any(isinstance(each, TriggerCron) for each in triggers)


def checked_retries(fn_id: str, retries: int | None, backoff: Sequence[Duration] | None) -> Retries:
    """Return the retries of a function; raise ``UsageError`` if a value is not valid."""
    if isinstance(backoff, str | bytes) or not isinstance(backoff, Sequence | None):  # a text is a sequence of texts
        raise UsageError(f"function {fn_id!r}: backoff is {backoff!r}; give a list of pauses, such as ['15s']")
    return Retries(4 if retries is None else retries, DEFAULT_BACKOFF if backoff is None else tuple(backoff))


def checked_timeouts(fn_id: str, timeouts: Any) -> Timeouts:
    """Return the time limits of a function; raise ``UsageError`` if they are something else."""
    if not isinstance(timeouts, Timeouts | None):
        raise UsageError(f"function {fn_id!r}: timeouts is {timeouts!r}; give tarry.Timeouts(start=..., finish=...)")
    return timeouts or Timeouts()


def checked_cancels(fn_id: str, cancel: Cancel | Sequence[Cancel]) -> tuple[Cancel, ...]:
    """Return the cancels as a tuple; raise ``UsageError`` if one is something else, or there are too many."""
    cancels = tuple(cancel) if isinstance(cancel, list | tuple) else (cancel,)
    if not all(isinstance(one, Cancel) for one in cancels):
        raise UsageError(f"function {fn_id!r}: cancel is {cancel!r}; give a Cancel, or a list of them")
    if len(cancels) > MAX_CANCELS:
        raise UsageError(f"function {fn_id!r} has {len(cancels)} cancels; give at most {MAX_CANCELS}")
    return cancels


def check_expressions(
    fn_id: str,
    triggers: Sequence[Trigger],
    cancels: Sequence[Cancel],
    idempotency: str | None,
    limits: Sequence[Concurrency],
    flow: Flow,
) -> None:
    """Check all expressions, except in a Lambda: synthesis has checked what is deployed, and the grammar loads slowly.

    Raises:
        ExpressionError: One does not compile. Names the place at which the function is created.
        UsageError: A cancel of a function with batches reads the event that started the run.
    """
    if flow.batch_events is not None:
        check_batch_cancels(fn_id, cancels)
    events = [each for each in triggers if isinstance(each, TriggerEvent)]
    conditional = [each for each in events if each.expression is not None], [c for c in cancels if not c.takes_all]
    keys = {
        f"key of concurrency {place}": limit.key for place, limit in enumerate(limits, start=1) if limit.key is not None
    }
    values = {**({} if idempotency is None else {"idempotency": idempotency}), **keys, **flow.keys}
    conditions = {} if flow.batch_events is None else {"if_exp of batch_events": flow.batch_events.if_exp}
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ or not (any(conditional) or values or any(conditions.values())):
        return
    from tarry._cel.declarations import check_declarations

    owner = f"function {fn_id!r}{place_of_call()}"
    check_declarations(owner, events, cancels, values, conditions, only_events=len(events) == len(triggers))


def check_idempotency(fn_id: str, idempotency: Any) -> None:
    """Raise ``UsageError`` if it is no expression."""
    if idempotency is not None and (not isinstance(idempotency, str) or not idempotency.strip()):
        raise UsageError(
            f"function {fn_id!r}: idempotency is {idempotency!r}; give an expression, such as 'event.data.orderId'"
        )


def warn_of_cancels(function: Function) -> None:
    """Log a warning for each cancel that takes every event of its name."""
    for cancel in function.cancels:
        if cancel.takes_all:
            logger.warning(
                "function %r: every event %r cancels all its runs, because this cancel has neither if_exp nor match",
                function.id,
                cancel.event,
            )


def checked_id(name: Any, what: str) -> str:
    """Return the id of an app; raise ``UsageError`` if it has other characters than AWS's names."""
    if not isinstance(name, str) or not _ID.fullmatch(name):
        raise UsageError(f"{what} id {name!r}: use 1 to 64 letters, digits, '.', '_' or '-', a letter or digit first")
    return name


def checked_function(fn_id: Any) -> str:
    """Return the id of a function; raise ``UsageError`` if it is no text, or too long."""
    try:
        fits = isinstance(fn_id, str) and 0 < len(fn_id) <= MAX_FN_ID and bool(fn_id.encode())
    except UnicodeEncodeError:  # half of a surrogate pair
        fits = False
    if not fits:
        raise UsageError(f"function id {fn_id!r}: use a text of 1 to {MAX_FN_ID} characters")
    assert isinstance(fn_id, str)
    return fn_id


def checked_name(fn_id: str, name: Any) -> str:
    """Return a function's name for people, which is its id by default."""
    if not isinstance(name, str | None):
        raise UsageError(f"function {fn_id!r}: name is {name!r}; give a text for people")
    return name or fn_id


def checked_concurrency(fn_id: str, given: Any) -> tuple[Concurrency, ...]:
    """Return the limits of a function as a tuple. A number is a limit on its runs.

    Raises:
        UsageError: It is something else, there are too many, or two count the same.
    """
    if given is None:
        return ()
    from tarry.concurrency import MAX_CONCURRENCIES, Concurrency

    try:
        several = given if isinstance(given, list | tuple) else (given,)
        limits = tuple(
            Concurrency(each) if isinstance(each, int) and not isinstance(each, bool) else each for each in several
        )
    except UsageError as error:
        raise UsageError(f"function {fn_id!r}: {error}") from None
    if not limits or not all(isinstance(each, Concurrency) for each in limits):
        raise UsageError(
            f"function {fn_id!r}: concurrency is {given!r}; give a whole number, a tarry.Concurrency, or a list of two"
        )
    if len(limits) > MAX_CONCURRENCIES:
        raise UsageError(f"function {fn_id!r} has {len(limits)} limits in concurrency; give at most two")
    if len({each.counts_alike for each in limits}) < len(limits):
        raise UsageError(
            f"function {fn_id!r}: both limits in concurrency have scope={limits[0].scope!r} and key={limits[0].key!r},"
            " so the smaller one decides: give that one alone"
        )
    return limits


def checked_pausable(owner: str, pausable: Any, limits: Sequence[Concurrency] = ()) -> bool | None:
    """Return the option; raise ``UsageError`` if it is something else, or a limit says otherwise."""
    if not isinstance(pausable, bool | None):
        raise UsageError(f"{owner}: pausable is {shown(pausable)}; give True or False")
    if pausable is False and limits:
        raise UsageError(
            f"{owner}: pausable=False does not go together with concurrency: executors of a function with a limit ask"
            " for its limit now, and so whether it is paused; leave pausable out"
        )
    return pausable


def disagreement(functions: Iterable[Function]) -> str | None:
    """Return how two limits of the app disagree that count the same runs; ``None`` if none do."""
    first: dict[str | None, tuple[str, Concurrency]] = {}
    for function in functions:
        for limit in function.concurrency:
            scope, key = limit.counts_alike
            if scope != "app":
                continue
            other, there = first.setdefault(key, (function.id, limit))
            if (there.limit, there.hold) != (limit.limit, limit.hold):
                return (
                    f"functions {other!r} and {function.id!r} share the limit with scope='app' and key={key!r}, but "
                    f"one has limit={there.limit} and hold={there.hold!r}, the other limit={limit.limit} and "
                    f"hold={limit.hold!r}: give both the same"
                )
    return None

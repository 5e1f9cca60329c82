"""The limits of a function that people may replace: in words, and from the form."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, get_args

from tarry._engine.flow_checks import MAX_STARTS
from tarry_backend.model.control import Control, Limited
from tarry_dev.console.source import PageError
from tarry_dev.time_span import span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tarry import Concurrency
    from tarry_backend.deploy.function_facts import FunctionFacts

__all__ = ["LimitRow", "given_limit", "given_option", "limit_rows"]


class LimitRow(NamedTuple):
    """An option that limits a function: what its code says, and what people have set in its place.

    ``label`` is that of its field; it is empty where people cannot set another limit.
    """

    of: Limited
    words: str
    now: int | None
    label: str


def limit_rows(facts: FunctionFacts, control: Control | None) -> Iterator[LimitRow]:
    """Yield the limits of a function. Without a ``control``, its executors do not ask for another one."""
    told = control or Control()
    if facts.limits:
        is_own = any(each.scope == "fn" for each in facts.limits)
        words = "; ".join(map(_at_work, facts.limits))
        yield LimitRow("concurrency", words, told.limit, "Limit" if control and is_own else "")
    if (throttle := facts.flow.throttle) is not None:
        words = f"throttle: {_counted(throttle.limit, 'run')} in {span(throttle.span)}"
        words += f", {throttle.burst} at once" if throttle.burst > 1 else ""
        words += _each(throttle.key)
        yield LimitRow("throttle", words, told.throttle, "Throttle" if control else "")
    if (rate := facts.flow.rate_limit) is not None:
        words = f"rate limit: {_counted(rate.limit, 'event')} in {span(rate.span)}{_each(rate.key)}"
        yield LimitRow("rate_limit", words, told.rate_limit, "Rate limit" if control else "")


def given_option(text: str) -> Limited:
    """Return the option that the form names; raise ``PageError`` if there is no limit of it."""
    option: Limited | None = next((each for each in get_args(Limited) if each == text), None)
    if option is None:
        raise PageError(400, f"There is no limit of {text[:40]}.")
    return option


def given_limit(text: str) -> int | None:
    """Return the limit that the form has, ``None`` for the code's; raise ``PageError`` if it is no limit."""
    number = text.strip()
    if not number:
        return None
    digits = number.lstrip("0")[:5]  # no limit has as many
    if not (number.isascii() and number.isdecimal() and 1 <= int(digits or 0) <= MAX_STARTS):
        raise PageError(400, f"The limit {text[:40]!r} is no whole number from 1 to {MAX_STARTS:,}.")
    return int(digits)


def _at_work(limit: Concurrency) -> str:
    scope = "" if limit.scope == "fn" else " in the app"
    return f"at most {limit.limit} at work{_each(limit.key)}{scope}{', until the end' if limit.hold == 'run' else ''}"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number > 1 else ''}"


def _each(key: str | None) -> str:
    return "" if key is None else f" for each {key}"

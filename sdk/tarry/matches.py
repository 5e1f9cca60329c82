"""The events that a wait accepts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, overload

from tarry._engine.error_text import shown
from tarry._wire.jsonvalues import check_characters, decode, encode
from tarry.errors import OutputError, UsageError
from tarry.eventtypes import event_name_of

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    from tarry.event import Event

    E_co = TypeVar("E_co", covariant=True, default=Any)
else:
    from typing import TypeVar

    E_co = TypeVar("E_co", covariant=True)

__all__ = ["EventMatch"]

_IDENTIFIER = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*", re.ASCII)
_WORDS = frozenset({"async", "event", "false", "in", "null", "true"})


@dataclass(frozen=True, slots=True)
class EventMatch(Generic[E_co]):
    """One kind of event for ``step.wait_for_first``: a name or event type, and optional conditions.

    Without a condition, every event of the name matches.

    Attributes:
        event: The event's name, or an event type.
        if_exp: CEL over ``event`` (the event that started the run) and ``async`` (the incoming event).
        match: A path such as ``"data.userId"``; the value at it must be equal in both events. Give this or ``if_exp``.
        where: Values that the incoming event must have, by their paths: ``{"data.orderId": order_id}``. They are JSON.
            All of them must be equal, as in expressions, and ``if_exp`` or ``match`` must hold too.
        bind: Values by the names under which ``if_exp`` uses them: ``{"limit": limit}``. They are JSON.

    Raises:
        UsageError: Both ``if_exp`` and ``match`` are given, a condition is empty, a value is not JSON, or a name in
            ``bind`` has another meaning in expressions.
        EventError: ``event`` is neither a valid name nor an event type.
    """

    event: str | type[E_co]
    if_exp: str | None = None
    match: str | None = None
    where: Mapping[str, Any] | None = field(default=None, hash=False)
    bind: Mapping[str, Any] | None = field(default=None, hash=False)

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: EventMatch[Event],
            event: str,
            if_exp: str | None = None,
            match: str | None = None,
            where: Mapping[str, Any] | None = None,
            bind: Mapping[str, Any] | None = None,
        ) -> None: ...
        @overload
        def __init__(
            self,
            event: type[E_co],
            if_exp: str | None = None,
            match: str | None = None,
            where: Mapping[str, Any] | None = None,
            bind: Mapping[str, Any] | None = None,
        ) -> None: ...
        def __init__(self, event: Any, *conditions: Any, **named: Any) -> None: ...

    def __post_init__(self) -> None:
        what = f"events {self.name!r}"
        if self.if_exp is not None and self.match is not None:
            raise UsageError(f"{what}: give if_exp or match, not both")
        for name in ("if_exp", "match"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, str) or not value.strip()):
                raise UsageError(f"{what}: {name} is {shown(value)}: give a string, or leave it out")
        if self.bind is not None:
            object.__setattr__(self, "bind", _values(what, "bind", self.bind))
            _check_names(what, self.bind)
            if self.if_exp is None:
                raise UsageError(f"{what}: bind is for names in if_exp, which is missing")
        if self.where is not None:
            object.__setattr__(self, "where", _values(what, "where", self.where))

    @property
    def name(self) -> str:
        """The event's name."""
        return event_name_of(self.event)

    @property
    def data_type(self) -> type[Any] | None:
        """The event type, if there is one."""
        return self.event if isinstance(self.event, type) else None


def _values(what: str, option: str, values: object) -> dict[str, Any]:
    """Return the values as JSON gives them back, of JSON's own types."""
    if not isinstance(values, Mapping) or not values:
        example = {"where": "{'data.orderId': order_id}", "bind": "{'limit': limit}"}[option]
        raise UsageError(f"{what}: {option} is {shown(values)}: give values by their names, such as {example}")
    copied: dict[str, Any] = {}
    for name, value in values.items():
        if not isinstance(name, str):
            raise UsageError(f"{what}: {option} has the key {shown(name)}: give a string")
        try:
            text = encode(value, f"{what}: {option}[{name!r}]")
            check_characters(text, f"{what}: {option}[{name!r}]")
        except OutputError as error:
            raise UsageError(str(error)) from None
        copied[name] = decode(text)
    return copied


def _check_names(what: str, names: Mapping[str, Any]) -> None:
    """Check that names are identifiers that mean nothing else. The language loads where somebody binds a name."""
    from tarry._cel.builder import MACROS
    from tarry._cel.functions import arities
    from tarry._cel.values import TYPES

    for name in names:
        if not _IDENTIFIER.fullmatch(name):
            raise UsageError(f"{what}: bind has the name {name!r}: give letters, digits and '_', such as 'limit'")
        if name in _WORDS or name in TYPES or name in MACROS or name in {"has", *arities()}:
            raise UsageError(f"{what}: bind has the name {name!r}, which means something else in if_exp: rename it")

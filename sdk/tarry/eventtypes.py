"""Events as types: a dataclass or a pydantic model that says which event it is the data of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from tarry.errors import EventError
from tarry.event import DECLARED, Event, check_event, check_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from tarry.event import Typed

    Sendable = Event | Typed

__all__ = ["as_events", "event_name_of", "event_type"]

C = TypeVar("C", bound=type)


def event_type(name: str) -> Callable[[C], C]:
    """Makes the decorated dataclass or pydantic model the type of the events of that name.

    It may then stand where an event is asked for (``TriggerEvent(event=OrderPaid)``, ``step.wait_for_event(…,
    event=OrderPaid)``), and its instances where one is sent. The name is kept as the class's ``__tarry_event__``, and
    nowhere else: a subclass is a type of the same event unless it is decorated itself.
    """
    check_name(name)

    def declare(kind: C) -> C:
        setattr(kind, DECLARED, name)
        return kind

    return declare


def event_name_of(event: str | type[Any]) -> str:
    """The name of an event that is asked for by its name, or by its type; ``EventError`` if it is neither."""
    if not isinstance(event, type):
        return check_name(event)
    name = getattr(event, DECLARED, None)
    if name is None:
        raise EventError(f"{event.__name__} has no event's name: put @tarry.event_type('…') on the class")
    if not is_dataclass(event) and not hasattr(event, "model_validate_json"):
        raise EventError(f"{event.__name__} is no event type: make it a dataclass, or a pydantic model")
    return check_name(name)


def as_events(events: Sendable | Iterable[Sendable]) -> tuple[Event, ...]:
    """What is to be sent, one event or several, as events; ``EventError`` names what is none."""
    if hasattr(type(events), DECLARED) or not isinstance(events, Iterable):  # a pydantic model can be iterated, too
        return (_as_event(events),)
    return tuple(_as_event(each) for each in events)


def _as_event(value: Any) -> Event:
    return Event.of(value) if hasattr(type(value), DECLARED) else check_event(value)

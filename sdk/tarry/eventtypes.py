"""Event types: a dataclass or pydantic model that declares the shape of an event's data."""

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
    """Declare the decorated dataclass or pydantic model as the type of the events of this name.

    You may use the class where Tarry asks for an event: ``TriggerEvent(event=OrderPaid)``,
    ``step.wait_for_event(…, event=OrderPaid)``. You may send its instances as events. The class attribute
    ``__tarry_event__`` holds the name. A subclass is a type of the same event unless you decorate it too.

    Args:
        name: The event's name, 1 to 128 characters.

    Raises:
        EventError: The bus does not accept the name.
    """
    check_name(name)

    def declare(kind: C) -> C:
        setattr(kind, DECLARED, name)
        return kind

    return declare


def event_name_of(event: str | type[Any]) -> str:
    """Return the name of an event given by name or by type; raise ``EventError`` if it is neither."""
    if not isinstance(event, type):
        return check_name(event)
    name = getattr(event, DECLARED, None)
    if name is None:
        raise EventError(f"{event.__name__} is not an event type: put @tarry.event_type('…') on the class")
    if not is_dataclass(event) and not hasattr(event, "model_validate_json"):
        raise EventError(f"{event.__name__} cannot be an event type: make it a dataclass or a pydantic model")
    return check_name(name)


def as_events(events: Sendable | Iterable[Sendable]) -> tuple[Event, ...]:
    """Return one or several sendable values as events; ``EventError`` names a value that is not an event."""
    if hasattr(type(events), DECLARED) or not isinstance(events, Iterable):  # a pydantic model is iterable too
        return (_as_event(events),)
    return tuple(_as_event(each) for each in events)


def _as_event(value: Any) -> Event:
    return Event.of(value) if hasattr(type(value), DECLARED) else check_event(value)

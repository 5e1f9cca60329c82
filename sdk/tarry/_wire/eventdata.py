"""Conversion of an event's data into an instance of its type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from tarry.errors import EventDataError

if TYPE_CHECKING:
    from tarry.event import Event

__all__ = ["given"]

T = TypeVar("T")


@overload
def given(event: Event, asked: str) -> Event: ...
@overload
def given(event: Event, asked: type[T]) -> T: ...
def given(event: Event, asked: str | type[Any]) -> Any:
    """Return the event itself if ``asked`` is a name, or an instance of the type.

    Raises:
        EventDataError: The data do not fit the type.
        UsageError: The type cannot be used.
    """
    if isinstance(asked, str):
        return event
    from tarry._wire.typereader import MisfitError, read

    try:
        return read(event.data, asked, "data")
    except MisfitError as error:
        raise EventDataError(event.name, event.id, asked.__name__, error.problems) from error

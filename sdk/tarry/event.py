"""Events: what starts functions and resumes waits."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from tarry._wire.jsonvalues import decode, encode
from tarry.errors import EventError, OutputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed import DataclassInstance

    class Model(Protocol):
        """An instance of a pydantic model."""

        def model_dump(self, *, mode: str = ..., by_alias: bool | None = ...) -> dict[str, Any]:
            """Its data."""

    Typed = DataclassInstance | Model
    """An instance of an event type, as far as types can tell."""

__all__ = ["DECLARED", "MAX_ID", "MAX_NAME", "Event", "base32", "check_event", "check_name", "new_id"]

MAX_NAME = 128
"""The longest event name, in characters: EventBridge's limit for a detail type."""

MAX_ID = 512
"""The longest event id, in bytes of UTF-8: it is part of the log's keys."""

DECLARED = "__tarry_event__"
"""The attribute in which an event type has its event's name."""

_BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def base32(number: int) -> str:
    """128 bits as 26 characters, in the alphabet of ULIDs."""
    return "".join(_BASE32[(number >> shift) & 31] for shift in range(125, -1, -5))


def new_id() -> str:
    """A new ULID: unique, and sortable by the millisecond in which it was made."""
    return base32(time.time_ns() // 1_000_000 << 80 | int.from_bytes(os.urandom(10)))


def check_name(name: object) -> str:
    """The name, if the bus takes it; else ``EventError``. The same rule at ``send`` and at ``wait_for_event``."""
    if not isinstance(name, str) or not name:
        raise EventError(f"an event's name is a text of 1 to {MAX_NAME} characters, not {name!r}")
    if len(name) > MAX_NAME:
        raise EventError(
            f"event name {name[:40]!r}… has {len(name)} characters; EventBridge carries at most {MAX_NAME}"
        )
    try:
        name.encode()
    except UnicodeEncodeError:
        raise EventError(f"event name {name!r} holds half of a surrogate pair, which UTF-8 cannot carry") from None
    return name


def check_event(event: object) -> Event:
    """The event, if it is one; else ``EventError``."""
    if not isinstance(event, Event):
        raise EventError(
            f"{str(event)[:80]!r} is no event: give tarry.Event(name, data), or what has a class with @tarry.event_type"
        )
    return event


@dataclass(frozen=True, slots=True)
class Event:
    """One event.

    ``name`` is EventBridge's detail type, at most 128 characters. ``data`` is a JSON object. ``id`` makes it one
    event, however often it is sent: the same id starts a function once; left empty, it is given when the event
    is sent. ``ts`` is its time in Unix milliseconds. If that lies ahead, by more than the second by which clocks
    differ and 366 days at most, the runs that the event starts begin then: they are there at once, can be looked at
    and cancelled, and a wait of theirs may look back to when the event was received. What waits for the event is
    resumed at once. ``user`` is a JSON object about whom it concerns.
    ``source`` is who put it on the bus; events of your own get ``tarry.<app>`` when they are sent.
    """

    name: str
    data: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""
    ts: int = field(default_factory=lambda: time.time_ns() // 1_000_000)
    user: Mapping[str, Any] | None = None
    source: str = ""

    @classmethod
    def of(
        cls,
        value: Typed,
        *,
        id: str = "",  # noqa: A002 - the event's own field
        ts: int | None = None,
        user: Mapping[str, Any] | None = None,
    ) -> Event:
        """The event that an instance of an event type stands for (see ``tarry.event_type``): name and data are its own.

        ``EventError`` if its class is no event type, or its data are not JSON.
        """
        name = getattr(type(value), DECLARED, None)
        if name is None:
            raise EventError(f"{type(value).__name__} has no event's name: put @tarry.event_type('…') on the class")
        data = _data(value, f"event {name!r}")
        return cls(name, data, id, user=user) if ts is None else cls(name, data, id, ts, user)


def _data(value: Any, what: str) -> dict[str, Any]:
    """A pydantic model is written with its aliases, since it is read by them."""
    dump = getattr(value, "model_dump", None)
    try:
        data: dict[str, Any] = decode(encode(dump(mode="json", by_alias=True) if callable(dump) else value, what))
    except OutputError as error:
        raise EventError(str(error)) from error
    return data

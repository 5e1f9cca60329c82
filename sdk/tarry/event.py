"""Events, which start functions and resume waits."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from tarry._wire.declaredtypes import writer_of
from tarry._wire.jsonvalues import check_secrets, decode, encode
from tarry._wire.limits import MAX_NAME, why_not_carried
from tarry.errors import EventError, OutputError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    class Model(Protocol):
        """An instance of a pydantic model."""

        def model_dump(self, *, mode: str = ..., by_alias: bool | None = ...) -> dict[str, Any]:
            """Dump its data."""

    Typed = DataclassInstance | Model
    """An instance of an event type, as precisely as static types can say."""

__all__ = ["DECLARED", "RESERVED", "Event", "base32", "check_event", "check_name", "check_not_reserved", "new_id"]

RESERVED = "tarry/"
"""What the names of Tarry's own events begin with."""

DECLARED = "__tarry_event__"
"""The class attribute that holds the event name of an event type."""

_BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def base32(number: int) -> str:
    """Write 128 bits as 26 characters, in the alphabet of ULIDs."""
    return "".join(_BASE32[(number >> shift) & 31] for shift in range(125, -1, -5))


def new_id() -> str:
    """Return a new ULID: unique, and sortable by the millisecond of its creation."""
    return base32(time.time_ns() // 1_000_000 << 80 | int.from_bytes(os.urandom(10)))


def check_name(name: object) -> str:
    """Return the name if the bus accepts it; else raise ``EventError``. ``send`` and waits share this rule."""
    if not isinstance(name, str) or not name:
        raise EventError(f"event name {name!r}: give a string of 1 to {MAX_NAME} characters")
    if len(name) > MAX_NAME:
        raise EventError(f"event name {name[:40]!r}… has {len(name)} characters; EventBridge allows at most {MAX_NAME}")
    if why := why_not_carried(name):
        raise EventError(f"event name {name!r} has {why}")
    return name


def check_not_reserved(name: str) -> None:
    """Raise ``EventError`` if only Tarry itself sends events of that name."""
    if name.startswith(RESERVED):
        raise EventError(
            f"event name {name!r}: names that begin with {RESERVED!r} are Tarry's own; choose another name"
        )


def check_event(event: object) -> Event:
    """Return the event if it is an ``Event``; else raise ``EventError``."""
    if not isinstance(event, Event):
        raise EventError(
            f"{str(event)[:80]!r} is not an event: give tarry.Event(name, data), or an instance of an event type "
            "(a class with @tarry.event_type)"
        )
    return event


def _now() -> int:
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Event:
    """One event.

    If ``ts`` is in the future, the runs that the event starts begin at that time. These runs exist at once: you can
    look at them and cancel them, and their waits may look back to when the event was received. Tarry tolerates one
    second of clock difference. A future ``ts`` does not delay waits: the event resumes them at once.

    Attributes:
        name: EventBridge's detail type, 1 to 128 characters. Names that begin with ``tarry/`` are Tarry's own.
        data: A JSON object.
        id: At most 512 bytes. Source, name and id are the event's identity: however often you send the same ones, the
            event starts a function once. If empty, Tarry makes an id when you send the event.
        ts: The event's time in Unix milliseconds, at most 366 days from now.
        user: A JSON object about the user whom the event concerns.
        source: The sender. Events that your app sends get ``tarry.<app>``.
    """

    name: str
    data: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""
    ts: int = field(default_factory=_now)
    user: Mapping[str, Any] | None = None
    source: str = ""

    if TYPE_CHECKING:  # None leaves a field at its default, and is what the field never is

        def __init__(
            self,
            name: str,
            data: Mapping[str, Any] | None = ...,
            id: str | None = ...,  # noqa: A002 - the event's own field
            ts: int | None = ...,
            user: Mapping[str, Any] | None = ...,
            source: str | None = ...,
        ) -> None: ...

    def __post_init__(self) -> None:
        for each, default in _DEFAULTS:
            if getattr(self, each) is None:
                object.__setattr__(self, each, default())

    @classmethod
    def from_raw(cls, raw: object) -> Event:
        """Make an event from a dict, such as ``model_dump`` returns or a webhook brings. Unknown keys are ignored.

        Raises:
            EventError: It is not a dict, or a field has another type than an event's.
        """
        if not isinstance(raw, dict):
            raise EventError(f"{str(raw)[:80]!r} is not an event: give a dict with name and data")
        for each, kinds in _RAW.items():
            if not isinstance(value := raw.get(each), kinds) or isinstance(value, bool):
                raise EventError(f"event {str(raw.get('name'))[:80]!r}: {each} is {str(value)[:80]!r}")
        given: dict[str, Any] = {each: raw.get(each) for each in _RAW}
        return cls(**given)

    def model_dump(self) -> dict[str, Any]:
        """Return the event's fields as a dict, which ``from_raw`` reads."""
        return {each: getattr(self, each) for each in _RAW}

    @classmethod
    def of(
        cls,
        value: Typed,
        *,
        id: str = "",  # noqa: A002 - the event's own field
        ts: int | None = None,
        user: Mapping[str, Any] | None = None,
    ) -> Event:
        """Make an event from an instance of an event type (see ``tarry.event_type``).

        Args:
            value: The instance. Its class gives the event's name; the instance gives the data.
            id: As in ``Event``.
            ts: As in ``Event``; now by default.
            user: As in ``Event``.

        Raises:
            EventError: The class is not an event type, or its data are not JSON.
        """
        name = getattr(type(value), DECLARED, None)
        if name is None:
            raise EventError(f"{type(value).__name__} is not an event type: put @tarry.event_type('…') on the class")
        data = _data(value, f"event {name!r}")
        return cls(name, data, id, user=user) if ts is None else cls(name, data, id, ts, user)


_DEFAULTS: tuple[tuple[str, Any], ...] = (("data", dict), ("id", str), ("ts", _now), ("source", str))

_RAW: dict[str, Any] = {
    "name": str,
    "data": dict | None,
    "id": str | None,
    "ts": int | None,
    "user": dict | None,
    "source": str | None,
}
"""The fields of an event, and what a dict may hold for each."""


def _data(value: Any, what: str) -> dict[str, Any]:
    """Dump a pydantic model by its aliases, since Tarry reads it by them."""
    dump = getattr(value, "model_dump", None)
    try:
        form = dump(mode="json", by_alias=True) if callable(dump) else value
        text = encode(form, what, written=writer_of(value))
        check_secrets(value, text, what)
        data: dict[str, Any] = decode(text)
    except OutputError as error:
        raise EventError(str(error)) from error
    return data

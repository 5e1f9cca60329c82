"""What a function gives a step tool, read: deadlines, event data, and the ids of events."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tarry._engine.error_text import message_of, name_of
from tarry._wire.jsonvalues import decode, encode
from tarry.durations import deadline
from tarry.errors import EventError, OutputError, UsageError
from tarry.event import base32

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tarry.durations import Timeout

__all__ = ["as_json", "deadline_of", "event_id_of", "read_request"]


def deadline_of(timeout: Timeout, now: int) -> int:
    """When what begins now ends. A duration lasts at least zero; a ``datetime`` is that moment, also if it passed."""
    moment = deadline(timeout, now)
    return moment if isinstance(timeout, datetime) else max(now, moment)


@contextmanager
def read_request() -> Iterator[None]:
    """Reads what the function asks for. What an object of user code raises meanwhile is no error of the journal's: the
    function asks wrongly."""
    try:
        yield
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(f"what it is given cannot be read: {name_of(error)}: {message_of(error)}") from error


def as_json(value: Mapping[str, Any], what: str) -> dict[str, Any]:
    """Return the value as plain JSON; raise ``EventError`` if it is none."""
    try:
        carried: dict[str, Any] = decode(encode({**value}, what))
    except OutputError as error:
        raise EventError(str(error)) from error
    return carried


def event_id_of(run_id: str, key: str, place: int) -> str:
    """Return the id of an event that a step sends: the same at each attempt."""
    digest = hashlib.sha256(f"{run_id}/{key}/{place}".encode()).digest()
    return base32(int.from_bytes(digest[:16]))

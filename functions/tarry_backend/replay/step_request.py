"""The reader of what a function gives a step tool: deadlines, event data, and the ids of events."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tarry._engine.error_text import message_of, name_of
from tarry._wire.jsonvalues import decode, encode
from tarry.durations import deadline
from tarry.errors import EventError, OutputError, UsageError
from tarry_backend.model.event_identity import hashed_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tarry.durations import Timeout

__all__ = ["as_json", "deadline_of", "event_id_of", "read_request"]


def deadline_of(timeout: Timeout, now: int) -> int:
    """Return the end of a step that begins now. A duration lasts at least zero; a passed ``datetime`` stays."""
    moment = deadline(timeout, now)
    return moment if isinstance(timeout, datetime) else max(now, moment)


@contextmanager
def read_request() -> Iterator[None]:
    """Turn each error of user code's objects, while they are read, into a ``UsageError``: the function asks wrongly."""
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
    return hashed_id(f"{run_id}/{key}/{place}")

"""The reader of what a function gives a step tool: deadlines, event data, and the ids of events."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tarry._engine.error_text import message_of, name_of
from tarry._wire.jsonvalues import decode, encode
from tarry.durations import deadline, milliseconds
from tarry.errors import EventError, OutputError, UsageError
from tarry_backend.model.event_identity import hashed_id
from tarry_backend.model.step import InvokeRequest, WaitRequest
from tarry_backend.replay.branch_past import PAST

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tarry._engine.operations import InvokeFunction, WaitForEvent
    from tarry.durations import Timeout

__all__ = ["deadline_of", "event_id_of", "invoke_request", "read_request", "wait_request"]


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


def wait_request(operation: WaitForEvent, began: int, now: int) -> WaitRequest:
    """Return what a wait asks for that began then. Its branch's past says from where on it looks."""
    with read_request():
        until = deadline_of(operation.timeout, now)
        first, *others = (
            WaitRequest(
                event_name=each.name,
                if_exp=each.if_exp,
                match=each.match,
                where=each.where,
                bind=each.bind,
                data_type=each.data_type,
                lookback=None if operation.lookback is None else milliseconds(operation.lookback),
                since=PAST.get().since(each.name, operation.lookback, began),
                deadline=until,
            )
            for each in operation.matches
        )
    return replace(first, others=tuple(others), continued=operation.continued)


def invoke_request(operation: InvokeFunction, run_id: str, key: str, now: int) -> tuple[InvokeRequest, int | None]:
    """Return what an invocation asks for, and its deadline if it has one."""
    with read_request():
        due = None if operation.timeout is None else deadline_of(operation.timeout, now)
        request = InvokeRequest(
            app_id=operation.app_id,
            function_id=operation.function_id,
            event_id=event_id_of(run_id, key, 0),
            data=_as_json(operation.data or {}, "its data"),
            user=None if operation.user is None else _as_json(operation.user, "its user"),
        )
    return request, due


def event_id_of(run_id: str, key: str, place: int) -> str:
    """Return the id of an event that a step sends: the same at each attempt."""
    return hashed_id(f"{run_id}/{key}/{place}")


def _as_json(value: Mapping[str, Any], what: str) -> dict[str, Any]:
    """Return the value as plain JSON; raise ``EventError`` if it is none."""
    try:
        carried: dict[str, Any] = decode(encode({**value}, what))
    except OutputError as error:
        raise EventError(str(error)) from error
    return carried

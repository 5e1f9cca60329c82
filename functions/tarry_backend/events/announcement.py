"""The event on the bus that announces a run's end."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from tarry._engine.error_text import plain
from tarry._wire.jsonvalues import encode
from tarry._wire.limits import MAX_DEPTH, MAX_ENTRY, why_not_carried, why_not_value
from tarry.errors import OutputError
from tarry.event import Event
from tarry_backend.model.run import RunStatus
from tarry_backend.replay import Failure

if TYPE_CHECKING:
    from tarry_backend.model.run import Run

__all__ = ["announcement"]

_LARGEST = MAX_ENTRY - 1_400
"""The most bytes of JSON of an announcement's data. The rest of the event, and notes, fit in the difference."""

_NAME, _MESSAGE, _STACK = 1_000, 50_000, 100_000
"""The most characters of an error's name and message, and of the end of its stack.

A character has at most six bytes of JSON, so an error always fits.
"""


def announcement(run: Run, refusal: str | None = None) -> Event:
    """Return ``tarry/function.finished``, ``.failed`` or ``.cancelled``. Its id is that of the run and its life.

    The data has the ids of function and run, the ``event`` that started the run, and the run's ``result`` or ``error``.
    Of a batch it has all ``events``, too.
    Of a run that was retried it has the ``life``, from 2 on; of the last run of a chain the ``first_run_id``. Of a run
    that a batch started, ``event`` is the first one, and ``batch`` has the ids of all.
    For a cancelled run it has the ``reason`` (``event``, ``timeouts.start``, ``timeouts.finish`` or ``by hand``). If an
    event cancelled the run, ``cancelled_by`` has the event's name, id and source.

    A long error is cut, and ``truncated`` says so. The announcement leaves out what the bus cannot carry. Then it has
    ``truncated``, too, and ``left_out`` says why for each such part. So there is an announcement of each end.

    Args:
        run: The run.
        refusal: Why the bus has refused the announcement. Then all such parts are left out.
    """
    data: dict[str, Any] = {"function_id": run.function_id, "run_id": run.id}
    if run.life > 1:
        data["life"] = run.life
    if run.chain is not None:
        data["first_run_id"] = run.chain.first
    parts: dict[str, Any] = {"event": _fields(run.event), **_batch(run)}
    if run.batch:
        parts["events"] = [_fields(event) for event in run.events]
    if run.error is not None:
        data |= _described(run.error)
    elif run.status is RunStatus.FINISHED:
        parts = {"result": json.loads(run.output or "null"), **parts}
    elif run.cancellation is not None:
        data["reason"] = run.cancellation.reason.value
        parts = {"cancelled_by": run.cancellation.cancelled_by, **parts}
    left_out: dict[str, str] = {}
    for name, value in parts.items():
        if why := refusal or _why_not({**data, name: value}):
            left_out[name] = why
        else:
            data[name] = value
    if left_out:
        data |= {"truncated": True, "left_out": left_out}
    life = "" if run.life == 1 else f"{run.life}-"
    return Event(f"tarry/function.{run.status}", data, f"{run.id}-{life}{run.status}", run.ended or 0)


def _fields(event: Event) -> dict[str, Any]:
    """Return the fields as they are. A copy of nested data needs several times the recursion depth of reading them."""
    return {each.name: getattr(event, each.name) for each in fields(event)}


def _batch(run: Run) -> dict[str, Any]:
    return {"batch": [each.id for each in run.events]} if run.batch else {}


def _why_not(data: dict[str, Any]) -> str | None:
    """Return why the bus cannot carry these data, or ``None``. The text is short, because the announcement has it."""
    if why_not_value(data):
        return _DEEP
    try:
        text = encode(data, "an announcement")
    except OutputError:
        return "it holds what JSON does not know, such as an infinite number"
    if why := why_not_carried(text):
        return f"it holds {why}"
    size = len(text.encode())
    return f"with it the event would have {size:,} bytes; the bus carries {_LARGEST:,}" if size > _LARGEST else None


_DEEP = f"it is nested deeper than {MAX_DEPTH - 2} levels"


def _described(error: Failure) -> dict[str, Any]:
    cut = Failure(plain(error.name)[:_NAME], plain(error.message)[:_MESSAGE], plain(error.stack)[-_STACK:])
    return {"error": cut.document()} if cut == error else {"error": cut.document(), "truncated": True}

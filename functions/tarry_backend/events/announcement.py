"""What the bus is told of a run's end."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tarry import Event
from tarry._wire.bus import MAX_ENTRY
from tarry._wire.jsonvalues import encode
from tarry_backend.model.run import RunStatus
from tarry_backend.replay import Failure

if TYPE_CHECKING:
    from tarry_backend.model.run import Run

__all__ = ["announcement"]

_LARGEST = MAX_ENTRY - 1_000
"""The most bytes of JSON that an announcement's data have: what is around them has less than a thousand."""

_NAME, _MESSAGE, _STACK = 1_000, 50_000, 100_000
"""The most characters of an error's name and message, and of the end of its stack. A character has at most six bytes of
JSON, so an error always fits."""


def announcement(run: Run) -> Event:
    """``tarry/function.finished``, ``.failed`` or ``.cancelled``: once a run, for its id is the run's.

    The data names function and run, and holds the run's ``result`` or ``error`` and the ``event`` that started it; of a
    run that was cancelled instead the ``reason`` (``event``, ``timeouts.start``, ``timeouts.finish`` or ``by hand``),
    and as ``cancelled_by`` name and id of the event that did it, if one did. What the bus could not carry with what
    stands before it is left out, or cut if it is an error, and ``truncated`` says so.
    """
    data: dict[str, Any] = {"function_id": run.function_id, "run_id": run.id}
    parts: dict[str, Any] = {"event": asdict(run.event)}
    if run.error is not None:
        data |= _described(run.error)
    elif run.status is RunStatus.FINISHED:
        parts = {"result": json.loads(run.output or "null"), **parts}
    elif run.cancellation is not None:
        data |= {"reason": run.cancellation.reason.value, "cancelled_by": run.cancellation.cancelled_by}
    for name, value in parts.items():
        if len(encode({**data, name: value}, "an announcement").encode("utf-8", "surrogatepass")) <= _LARGEST:
            data[name] = value
        else:
            data["truncated"] = True
    return Event(f"tarry/function.{run.status}", data, f"{run.id}-{run.status}", run.ended or 0)


def _described(error: Failure) -> dict[str, Any]:
    cut = Failure(error.name[:_NAME], error.message[:_MESSAGE], error.stack[-_STACK:])
    return {"error": asdict(cut)} if cut == error else {"error": asdict(cut), "truncated": True}

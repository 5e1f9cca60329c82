"""What the bus is told of a run's end."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tarry import Event
from tarry_backend.store import RunStatus

if TYPE_CHECKING:
    from tarry_backend.store import Run

__all__ = ["announcement"]

_LARGEST = 200_000
"""The most characters of JSON that a run's trigger event and output have in its announcement, each."""


def announcement(run: Run) -> Event:
    """``tarry/function.finished``, ``.failed`` or ``.cancelled``: once a run, for its id is the run's.

    The data names function and run, and holds the event that started the run and its ``result`` or ``error``; of a run
    that was cancelled instead the ``reason`` (``event``, ``timeouts.start``, ``timeouts.finish`` or ``by hand``), and
    as ``cancelled_by`` name and id of the event that did it, if one did.
    An event or result too large for the bus is left out, and ``truncated`` says so.
    """
    data: dict[str, Any] = {"function_id": run.function_id, "run_id": run.id}
    larger = {"event": asdict(run.event)}
    if run.error is not None:
        data["error"] = asdict(run.error)
    elif run.status is RunStatus.FINISHED:
        larger["result"] = json.loads(run.output or "null")
    elif run.cancellation is not None:
        data |= {"reason": run.cancellation.reason.value, "cancelled_by": run.cancellation.cancelled_by}
    for name, value in larger.items():
        if len(json.dumps(value)) <= _LARGEST:
            data[name] = value
        else:
            data["truncated"] = True
    return Event(f"tarry/function.{run.status}", data, f"{run.id}-{run.status}", run.ended or 0)

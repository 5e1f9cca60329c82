"""The addressing of events.

Some events are addressed to one function, whatever its triggers: an invocation by another run, or a schedule's event.
Others are addressed to one run.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tarry._wire.bus import source_of
from tarry._wire.internal_events import ADDRESS, CANCEL_RUN, INVOKED, RETRY_RUN, RUN_ID, STEP
from tarry_backend.model.event_identity import hashed_id

if TYPE_CHECKING:
    from tarry import Event
    from tarry_backend.model.run import Run

__all__ = [
    "ADDRESS",
    "FUNCTION",
    "INVOKED",
    "SCHEDULED",
    "Caller",
    "addressee",
    "caller",
    "is_untimely",
    "run_id_of",
    "short_id",
    "to_cancel",
    "to_retry",
]

SCHEDULED = "tarry/scheduled.timer"
"""The event that starts a function at a time of its ``TriggerCron``."""

FUNCTION = "function_id"
"""The address's key for the function to start."""

_PRECISION = 60_000
"""By how many milliseconds a schedule's event may be early: EventBridge Scheduler is precise to a minute."""

_CALLING_RUN, _CALLING_STEP = "run_id", "step"


@dataclass(frozen=True, slots=True)
class Caller:
    """The step that invoked a function, and waits for its end."""

    run_id: str
    step_key: str

    def address(self, function_id: str) -> dict[str, str]:
        """Return the address of an invocation of that function."""
        return {FUNCTION: function_id, _CALLING_RUN: self.run_id, _CALLING_STEP: self.step_key}


_SHORT_ID = re.compile(r"[A-Za-z0-9._-]{1,72}")


def short_id(function_id: str) -> str:
    """Return a function's id as AWS's names, and ids made of several parts, can hold it: itself, or a hash of it."""
    if _SHORT_ID.fullmatch(function_id):
        return function_id
    return hashed_id(function_id)


def run_id_of(app_id: str, function_id: str, event_id: str, source: str, name: str) -> str:
    """Return the id of the run that an event starts: 128 bits of a hash, in the form of a ULID.

    The hash covers the event's whole identity. Otherwise another sender could use the id of a future event, and that
    event would start nothing.
    """
    return hashed_id(json.dumps([app_id, function_id, source, name, event_id]))


def addressee(event: Event, app_id: str) -> str | None:
    """Return the id of the one function that the event starts; ``None`` if triggers decide.

    Only the app's own events are addressed. Events of these names from other sources are not.
    """
    if event.name not in (INVOKED, SCHEDULED) or event.source != source_of(app_id):
        return None
    return _text(event, FUNCTION)


def is_untimely(event: Event, received_at: int) -> bool:
    """Return whether a schedule's event was received before its time, or has the id of another time.

    It would take the id of the run that the schedule starts later:

        forged    for nine o'clock, received at eight: untimely
        true                                                       for nine o'clock, received at nine: starts the run
    """
    if event.name != SCHEDULED:
        return False
    time: Any = event.data.get("scheduled_for")
    try:
        moment = int(datetime.fromisoformat(time).timestamp() * 1000)
    except (TypeError, ValueError, OverflowError):
        return True
    return not event.id.endswith(f"-{time}") or received_at < moment - _PRECISION


def to_cancel(event: Event, app_id: str) -> str | None:
    """Return the id of the run that the event cancels. Only the app's own events do."""
    if event.name != CANCEL_RUN or event.source != source_of(app_id):
        return None
    run_id = event.data.get(RUN_ID)
    return run_id if isinstance(run_id, str) else None


def to_retry(event: Event, app_id: str) -> tuple[str, str | None] | None:
    """Return the id of the run that the event retries, and the step to go on from. Only the app's own events do."""
    if event.name != RETRY_RUN or event.source != source_of(app_id):
        return None
    run_id, step = event.data.get(RUN_ID), event.data.get(STEP)
    return (run_id, step if isinstance(step, str) else None) if isinstance(run_id, str) else None


def caller(run: Run, app_id: str) -> Caller | None:
    """Return the step that waits for the run's end: its invocation started the run."""
    if run.event.name != INVOKED or addressee(run.event, app_id) != run.function_id:
        return None
    run_id, step_key = _text(run.event, _CALLING_RUN), _text(run.event, _CALLING_STEP)
    return None if run_id is None or step_key is None else Caller(run_id, step_key)


def _text(event: Event, name: str) -> str | None:
    address: Any = event.data.get(ADDRESS)
    value = address.get(name) if isinstance(address, dict) else None
    return value if isinstance(value, str) else None

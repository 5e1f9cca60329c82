"""The names and keys of Tarry's own events, and which names a trigger accepts."""

from __future__ import annotations

__all__ = ["ADDRESS", "CANCEL_RUN", "FAILED", "FINISHED", "INVOKED", "OWN", "RETRY_RUN", "RUN_ID", "STEP", "accepts"]

OWN = "tarry/"
"""The prefix of the ids of Tarry's own items among a run's steps, as of its own events' names."""

FAILED = "tarry/function.failed"
"""The event that reports a run that has failed for good."""

FINISHED = "tarry/function.finished"
"""The event that reports a run that has finished."""

INVOKED = "tarry/function.invoked"
"""The event that starts a function for a step that invokes it."""

ADDRESS = "_tarry"
"""The key of such an event's data that holds its address: the function, and the sender."""

CANCEL_RUN = "tarry/run.cancel"
"""The event by which an app cancels one of its runs."""

RETRY_RUN = "tarry/run.retry"
"""The event by which an app retries one of its failed runs."""

RUN_ID = "run_id"
"""The key in the data of these two events that holds the run's id."""

STEP = "step"
"""The key in the data of a retry that holds the step to go on from, if one is given."""


def accepts(trigger: str, event_name: str) -> bool:
    """Whether a trigger of this name, or of this prefix and ``*``, accepts events of that name."""
    return event_name.startswith(trigger[:-1]) if trigger.endswith("*") else event_name == trigger

"""Replay: runs a function over the steps that its run has kept. Pure: what it decides goes to a ``Journal``."""

from tarry_backend.replay.history import (
    Failure,
    Invocation,
    InvokeRequest,
    Signal,
    Status,
    Step,
    Wait,
    WaitRequest,
    excluded_ids,
    ungiven,
)
from tarry_backend.replay.journal import Journal
from tarry_backend.replay.outcome import Failed, Finished, Outcome, Paused
from tarry_backend.replay.replay import Replayed, replay

__all__ = [
    "Failed",
    "Failure",
    "Finished",
    "Invocation",
    "InvokeRequest",
    "Journal",
    "Outcome",
    "Paused",
    "Replayed",
    "Signal",
    "Status",
    "Step",
    "Wait",
    "WaitRequest",
    "excluded_ids",
    "replay",
    "ungiven",
]

"""Replay: runs a function over its run's stored steps. Pure: its decisions go to a ``Journal``."""

from tarry_backend.model.step import (
    Failure,
    Invocation,
    InvokeRequest,
    Signal,
    Status,
    Step,
    Wait,
    WaitRequest,
    excluded_events,
    ungiven,
)
from tarry_backend.replay.driver import Driver, drive
from tarry_backend.replay.engine import replay
from tarry_backend.replay.journal import Journal
from tarry_backend.replay.outcome import Continued, Failed, Finished, Outcome, Paused
from tarry_backend.replay.replayed_run import Replayed

__all__ = [
    "Continued",
    "Driver",
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
    "drive",
    "excluded_events",
    "replay",
    "ungiven",
]

"""The table and the bucket. All access to them is in this room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tarry_backend.store import dues, waits
from tarry_backend.store.log import EventLog
from tarry_backend.store.models import bind
from tarry_backend.store.runs import ConflictError, Run, Runs, RunStatus, Whole
from tarry_backend.store.shapes import Shapes
from tarry_backend.store.values import Values

if TYPE_CHECKING:
    from tarry_backend.settings import Settings

__all__ = [
    "ConflictError",
    "EventLog",
    "Run",
    "RunStatus",
    "Runs",
    "Shapes",
    "Store",
    "Whole",
    "dues",
    "open_store",
    "waits",
]


@dataclass(frozen=True, slots=True)
class Store:
    """What is kept: runs, the log of events, the shapes of open waits."""

    runs: Runs
    log: EventLog
    shapes: Shapes


def open_store(settings: Settings, endpoint: str | None = None) -> Store:
    """The store of a deployed app, or of one at an ``endpoint`` of its own. Asks nothing of AWS yet."""
    bind(settings.table, endpoint)
    values = Values(settings.bucket)
    return Store(Runs(values, settings.run_days), EventLog(values, settings.log_days), Shapes())

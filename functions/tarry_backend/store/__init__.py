"""The table and the bucket. All access to them is in this room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tarry._wire.mailboxes import Mailboxes
from tarry_backend.store import due_index, wait_index
from tarry_backend.store.event_names import Name, Names
from tarry_backend.store.large_values import Values
from tarry_backend.store.log import EventLog
from tarry_backend.store.models import bind
from tarry_backend.store.runs import ConflictError, Run, Runs, RunSnapshot, RunStatus

if TYPE_CHECKING:
    from tarry_backend.deploy.settings import Settings

__all__ = [
    "ConflictError",
    "EventLog",
    "Name",
    "Names",
    "Run",
    "RunSnapshot",
    "RunStatus",
    "Runs",
    "Store",
    "due_index",
    "open_store",
    "wait_index",
]


@dataclass(frozen=True, slots=True)
class Store:
    """What is kept: runs, the log of events, what is known of events' names, signals' mailboxes."""

    runs: Runs
    log: EventLog
    names: Names
    mailboxes: Mailboxes


def open_store(settings: Settings, endpoint: str | None = None, region: str | None = None) -> Store:
    """The store of a deployed app, or of one at an ``endpoint`` of its own. Asks nothing of AWS yet."""
    bind(settings.table, endpoint, region)
    values = Values(settings.bucket)
    runs, log = Runs(values, settings.run_days), EventLog(values, settings.log_days)
    return Store(runs, log, Names(), Mailboxes(settings.table))

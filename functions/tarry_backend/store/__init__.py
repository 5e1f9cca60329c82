"""The table and the bucket. All access to them is in this room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tarry.mailboxes import Mailboxes
from tarry_backend.store import dues, waits
from tarry_backend.store.log import EventLog
from tarry_backend.store.models import bind
from tarry_backend.store.names import Name, Names
from tarry_backend.store.runs import ConflictError, Run, Runs, RunStatus, Whole
from tarry_backend.store.values import Values

if TYPE_CHECKING:
    from tarry_backend.settings import Settings

__all__ = [
    "ConflictError",
    "EventLog",
    "Name",
    "Names",
    "Run",
    "RunStatus",
    "Runs",
    "Store",
    "Whole",
    "dues",
    "open_store",
    "waits",
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

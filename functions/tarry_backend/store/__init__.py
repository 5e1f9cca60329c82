"""The table and the bucket. All access to them is in this room."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

from tarry._wire.mailboxes import Mailboxes
from tarry_backend.store.due_index import Dues
from tarry_backend.store.event_names import Name, Names
from tarry_backend.store.gates import Gates
from tarry_backend.store.large_values import Values
from tarry_backend.store.log import EventGoneError, EventLog, LogEntry
from tarry_backend.store.run_items import RunItems
from tarry_backend.store.run_lives import RunLives
from tarry_backend.store.run_objects import RunObjects
from tarry_backend.store.run_starts import RunStarts, counted_claim, once_claim
from tarry_backend.store.runs import ConflictError, Runs
from tarry_backend.store.singletons import Singletons, singleton_claim
from tarry_backend.store.start_items import Claim
from tarry_backend.store.step_items import StepItems
from tarry_backend.store.table import OverlapError, Table
from tarry_backend.store.wait_index import Waits

if TYPE_CHECKING:
    from tarry_backend.deploy.settings import Settings
    from tarry_backend.store.bulks import Bulks
    from tarry_backend.store.calms import Calms
    from tarry_backend.store.chains import Chains
    from tarry_backend.store.controls import Controls
    from tarry_backend.store.event_batches import EventBatches
    from tarry_backend.store.gathered_events import GatheredEvents
    from tarry_backend.store.open_waits import OpenWaits
    from tarry_backend.store.paces import Paces
    from tarry_backend.store.queries import Queries
    from tarry_backend.store.remote_apps import RemoteApps

__all__ = [
    "Claim",
    "ConflictError",
    "Dues",
    "EventGoneError",
    "EventLog",
    "Gates",
    "LogEntry",
    "Name",
    "Names",
    "OverlapError",
    "RunLives",
    "RunObjects",
    "RunStarts",
    "Runs",
    "Singletons",
    "Store",
    "Table",
    "Waits",
    "counted_claim",
    "once_claim",
    "open_store",
    "singleton_claim",
]


@dataclass(frozen=True)
class Store:
    """The storage of one app: its table, its bucket, and their parts. Stores share nothing, nor do their clients.

    ``waits`` finds the waits of an event, ``dues`` finds timers by time, ``open_waits`` finds waits by name, ``names``
    has the facts about event names, ``mailboxes`` are the signals', and ``lives`` makes failed runs go on.
    ``gates`` limit how many runs are at work, ``starts`` how many start. ``chains`` are runs that continue each other.
    ``remote_apps`` have functions whose code is elsewhere. ``calms`` and ``batches`` gather events before
    runs, ``gathered`` are those of debounces.
    """

    table: Table
    values: Values
    runs: Runs
    lives: RunLives
    objects: RunObjects
    log: EventLog
    names: Names
    waits: Waits
    dues: Dues
    mailboxes: Mailboxes
    gates: Gates
    starts: RunStarts
    singletons: Singletons

    @classmethod
    def over(cls, table: Table, settings: Settings) -> Self:
        """Return a store over that table, which other stores may use as well. Each store has its own caches."""
        values = Values(settings.bucket, table.place)
        runs, log = Runs(table, values, settings.run_days), EventLog(table, values, settings.log_days)
        names, dues = Names(table), Dues(table)
        return cls(
            table=table,
            values=values,
            runs=runs,
            lives=RunLives(table, StepItems(values), runs.leases),
            objects=RunObjects(table, values),
            log=log,
            names=names,
            waits=Waits(table),
            dues=dues,
            mailboxes=Mailboxes(table.name, table.place),
            gates=Gates(table),
            singletons=Singletons(table),
            starts=RunStarts(table, RunItems(values, runs.leases), runs.leases),
        )

    # Few messages need these, so they load at their first use.

    @cached_property
    def chains(self) -> Chains:
        """The runs that continue each other."""
        from tarry_backend.store.chains import Chains

        return Chains(self.table, self.runs)

    @cached_property
    def controls(self) -> Controls:
        """What people have asked of functions: pauses and limits."""
        from tarry_backend.store.controls import Controls

        return Controls(self.table)

    @cached_property
    def open_waits(self) -> OpenWaits:
        """The open waits, by name."""
        from tarry_backend.store.open_waits import OpenWaits

        return OpenWaits(self.table, self.values, self.dues)

    @cached_property
    def queries(self) -> Queries:
        """Lists of runs, events and timers."""
        from tarry_backend.store.queries import Queries
        from tarry_backend.store.run_index import StartedRuns

        return Queries(self.runs, StartedRuns(self.table), self.log, self.names, self.dues)

    @cached_property
    def bulks(self) -> Bulks:
        """What is known of commands that retry or rerun many runs."""
        from tarry_backend.store.bulks import Bulks

        return Bulks(self.table)

    @cached_property
    def calms(self) -> Calms:
        """The windows of debounces."""
        from tarry_backend.store.calms import Calms

        return Calms(self.table)

    @cached_property
    def batches(self) -> EventBatches:
        """The batches of events."""
        from tarry_backend.store.event_batches import EventBatches

        return EventBatches(self.table)

    @cached_property
    def gathered(self) -> GatheredEvents:
        """The events that debounces have gathered."""
        from tarry_backend.store.gathered_events import GatheredEvents

        return GatheredEvents(self.table)

    @cached_property
    def paces(self) -> Paces:
        """The times of throttles."""
        from tarry_backend.store.paces import Paces

        return Paces(self.table)

    @cached_property
    def remote_apps(self) -> RemoteApps:
        """The apps whose code is elsewhere."""
        from tarry_backend.store.remote_apps import RemoteApps

        return RemoteApps(self.table)


def open_store(settings: Settings, endpoint: str | None = None, region: str | None = None) -> Store:
    """Return the store of a deployed app, or of one at its own ``endpoint``. This makes no AWS request yet."""
    return Store.over(Table(settings.table, endpoint, region), settings)

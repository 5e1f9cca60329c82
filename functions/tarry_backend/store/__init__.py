"""The table and the bucket. All access to them is in this room."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

from tarry_backend.store.due_index import Dues
from tarry_backend.store.event_names import Name, Names
from tarry_backend.store.large_values import Values
from tarry_backend.store.log import EventGoneError, EventLog, LogEntry
from tarry_backend.store.run_items import RunItems
from tarry_backend.store.run_objects import RunObjects
from tarry_backend.store.run_starts import RunStarts, counted_claim, once_claim
from tarry_backend.store.runs import ConflictError, Runs
from tarry_backend.store.start_items import Claim
from tarry_backend.store.table import OverlapError, Table

if TYPE_CHECKING:
    from tarry._wire.mailboxes import Mailboxes
    from tarry_backend.deploy.settings import Settings
    from tarry_backend.store.bulks import Bulks
    from tarry_backend.store.calms import Calms
    from tarry_backend.store.chains import Chains
    from tarry_backend.store.controls import Controls
    from tarry_backend.store.event_batches import EventBatches
    from tarry_backend.store.gates import Gates
    from tarry_backend.store.gathered_events import GatheredEvents
    from tarry_backend.store.open_waits import OpenWaits
    from tarry_backend.store.paces import Paces
    from tarry_backend.store.queries import Queries
    from tarry_backend.store.remote_apps import RemoteApps
    from tarry_backend.store.run_lives import RunLives
    from tarry_backend.store.singletons import Singletons
    from tarry_backend.store.wait_index import Waits

__all__ = [
    "Claim",
    "ConflictError",
    "Dues",
    "EventGoneError",
    "EventLog",
    "LogEntry",
    "Name",
    "Names",
    "OverlapError",
    "RunObjects",
    "RunStarts",
    "Runs",
    "Store",
    "Table",
    "counted_claim",
    "once_claim",
    "open_store",
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
    objects: RunObjects
    log: EventLog
    names: Names
    dues: Dues
    starts: RunStarts

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
            objects=RunObjects(table, values),
            log=log,
            names=names,
            dues=dues,
            starts=RunStarts(table, RunItems(values, runs.leases), runs.leases),
        )

    # Few messages of a Lambda need these, so they load at their first use.

    @cached_property
    def lives(self) -> RunLives:
        """The lives of failed runs that were retried."""
        from tarry_backend.store.run_lives import RunLives
        from tarry_backend.store.step_items import StepItems

        return RunLives(self.table, StepItems(self.values), self.runs.leases)

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
    def waits(self) -> Waits:
        """The index of waits, for the matcher and for people."""
        from tarry_backend.store.wait_index import Waits

        return Waits(self.table)

    @cached_property
    def mailboxes(self) -> Mailboxes:
        """The mailboxes of signals."""
        from tarry._wire.mailboxes import Mailboxes

        return Mailboxes(self.table.name, self.table.place)

    @cached_property
    def gates(self) -> Gates:
        """The limits on how many runs are at work."""
        from tarry_backend.store.gates import Gates

        return Gates(self.table)

    @cached_property
    def singletons(self) -> Singletons:
        """The runs of which only one may run at a time."""
        from tarry_backend.store.singletons import Singletons

        return Singletons(self.table)

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

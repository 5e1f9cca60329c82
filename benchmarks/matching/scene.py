"""A table with open waits, and a matcher over it."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import boto3

from benchmarks.matching.wire import EVENTS_QUEUE, RUNS_QUEUE, TIMERS_QUEUE, Traffic, Wire
from tarry import App, Event
from tarry._wire.bus import EventBus
from tarry_backend.clock import now
from tarry_backend.deploy.settings import Settings
from tarry_backend.events.address import run_id_of
from tarry_backend.executor.run_clock import RunClock
from tarry_backend.executor.run_journal import RunJournal
from tarry_backend.matcher.matcher import Matcher
from tarry_backend.model.position import Position
from tarry_backend.model.run import Run, RunSnapshot
from tarry_backend.queues.sender import Queues
from tarry_backend.replay import Status, Step, WaitRequest
from tarry_backend.store import EventLog, Runs, Store, Table, open_store
from tarry_backend.store.event_names import MAX_SHARDS
from tarry_backend.store.large_values import Values
from tarry_backend.store.models import table_definition
from tarry_backend.store.step_items import StepItems
from tarry_backend.store.traffic import Traffic as Rates
from tarry_backend.telemetry import Meter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.matching.kinds import Kind
    from tarry_backend.model.received_event import ReceivedEvent

__all__ = ["INCOMING", "Cost", "Scene"]

INCOMING = "payment/received"
"""The event name on which the waits are open."""

_WARM_UP = "warm-up"
_WEEK = 7 * 86_400_000
_REPORTED = 10_000


@dataclass(frozen=True, slots=True)
class Cost:
    """What one event has cost, with all the messages that the matcher sent to itself over it, one after the other.

    Times are in milliseconds; ``cpu_ms`` is this process's, ``wall_ms`` has the emulator's in it.
    """

    traffic: Traffic
    invocations: int
    cpu_ms: float
    wall_ms: float
    last_message_ms: float


class Scene:
    """One kind of wait in a table of its own."""

    def __init__(self, wire: Wire, endpoint: str, table: str, kind: Kind) -> None:
        self._wire = wire
        self._endpoint = endpoint
        self._settings = Settings(
            app="benchmarks:none",
            table=table,
            bucket="none",
            bus="none",
            events_queue=EVENTS_QUEUE,
            runs_queue=RUNS_QUEUE,
            timers_queue=TIMERS_QUEUE,
        )
        self._kind = kind
        self._rates = Rates()
        self._app = App("bench")
        self._store = open_store(self._settings, endpoint)
        self._queues = Queues(self._settings)
        self._matcher = Matcher(self._app, self._store, self._queues, Meter())

    def create(self, count: int) -> Iterator[int]:
        """Makes the table, and opens ``count`` waits; yields now and then how many there are."""
        boto3.client("dynamodb", endpoint_url=self._endpoint).create_table(**table_definition(self._settings.table))
        with _BulkRuns(self._store.table, self._settings) as runs:
            # As busy as it becomes by the events of the benchmark, from the first of them on.
            self._store.names.spread_log(INCOMING, MAX_SHARDS)
            log = _EmptyLog(self._store.table, Values("none"), self._settings.log_days)
            store = replace(self._store, runs=runs, log=log)
            self._open_wait(_WARM_UP, 0, store)
            for number in range(count):
                if number and number % _REPORTED == 0:
                    yield number
                self._open_wait(INCOMING, number, store)
        self._wire.take()
        yield count

    def drop(self) -> None:
        """Removes the table."""
        boto3.client("dynamodb", endpoint_url=self._endpoint).delete_table(TableName=self._settings.table)

    def warm_up(self) -> None:
        """Opens the connections: three events on another name, each of which resumes one wait."""
        for _ in range(3):
            self._receive(Event(_WARM_UP, self._kind.incoming(0)))

    def receive(self, number: int) -> Cost:
        """Gives the matcher the event that the wait of that number waits for, in a batch of its own."""
        self._store.names.of(INCOMING)  # a matcher at work has read it within the last minute
        return self._receive(Event(INCOMING, self._kind.incoming(number)))

    def _receive(self, event: Event) -> Cost:
        self._wire.take()
        bodies = [_from_the_bus(event)]
        wall, cpu = time.perf_counter(), time.process_time()
        invocations = 0
        while bodies:
            self._invoke(bodies.pop(0))
            invocations += 1
            bodies += self._wire.to_itself
            self._wire.to_itself.clear()
        cpu_ms, wall_ms = 1000 * (time.process_time() - cpu), 1000 * (time.perf_counter() - wall)
        traffic = self._wire.take()
        return Cost(traffic, invocations, cpu_ms, wall_ms, 1000 * (traffic.last_sent - wall))

    def _invoke(self, body: str) -> None:
        moment = str(now())
        attributes = {"SentTimestamp": moment, "ApproximateFirstReceiveTimestamp": moment}
        self._matcher.handle([{"messageId": "1", "body": body, "attributes": attributes}])

    def _open_wait(self, event_name: str, number: int, store: Store) -> None:
        """As a run does it whose function begins with this wait, but for the run itself, which no matcher reads."""
        trigger = Event("started", self._kind.trigger(number), id=f"{event_name}/{number}")
        moment = now()
        run = Run(
            id=run_id_of(self._app.id, "bench", trigger.id, trigger.source, trigger.name),
            function_id="bench",
            event=trigger,
            received_at=moment,
            started=moment,
        )
        journal = RunJournal(
            RunSnapshot(run),
            store,
            self._queues,
            EventBus(self._app.id, self._settings.bus),
            app=self._app,
            meter=Meter(),
            traffic=self._rates,
            settle=self._settings.settle_seconds,
            log_days=self._settings.log_days,
            clock=RunClock(moment, moment, moment),
            out_of_time=lambda: False,
        )
        request = WaitRequest(
            event_name=event_name,
            if_exp=self._kind.expression,
            match=None,
            since=Position(moment),
            deadline=moment + _WEEK,
        )
        step = Step(key="wait", kind="wait", status=Status.WAITING, begun_order=1, began=moment)
        journal.open_wait(step, request)


class _BulkRuns(Runs):
    """Writes steps by 25 and without their conditions: the items are the same, and the table is filled in time."""

    def __init__(self, table: Table, settings: Settings) -> None:
        values = Values(settings.bucket)
        super().__init__(table, values, settings.run_days)
        self._items = StepItems(values)
        self._batch = table.batch()

    def __enter__(self) -> _BulkRuns:
        self._batch.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._batch.__exit__(*error)

    def keep(self, run_id: str, step: Step, *, is_new: bool) -> None:
        self._batch.save(self._items.item(run_id, step))


class _EmptyLog(EventLog):
    """A wait looks into the log as soon as it is kept. Here nothing has come yet, which need not be asked."""

    def read(self, name: str, since: Position, until: int, shards: int = 1) -> Iterator[ReceivedEvent]:
        return iter(())


def _from_the_bus(event: Event) -> str:
    """The event as EventBridge puts it into the queue: one that another service has sent."""
    fields = asdict(event)
    return json.dumps(
        {
            "id": f"{now()}-{time.perf_counter_ns()}",
            "time": "2026-01-01T00:00:00Z",
            "source": "bench",
            "detail-type": event.name,
            "detail": fields["data"],
        }
    )

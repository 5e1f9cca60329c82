"""A table, an executor over it, and a matcher that finds what the executor is told."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3

from benchmarks.matching.wire import EVENTS_QUEUE, READS, RUNS_QUEUE, TIMERS_QUEUE, Traffic, Wire
from benchmarks.steps.app import TOLD, app
from tarry._wire.bus import EventBus
from tarry_backend.clock import now
from tarry_backend.deploy.settings import Settings
from tarry_backend.events.address import run_id_of
from tarry_backend.executor.executor import Executor
from tarry_backend.executor.message_delivery import MessageDelivery
from tarry_backend.matcher.matcher import Matcher
from tarry_backend.queues.messages import Continue, Wake, encode
from tarry_backend.queues.sender import Queues
from tarry_backend.store import open_store
from tarry_backend.store.models import table_definition
from tarry_backend.telemetry import Meter
from tarry_dev.cloud.clock import MovedClock

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Invocation", "Scene"]

_SOURCE = "bench"

_BETWEEN = {"steps and sleeps": 3_600_000, "steps and waits": 120_000}
"""Milliseconds by which time is moved before a run goes on."""

_MOST_STEPS = 10_000


@dataclass(frozen=True, slots=True)
class Invocation:
    """What one message has cost the executor, with so many steps kept before it. Times are in milliseconds;
    ``cpu_ms`` is this process's, ``wall_ms`` has the emulator's in it."""

    kept: int
    traffic: Traffic
    cpu_ms: float
    wall_ms: float

    @property
    def reads(self) -> int:
        """Requests that read the table."""
        return sum(count for name, count in self.traffic.requests.items() if name in READS)

    @property
    def messages(self) -> int:
        """Requests to the queues."""
        return self.traffic.requests["SendMessageBatch"]

    @property
    def writes(self) -> int:
        """Requests that write the table."""
        return self.traffic.requests.total() - self.reads - self.messages


class Scene:
    """The app's runs over one table. Executor and matcher have a store each, as two Lambdas have.

    The clock of the whole process is moved, and else stands still: enter it with ``with``.
    """

    def __init__(self, wire: Wire, endpoint: str, table: str = "steps") -> None:
        self._wire = wire
        self._clock = MovedClock()
        settings = Settings(
            app="benchmarks:none",
            table=table,
            bucket="none",
            bus="none",
            events_queue=EVENTS_QUEUE,
            runs_queue=RUNS_QUEUE,
            timers_queue=TIMERS_QUEUE,
            max_steps=_MOST_STEPS,
        )
        boto3.client("dynamodb", endpoint_url=endpoint).create_table(**table_definition(settings.table))
        queues, bus = Queues(settings), EventBus(app.id, settings.bus)
        self._matcher = Matcher(app, open_store(settings, endpoint), queues, Meter())
        self._store = open_store(settings, endpoint)
        self._executor = Executor(app, settings, self._store, queues, bus, Meter())
        self._told: list[str] = []
        self._events = self._timed = 0

    def __enter__(self) -> Scene:
        self._clock.start()
        self._wire.to_runs = self._told
        return self

    def __exit__(self, *_: object) -> None:
        self._wire.to_runs = None
        self._clock.stop()

    def run(self, kind: str, count: int, run: str) -> Iterator[Invocation]:
        """Starts a run of that kind, with so many steps and that name, and has it go on to the sleep at its end."""
        yield self._invoke(self._message(f"bench/{kind}", run, count), 0)
        if between := _BETWEEN.get(kind):
            for resumed in range(count):
                self._clock.move_to(now() + between)
                body = _wake(kind, run) if kind == "steps and sleeps" else self._message(TOLD, run, count)
                self._store.names.of(TOLD)  # an executor at work has read it within the last minute
                yield self._invoke(body, 2 * (resumed + 1))

    def replay(self, kind: str, run: str, kept: int) -> Invocation:
        """Has a run gone over that rests at its end: nothing is new, and it comes to rest again."""
        return self._invoke(encode(Continue(_run_id(kind, run))), kept)

    def timed(self, function_id: str, body_ms: int) -> float:
        """Milliseconds of the run of a function that goes to its end at once. Each body takes ``body_ms``."""
        self._timed += 1
        return self._invoke(self._message(f"bench/{function_id}", f"timed {self._timed}", body_ms), 0).wall_ms

    def _invoke(self, body: str, kept: int) -> Invocation:
        self._wire.take()
        delivery = MessageDelivery("1", again=False, out_of_time=lambda: False)
        wall, cpu = time.perf_counter(), time.process_time()
        self._executor.handle(body, delivery)
        cpu_ms, wall_ms = 1000 * (time.process_time() - cpu), 1000 * (time.perf_counter() - wall)
        return Invocation(kept, self._wire.take(), cpu_ms, wall_ms)

    def _message(self, event_name: str, run: str, count: int) -> str:
        """Gives the matcher an event as EventBridge puts it into the queue; what it then tells the executor."""
        moment, data = str(now()), {"run": run, "count": count}
        self._events += 1
        event_id = run if event_name != TOLD else f"told-{self._events}"
        body = {"id": event_id, "time": "2026-01-05T12:00:00Z", "source": _SOURCE, "detail-type": event_name}
        attributes = {"SentTimestamp": moment, "ApproximateFirstReceiveTimestamp": moment}
        record = {"messageId": "1", "body": json.dumps({**body, "detail": data}), "attributes": attributes}
        self._matcher.handle([record])
        [told] = self._told
        self._told.clear()
        return told


def _wake(kind: str, run: str) -> str:
    return encode(Wake(_run_id(kind, run), now()))


def _run_id(kind: str, run: str) -> str:
    return run_id_of(app.id, kind.replace(" ", "-"), run, _SOURCE, f"bench/{kind}")

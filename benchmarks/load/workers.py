"""The handlers in processes on this machine, over DynamoDB Local, with stand-ins for EventBridge and SQS."""

from __future__ import annotations

import json
import time
import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from benchmarks.load.load import Put
from benchmarks.load.mapping import Mapping
from benchmarks.load.worker import DONE, PUT, SENT, work
from tarry.errors import TarryError
from tarry_backend.deploy.settings import Settings
from tarry_backend.deploy.topology import EVENTS, RUNS, TIMERS
from tarry_backend.store.models import table_definition

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

    from benchmarks.load.mapping import Message

__all__ = ["Workers", "workers"]

_REGION = "eu-west-1"
_URL = "https://sqs.invalid/000000000000/"
_READERS = {"matcher": EVENTS, "executor": RUNS, "timers": TIMERS}
_LONGEST_PAUSE = 1.0


@contextmanager
def workers(endpoint: str, count: int, scratch: Path, settle_seconds: int = 15) -> Iterator[Workers]:
    """So many processes over an empty DynamoDB; they end afterwards."""
    place = Workers(endpoint, count, scratch, settle_seconds)
    try:
        yield place
    finally:
        place.stop()


class Workers:
    """Hands out batches, oldest first, to whichever worker has nothing to do. All of it is one loop without threads,
    which also puts the events when they are due: that takes microseconds, whatever the workers do."""

    def __init__(self, endpoint: str, count: int, scratch: Path, settle_seconds: int) -> None:
        self.table = "load"
        self.dynamodb: Any = boto3.Session("load", "load", region_name=_REGION).client(
            "dynamodb", endpoint_url=endpoint
        )
        self.dynamodb.create_table(**table_definition(self.table))
        self._mappings = {reader: Mapping(spec) for reader, spec in _READERS.items()}
        self._log = scratch / "workers.log"
        self._processes: list[BaseProcess] = []
        self._idle: deque[Connection] = deque()
        self._in_work: dict[Connection, tuple[Mapping, Sequence[Message]]] = {}
        environment = _environment(endpoint, self.table, settle_seconds)
        spawn = get_context("spawn")
        for _ in range(count):
            ours, theirs = spawn.Pipe()
            process = spawn.Process(target=work, args=(theirs, environment, self._log), daemon=True)
            process.start()
            theirs.close()  # so that its end is heard of
            self._processes.append(process)
            self._idle.append(ours)

    def stop(self) -> None:
        """Ends the workers, also those that are at work."""
        for pipe in (*self._idle, *self._in_work):
            pipe.close()
        for process in self._processes:
            process.terminate()
            process.join()

    def put(self, name: str, details: Sequence[str], rate: float | None) -> Put:
        """See ``Place``."""
        start = time.time()
        due = [1000 * (start + (place / rate if rate else 0)) for place in range(len(details))]
        late = 0.0
        for moment, text in zip(due, details, strict=True):
            while (pause := moment / 1000 - time.time()) > 0:
                self._turn(pause)
            late = max(late, 1000 * time.time() - moment)
            self._mappings["matcher"].send(_now(), {"MessageBody": _from_the_bus("tarry.load", name, text)})
        return Put(due, late)

    def rest(self) -> None:
        """See ``Place``."""
        while not all(mapping.is_empty for mapping in self._mappings.values()):
            self._turn(_LONGEST_PAUSE)

    def _turn(self, pause: float) -> None:
        """Hands out what can be handed out, and hears what the workers say within the pause, in seconds."""
        while self._idle and (reader := self._next()):
            batch = self._mappings[reader].take(_now())
            pipe = self._idle.popleft()
            pipe.send((reader, [message.record() for message in batch]))
            self._in_work[pipe] = self._mappings[reader], batch
        delayed = [moment for each in self._mappings.values() if (moment := each.next_moment) is not None]
        soonest = max(0.0, (min(delayed) - _now()) / 1000) if delayed and self._idle else _LONGEST_PAUSE
        heard = wait(list(self._in_work), min(pause, soonest))
        for pipe in [each for each in self._in_work if each in heard]:
            self._hear(pipe)

    def _next(self) -> str | None:
        moment = _now()
        ready = [(sent, name) for name, each in self._mappings.items() if (sent := each.oldest(moment)) is not None]
        return min(ready)[1] if ready else None

    def _hear(self, pipe: Connection) -> None:
        try:
            kind, target, entries = pipe.recv()
        except (EOFError, ConnectionResetError):
            raise TarryError(f"a worker has died:\n{self._log.read_text()[-2000:]}") from None
        if kind == SENT:
            reader = next(name for name, spec in _READERS.items() if target == _URL + spec.name)
            for entry in entries:
                self._mappings[reader].send(_now(), entry)
        elif kind == PUT:
            for entry in entries:
                body = _from_the_bus(entry["Source"], entry["DetailType"], entry["Detail"])
                self._mappings["matcher"].send(_now(), {"MessageBody": body})
        elif kind == DONE:
            mapping, batch = self._in_work.pop(pipe)
            mapping.finish(batch, entries)
            self._idle.append(pipe)


def _environment(endpoint: str, table: str, settle_seconds: int) -> dict[str, str]:
    settings = Settings(
        app="benchmarks.load.app:app",
        table=table,
        bucket="none",
        bus="bus",
        events_queue=_URL + EVENTS.name,
        runs_queue=_URL + RUNS.name,
        timers_queue=_URL + TIMERS.name,
        settle_seconds=settle_seconds,
    )
    return {
        "AWS_ACCESS_KEY_ID": "load",
        "AWS_SECRET_ACCESS_KEY": "load",
        "AWS_DEFAULT_REGION": _REGION,
        "AWS_ENDPOINT_URL_DYNAMODB": endpoint,
    } | {Settings.variable(name): str(getattr(settings, name)) for name in Settings.__slots__}


def _from_the_bus(source: str, name: str, detail: str) -> str:
    """As EventBridge puts an event into the queue."""
    fields = {"id": str(uuid.uuid4()), "time": "2026-01-01T00:00:00Z", "source": source, "detail-type": name}
    return json.dumps({**fields, "detail": json.loads(detail)})


def _now() -> int:
    return time.time_ns() // 1_000_000

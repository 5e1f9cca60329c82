"""Matcher, executor and timers as a process each, DynamoDB Local, and a stand-in for SQS and EventBridge."""

from __future__ import annotations

import json
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3

from benchmarks.cost.app import app
from benchmarks.cost.price import Cost
from benchmarks.peers.http_server import served
from benchmarks.peers.process import BenchmarkError, Worker
from benchmarks.peers.tarry_side import asset, environment
from tarry_backend.store.models import table_definition

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Scene", "scene"]

_SPEC, _TABLE, _SOURCE = "benchmarks.cost.app:app", "cost", "bench"
_LAMBDAS = "matcher", "executor", "timers"


class Scene:
    """The three Lambdas. ``sent`` has the messages that still wait in each queue."""

    def __init__(self, workers: Mapping[str, Worker], sent: dict[str, list[str]]) -> None:
        self._workers = workers
        self.sent = sent

    def invoke(self, name: str, bodies: Sequence[str]) -> Cost:
        """Give a Lambda messages, all at once."""
        worker = self._workers[name]
        invocation = worker.invoke({"Records": [_record(body) for body in bodies]})
        if invocation.answer["batchItemFailures"]:
            raise BenchmarkError(f"the {name} failed over a message:\n{worker.log()}")
        said = invocation.said
        counts = (float(said.get(each, 0)) for each in ("dynamodb", "sqs", "events", "writes"))
        return Cost(invocation.cpu_ms, *counts)

    def take(self, queue: str, expected: int) -> list[str]:
        """Take the messages of a queue; there must be as many as expected."""
        taken, self.sent[queue] = self.sent[queue], []
        if len(taken) != expected:
            raise BenchmarkError(f"{len(taken)} messages are in the queue {queue}, and not {expected}")
        return taken

    def forget(self, queue: str) -> None:
        """Drop what is in a queue."""
        self.sent[queue] = []


def event(name: str, run: str) -> str:
    """Return an event as EventBridge puts it into the queue. ``run`` is the run that it is for."""
    values = {"id": str(uuid4()), "time": "2026-01-05T12:00:00Z", "source": _SOURCE, "detail-type": name}
    return json.dumps({**values, "detail": {"run": run, "order": "A-1042", "total": 129.9}})


@contextmanager
def scene(dynamodb: str, scratch: Path) -> Iterator[Scene]:
    """Yield the Lambdas over an empty table."""
    sent: dict[str, list[str]] = {"events": [], "runs": [], "timers": []}

    def answer(_: str, body: str) -> dict[str, Any]:
        request = json.loads(body)
        entries = request.get("Entries", [])
        if "QueueUrl" not in request:  # an announcement, on the bus
            return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"} for _ in entries]}
        queue = request["QueueUrl"].rpartition("/")[2].removesuffix(".fifo")
        sent[queue] += [entry["MessageBody"] for entry in entries]
        return {"Successful": [{"Id": entry["Id"], "MessageId": "1"} for entry in entries], "Failed": []}

    folder = asset(scratch / "asset", app, _SPEC)
    boto3.client("dynamodb", endpoint_url=dynamodb).create_table(**table_definition(_TABLE))
    with ExitStack() as stack:
        variables = environment(_TABLE, dynamodb, stack.enter_context(served(answer))) | {"TARRY_APP": _SPEC}
        workers = {
            name: stack.enter_context(
                Worker(
                    Path(sys.executable),
                    folder,
                    f"benchmarks.cost.counted:{name}",
                    variables,
                    scratch / f"{name}.log",
                )
            )
            for name in _LAMBDAS
        }
        yield Scene(workers, sent)


def _record(body: str) -> dict[str, Any]:
    moment = str(time.time_ns() // 1_000_000)
    attributes = {
        "SentTimestamp": moment,
        "ApproximateFirstReceiveTimestamp": moment,
        "ApproximateReceiveCount": "1",
    }
    record = {"messageId": str(uuid4()), "receiptHandle": "1", "body": body, "attributes": attributes}
    return record | {"messageAttributes": {}, "eventSource": "aws:sqs"}

"""Tarry: its matcher and its executor as two processes, DynamoDB Local, and a stand-in for SQS and EventBridge."""

from __future__ import annotations

import json
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3

from benchmarks.peers.http_server import served
from benchmarks.peers.job import Run
from benchmarks.peers.process import BenchmarkError, Worker, lambda_environment
from benchmarks.peers.tarry_app import START, TOLD, app
from tarry_backend.deploy.manifest import FILE, Manifest
from tarry_backend.events.address import run_id_of
from tarry_backend.queues.messages import Wake, encode
from tarry_backend.store.models import table_definition

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.peers.job import Job
    from benchmarks.peers.process import Invocation
    from tarry import App

__all__ = ["Tarry", "asset", "environment", "tarry_side"]

ROOT = Path(__file__).parents[2]

_SOURCE = "bench"

_SPEC = "benchmarks.peers.tarry_app:app"

_PACKAGES = "sdk/tarry", "functions/tarry_backend", "benchmarks"


class Tarry:
    """A worker for each of the two Lambdas. ``sent`` has the messages to the executor."""

    def __init__(self, matcher: Worker, executor: Worker, sent: list[str], face: str) -> None:
        self._matcher = matcher
        self._executor = executor
        self._sent = sent
        self._face = face
        self.matched: list[float] = []

    def run(self, job: Job) -> Run:
        """Do the job once, to its end."""
        name, run = f"{START}{self._face}", str(uuid4())
        run_id = run_id_of("bench", f"workload{self._face}", run, _SOURCE, name)
        done = [self._execute(self._match(name, run, {"run": run, **job.data}))]
        for number in range(job.waits):
            if job.kind == "sleep":
                time.sleep(job.seconds)
                done.append(self._execute(encode(Wake(run_id, _now()))))
            else:
                done.append(self._execute(self._match(TOLD, f"{run}-{number}", {"run": run})))
        return Run.of(done)

    def _match(self, name: str, event_id: str, data: dict[str, Any]) -> str:
        """Give the matcher an event, as EventBridge puts it in the queue; return its message to the executor."""
        event = {"id": event_id, "time": "2026-01-05T12:00:00Z", "source": _SOURCE, "detail-type": name, "detail": data}
        self._sent.clear()
        invocation = _invoke(self._matcher, json.dumps(event))
        self.matched.append(invocation.cpu_ms)
        [message] = self._sent
        return message

    def _execute(self, body: str) -> Invocation:
        return _invoke(self._executor, body)


@contextmanager
def tarry_side(dynamodb: str, scratch: Path, face: str = "") -> Iterator[Tarry]:
    """Yield Tarry over an empty table; ``face`` is "" for the function that is a ``def``, or "-async"."""
    sent: list[str] = []

    def answer(_: str, body: str) -> dict[str, Any]:
        request = json.loads(body)
        entries = request.get("Entries", [])
        if "QueueUrl" not in request:  # the event that announces the end of a run
            return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"} for _ in entries]}
        if "runs" in request["QueueUrl"]:
            sent.extend(entry["MessageBody"] for entry in entries)
        return {"Successful": [{"Id": entry["Id"], "MessageId": "1"} for entry in entries], "Failed": []}

    table, folder = f"peers{face}", asset(scratch / f"asset{face}")
    boto3.client("dynamodb", endpoint_url=dynamodb).create_table(**table_definition(table))
    with ExitStack() as stack:
        variables = environment(table, dynamodb, stack.enter_context(served(answer)))
        matcher, executor = (
            stack.enter_context(
                Worker(
                    Path(sys.executable),
                    folder,
                    f"tarry_backend.handlers.{name}:handler",
                    variables,
                    scratch / f"{name}{face}.log",
                )
            )
            for name in ("matcher", "executor")
        )
        yield Tarry(matcher, executor, sent, face)


def asset(folder: Path, declared: App = app, spec: str = _SPEC) -> Path:
    """Make a folder as the Lambdas' zip has it: the packages, and the app's manifest. Return it."""
    folder.mkdir()
    for package in _PACKAGES:
        (folder / Path(package).name).symlink_to(ROOT / package, target_is_directory=True)
    (folder / FILE).write_text(Manifest.of(declared).text(spec))
    return folder


def environment(table: str, dynamodb: str, sqs: str) -> dict[str, str]:
    """Return the environment of a Lambda, as the stack gives it, with the stand-ins' addresses."""
    return lambda_environment(
        AWS_ENDPOINT_URL_DYNAMODB=dynamodb,
        AWS_ENDPOINT_URL_SQS=sqs,
        AWS_ENDPOINT_URL_EVENTBRIDGE=sqs,
        POWERTOOLS_LOG_LEVEL="INFO",
        POWERTOOLS_SERVICE_NAME="bench",
        TARRY_APP=_SPEC,
        TARRY_TABLE=table,
        TARRY_BUCKET="none",
        TARRY_BUS="none",
        TARRY_EVENTS_QUEUE=f"{sqs}/123456789012/events",
        TARRY_RUNS_QUEUE=f"{sqs}/123456789012/runs.fifo",
        TARRY_TIMERS_QUEUE=f"{sqs}/123456789012/timers",
    )


def _record(body: str) -> dict[str, Any]:
    moment = str(_now())
    attributes = {
        "SentTimestamp": moment,
        "ApproximateFirstReceiveTimestamp": moment,
        "ApproximateReceiveCount": "1",
    }
    record = {"messageId": str(uuid4()), "receiptHandle": "1", "body": body, "attributes": attributes}
    return {"Records": [record | {"messageAttributes": {}, "eventSource": "aws:sqs"}]}


def _invoke(worker: Worker, body: str) -> Invocation:
    invocation = worker.invoke(_record(body))
    if invocation.answer["batchItemFailures"]:
        raise BenchmarkError(f"one of Tarry's Lambdas failed over a message:\n{worker.log()}")
    return invocation


def _now() -> int:
    return time.time_ns() // 1_000_000

"""The peer: a worker with AWS's durable execution SDK, and AWS's own local runner as its service."""

from __future__ import annotations

import json
import queue
import subprocess
import urllib.error
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import uuid4

from benchmarks.local_port import comes_up, free_port
from benchmarks.peers.http_server import served
from benchmarks.peers.job import Run
from benchmarks.peers.process import BenchmarkError, Worker, lambda_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.peers.job import Job
    from benchmarks.peers.process import Invocation

__all__ = ["Aws", "aws_side", "environment"]

FOLDER = Path(__file__).parent

_PATIENCE = 60
_MANY_YEARS = 31_622_400


class Aws:
    """The peer's Lambda, and the service that invokes it. ``invoked`` has each invocation once it is done."""

    def __init__(self, service: str, invoked: queue.Queue[Invocation]) -> None:
        self._service = service
        self._invoked = invoked

    def run(self, job: Job) -> Run:
        """Do the job once, to its end."""
        execution = {
            "AccountId": "123456789012",
            "FunctionName": "bench",
            "FunctionQualifier": "$LATEST",
            "ExecutionName": str(uuid4()),
            "ExecutionTimeoutSeconds": _MANY_YEARS,
            "ExecutionRetentionPeriodDays": 1,
            "Input": json.dumps(job.data),
        }
        self._post("/start-durable-execution", json.dumps(execution).encode())
        done = [self._next("PENDING")]
        for number in range(job.waits):
            if job.kind == "event":
                callback = quote(done[-1].said["callback"], safe="")
                self._post(f"/2025-12-01/durable-execution-callbacks/{callback}/succeed", b"{}")
            done.append(self._next("PENDING" if number < job.waits - 1 else "SUCCEEDED"))
        return Run.of(done)

    def _next(self, status: str) -> Invocation:
        try:
            invocation = self._invoked.get(timeout=_PATIENCE)
        except queue.Empty:
            raise BenchmarkError("the peer's local runner has not invoked the function for a minute") from None
        if invocation.answer["Status"] != status:
            raise BenchmarkError(f"the peer's function is not {status}: {invocation.answer}")
        return invocation

    def _post(self, path: str, body: bytes) -> None:
        """Ask the local runner. A callback may come before the runner has noted that its function is suspended."""
        request = urllib.request.Request(self._service + path, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:
                answer.read()
        except urllib.error.HTTPError as error:
            raise BenchmarkError(f"the peer's local runner refused {path}: {error.read().decode()}") from error


@contextmanager
def aws_side(python: Path, scratch: Path) -> Iterator[Aws]:
    """Yield the peer. ``python`` is that of its environment."""
    invoked: queue.Queue[Invocation] = queue.Queue()
    port = free_port()
    service = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        worker = stack.enter_context(
            Worker(python, FOLDER, "aws_app:handler", environment(service), scratch / "peer.log")
        )

        def invoke(_: str, body: str) -> Any:
            invocation = worker.invoke(body)
            invoked.put(invocation)
            return invocation.answer

        endpoint = stack.enter_context(served(invoke))
        stack.enter_context(_local_runner(python, port, endpoint, scratch / "local-runner.log"))
        yield Aws(service, invoked)


def environment(service: str) -> dict[str, str]:
    """Return the environment of the peer's Lambda."""
    return lambda_environment(AWS_ENDPOINT_URL_LAMBDA=service)


@contextmanager
def _local_runner(python: Path, port: int, endpoint: str, log: Path) -> Iterator[None]:
    """Run AWS's local runner; it skips the time of waits."""
    command = [str(python), "-m", "aws_durable_execution_sdk_python_testing.cli", "start-server", "--skip-time"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--lambda-endpoint", endpoint, "--log-level", "ERROR"]
    command += ["--local-runner-endpoint", f"http://127.0.0.1:{port}", "--execution-timeout", str(_MANY_YEARS)]
    with log.open("w") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=environment("http://127.0.0.1:1")
        )
    try:
        if not comes_up(process, port):
            raise BenchmarkError(f"the peer's local runner did not come up:\n{log.read_text()[-2000:]}")
        yield
    finally:
        process.kill()
        process.wait()

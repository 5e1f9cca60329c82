"""What a Lambda does before its first message: its imports and its clients, in a fresh process each time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.peers import aws_side, tarry_side
from benchmarks.peers.process import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["COLD_STARTS", "PEER", "cold_starts"]

PEER = "peer"

_NOWHERE = "http://127.0.0.1:1"

_LAMBDA = (
    "import tarry_backend.handlers.{0}; from tarry_backend.runtime import runtime; lambda_ = runtime(); lambda_.{0}; "
    "lambda_.store.table._connection.client; lambda_.queues._client"
)

COLD_STARTS: Mapping[str, str] = {
    "executor": _LAMBDA.format("executor"),
    "matcher": _LAMBDA.format("matcher"),
    "timers": _LAMBDA.format("timers"),
    PEER: (
        "import aws_app; from aws_durable_execution_sdk_python.lambda_service import LambdaClient; "
        "LambdaClient.initialize_client()"
    ),
}
"""What each Lambda loads and makes, as a statement."""

_TIMED = (
    "import sys, time; sys.path.insert(0, {folder!r}); start = time.process_time(); {statement}; "
    "print((time.process_time() - start) * 1000, len(sys.modules))"
)


def cold_starts(peer: Path, rounds: int) -> dict[str, tuple[float, int]]:
    """Return the CPU time in milliseconds and the number of modules of each Lambda, by median. They take turns."""
    found: dict[str, list[tuple[float, int]]] = {name: [] for name in COLD_STARTS}
    with TemporaryDirectory() as scratch:
        folder = tarry_side.asset(Path(scratch) / "asset")
        for number in range(rounds + 1):
            for name in list(COLD_STARTS)[:: 1 if number % 2 else -1]:
                measured = _measure(name, peer, folder)
                if number:  # the first round compiles what is not compiled yet
                    found[name].append(measured)
    return {name: (median(cpu for cpu, _ in each), each[0][1]) for name, each in found.items()}


def _measure(name: str, peer: Path, asset: Path) -> tuple[float, int]:
    if name == PEER:
        python, folder, environment = str(peer), str(aws_side.FOLDER), aws_side.environment(_NOWHERE)
    else:
        python, folder = sys.executable, str(asset)
        environment = tarry_side.environment("none", _NOWHERE, _NOWHERE)
    code = _TIMED.format(folder=folder, statement=COLD_STARTS[name])
    run = subprocess.run([python, "-c", code], capture_output=True, text=True, env=environment, check=False)
    if run.returncode:
        raise BenchmarkError(f"the imports of {name} failed:\n{run.stderr[-2000:]}")
    cpu, modules = run.stdout.split()
    return float(cpu), int(modules)

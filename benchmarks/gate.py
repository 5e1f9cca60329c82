"""Counts the requests of a run that waits behind ``concurrency=10``, as the line grows from 100 to 1,000 runs.

``BENCH_RUNS=10000`` adds a line of 10,000 runs, which takes ten minutes.
"""

import os
import time
from collections import Counter
from dataclasses import dataclass

from tarry import App, Context, Event, TriggerEvent
from tarry_backend.model.gate import GateName, Hold
from tarry_backend.model.shared_key import SHARED
from tarry_backend.runtime import runtime
from tarry_dev.cloud import Call, Cloud, Host

LIMIT = 10
SIZES = (100, 1_000)

_GATE = GateName("fn", SHARED, SHARED, "work").text()
_FOR_EVER = 10**15
_AT_ONCE = 500


@dataclass(frozen=True)
class Counted:
    """What a number of runs costs: the executor's requests by operation, and the bytes of the largest gate."""

    runs: int
    requests: Counter[str]
    gate_bytes: int
    seconds: float

    def per_run(self) -> dict[str, float]:
        """The requests of one run, by operation."""
        return {name: round(count / self.runs, 2) for name, count in sorted(self.requests.items())}


def measure(runs: int) -> Counted:
    """Let ``runs`` runs wait behind a full gate, then let them through, ten at a time."""
    began, requests, done = time.perf_counter(), Counter[str](), Counter[str]()
    with Cloud(_app(done)) as cloud:
        host, gates = Host(cloud), runtime().store.gates
        holds = {f"X{number}": Hold("work", _FOR_EVER, str(number)) for number in range(LIMIT)}
        for name, hold in holds.items():
            gates.take(_GATE, name, hold, LIMIT, 0)

        def see(call: Call) -> bool:
            requests[call.operation] += call.function == "executor" and not call.answered
            return False

        with cloud.dies(see):
            for first in range(0, runs, _AT_ONCE):
                host.send([Event("begun", {"n": number}) for number in range(first, min(first + _AT_ONCE, runs))])
            for name, hold in holds.items():
                _, state = gates.release(_GATE, name, hold, 0)
                runtime().executor._entrance._gatekeeper._pass_on(_GATE, state)
            size = max(len(repr(item)) for item in _gates(cloud))
            cloud.pump()
        assert done["runs"] == runs, f"{runs - done['runs']} runs were left waiting"
    return Counted(runs, requests, size, time.perf_counter() - began)


def main() -> None:
    """Print the requests of one run at each size."""
    for runs in (*SIZES, *map(int, os.environ.get("BENCH_RUNS", "").split())):
        counted = measure(runs)
        each = ", ".join(f"{name} {count}" for name, count in counted.per_run().items())
        print(f"{runs:6,} runs: {each}; the gate has {counted.gate_bytes} bytes ({counted.seconds:.0f} s)", flush=True)


def _app(done: Counter[str]) -> App:
    app = App("bench")

    @app.create_function(fn_id="work", trigger=TriggerEvent("begun"), concurrency=LIMIT)
    async def work(ctx: Context) -> None:
        done["runs"] += 1

    return app


def _gates(cloud: Cloud) -> list[object]:
    key = {"pk": {"S": f"gate#{_GATE}"}, "sk": {"S": "gate"}}
    return [cloud.clients.dynamodb.get_item(TableName=cloud.settings.table, Key=key)["Item"]]

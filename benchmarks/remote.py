"""What a step of a remote function costs beside a native one: an app by npm inngest 4, asked over HTTP on loopback.

Each figure is of one drive: a function of some steps, from nothing to its end, over a journal that stores nothing. So
the difference is the way to the app, and the app's own work. What Tarry stores of a step is the same for both.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.replay import shelf
from tarry import App, Context, Event, TriggerEvent
from tarry_backend.remote.directory import functions_of
from tarry_backend.remote.sync import ask_for_manifest
from tarry_backend.remote.ways import connect
from tarry_backend.replay import Finished, Replayed, drive
from tests.functional.remote.stage import Door, node_app

if TYPE_CHECKING:
    from tarry import Function

_SIZES = 1, 10, 100
_REPEATS = 5


@dataclass(frozen=True, slots=True)
class _Cost:
    wall: float
    cpu: float

    def per(self, steps: int) -> str:
        return f"{self.wall / steps:7.2f} ms a step, {self.cpu / steps:6.2f} ms of the executor's CPU"


def main() -> None:
    app = App("bench")

    @app.create_function(fn_id="native", trigger=TriggerEvent("shop/counts"))
    async def native(ctx: Context) -> None:
        for number in range(ctx.event.data["steps"]):
            await ctx.step.run(f"step {number}", _body, number)

    with Door() as door, node_app(door, 4, INNGEST_DEV=door.url) as there:
        manifest = ask_for_manifest(connect(there.url, None), 10)
        assert manifest is not None
        remote = functions_of(manifest, "bench", lambda: None)["shop4-counts"]
        for size in _SIZES:
            for name, function in (("native", native), ("remote", remote)):
                cost = min((_once(function, size) for _ in range(_REPEATS)), key=lambda each: each.wall)
                print(f"{name}  {size:4} steps in sequence {cost.per(size)}")


def _once(function: Function, size: int) -> _Cost:
    run = Replayed("01", Event("shop/counts", {"steps": size}, id="1"), 1_000)
    wall, cpu = time.perf_counter(), time.process_time()
    outcome = drive(function, run, [], shelf(), size + 1)
    cost = _Cost(1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - cpu))
    assert isinstance(outcome, Finished), outcome
    return cost


async def _body(number: int) -> int:
    return number

"""One event that resumes every open wait."""

from __future__ import annotations

import re
import tracemalloc
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.frame import progress
from benchmarks.matching.kinds import FAN_OUT
from benchmarks.matching.scene import Cost, Scene
from benchmarks.matching.wire import Wire
from tarry.errors import TarryError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Wave", "measure"]

_MEGABYTE = 2**20
_WAVES = 3


@dataclass(frozen=True, slots=True)
class Wave:
    """An event that resumes so many waits, in a matcher whose invocations come one after the other: of three such
    events the one with the median time.

    ``pages`` are the index queries. ``traced_mb`` is the most memory that Python took beyond what it had when the
    event came, ``resident_mb`` the most that the process ever had, imports and all (None where the system is not
    asked: it is Linux's figure).
    """

    waits: int
    invocations: int
    pages: int
    requests: int
    by_operation: Mapping[str, int]
    requests_per_1000: float
    read_units: float
    last_message_ms: float
    cpu_ms: float
    traced_mb: float
    resident_mb: float | None


def measure(wire: Wire, endpoint: str, waits: int) -> Wave:
    """Opens the waits, and lets a matcher in a fresh process have the event."""
    table = f"fan-out-{waits}"
    scene = Scene(wire, endpoint, table, FAN_OUT)
    for done in scene.create(waits):
        progress(f"{FAN_OUT.name}: {done:,} of {waits:,} waits are open")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        wave = fresh.submit(_wave, endpoint, table, waits).result()
    scene.drop()
    return wave


def _wave(endpoint: str, table: str, waits: int) -> Wave:
    scene = Scene(Wire(), endpoint, table, FAN_OUT)
    scene.warm_up()
    timed = sorted((_all(scene, waits) for _ in range(_WAVES)), key=lambda cost: cost.last_message_ms)[_WAVES // 2]
    resident = _most_resident()
    tracemalloc.start()  # in a further wave, since it slows down what it watches
    _all(scene, waits)
    traced = tracemalloc.get_traced_memory()[1]
    traffic = timed.traffic
    requests = traffic.requests.total()
    return Wave(
        waits=waits,
        invocations=timed.invocations,
        pages=traffic.requests["Query"],
        requests=requests,
        by_operation=dict(sorted(traffic.requests.items())),
        requests_per_1000=1000 * requests / waits,
        read_units=traffic.read_units,
        last_message_ms=timed.last_message_ms,
        cpu_ms=timed.cpu_ms,
        traced_mb=traced / _MEGABYTE,
        resident_mb=resident,
    )


def _all(scene: Scene, waits: int) -> Cost:
    cost = scene.receive(0)
    if cost.traffic.resumed != waits:
        raise TarryError(f"an event resumed {cost.traffic.resumed} of the {waits} waits that it matches")
    return cost


def _most_resident() -> float | None:
    """Of this program. ``getrusage`` would count the one before it, which started it."""
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) / 1024 if found else None

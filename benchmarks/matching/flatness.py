"""One event, by how many waits are open on its name."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.frame import progress
from benchmarks.matching.scene import Cost, Scene
from tarry.errors import TarryError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.matching.kinds import Kind
    from benchmarks.matching.wire import Wire

__all__ = ["ROUNDS", "Growth", "Row", "growth", "measure"]

ROUNDS = 20
"""The sizes are measured in turn, so often, so that a machine which is slow for a while is slow for all of them."""

_COSTLY = 40
"""Of so many events one is measured where each costs as much as there are waits."""

_TIMES_GROW_LESS_THAN = 1.5


@dataclass(frozen=True, slots=True)
class Row:
    """What an event costs while so many waits of one kind are open: means, of the times medians."""

    kind: str
    expression: str
    is_flat: bool
    waits: int
    events: int
    requests: float
    by_operation: Mapping[str, float]
    read_units: float
    write_units: float
    cpu_ms: float
    wall_ms: float

    @classmethod
    def of(cls, kind: Kind, waits: int, costs: Sequence[Cost]) -> Row:
        """The events' costs in one row."""
        events = len(costs)
        operations = sum((cost.traffic.requests for cost in costs), Counter[str]())
        return cls(
            kind=kind.name,
            expression=kind.expression,
            is_flat=kind.is_flat,
            waits=waits,
            events=events,
            requests=operations.total() / events,
            by_operation={name: count / events for name, count in sorted(operations.items())},
            read_units=sum(cost.traffic.read_units for cost in costs) / events,
            write_units=sum(cost.traffic.write_units for cost in costs) / events,
            cpu_ms=median(cost.cpu_ms for cost in costs),
            wall_ms=median(cost.wall_ms for cost in costs),
        )


@dataclass(frozen=True, slots=True)
class Growth:
    """The cost with the most waits, as a multiple of that with the fewest."""

    kind: str
    fewest: int
    most: int
    requests: float
    read_units: float
    cpu: float
    wall: float
    verdict: str
    note: str


def growth(rows: Sequence[Row]) -> Growth:
    """How one kind's cost grows. PASS: requests and read units are equal. Times are only remarked on: machines are
    noisy."""
    first, last = min(rows, key=lambda row: row.waits), max(rows, key=lambda row: row.waits)
    cpu, wall = last.cpu_ms / first.cpu_ms, last.wall_ms / first.wall_ms
    equal = (first.requests, first.read_units) == (last.requests, last.read_units)
    slower = [name for name, times in (("CPU", cpu), ("wall", wall)) if times >= _TIMES_GROW_LESS_THAN]
    return Growth(
        kind=first.kind,
        fewest=first.waits,
        most=last.waits,
        requests=last.requests / first.requests,
        read_units=last.read_units / first.read_units,
        cpu=cpu,
        wall=wall,
        verdict=("PASS" if equal else "FAIL") if first.is_flat else "-",
        note=f"{' and '.join(slower)} time grew {_TIMES_GROW_LESS_THAN} x or more" if first.is_flat and slower else "",
    )


def measure(wire: Wire, endpoint: str, kind: Kind, sizes: Sequence[int], events: int) -> Iterator[Row]:
    """A row for each size, over some ``events`` events each; fewer where an event costs as much as there are waits."""
    scenes = {size: Scene(wire, endpoint, f"{kind.name.replace(' ', '-')}-{size}", kind) for size in sizes}
    for size, scene in scenes.items():
        for done in scene.create(size):
            progress(f"{kind.name}: {done:,} of {size:,} waits are open")
    rounds, each_round = _rounds(kind, events)
    costs: dict[int, list[Cost]] = {size: [] for size in sizes}
    chosen = random.Random(4)
    for turn in range(rounds):
        if not kind.is_flat or turn == 0:
            progress(f"{kind.name}: round {turn + 1} of {rounds}, {each_round} events with each of {len(sizes)} sizes")
        for size in sizes if turn % 2 else reversed(sizes):
            scene = scenes[size]
            scene.warm_up()
            costs[size] += [_one_match(scene, chosen.randrange(size)) for _ in range(each_round)]
    for size, scene in scenes.items():
        scene.drop()
        yield Row.of(kind, size, costs[size])


def _rounds(kind: Kind, events: int) -> tuple[int, int]:
    """How many, and of how many events with each size."""
    wanted = events if kind.is_flat else max(1, events // _COSTLY)
    rounds = min(ROUNDS, wanted)
    return rounds, wanted // rounds


def _one_match(scene: Scene, number: int) -> Cost:
    cost = scene.receive(number)
    if cost.traffic.resumed != 1:
        raise TarryError(f"an event resumed {cost.traffic.resumed} waits where it matches one: number {number}")
    return cost

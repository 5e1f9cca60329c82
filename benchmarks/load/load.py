"""Load in stages: waits are opened, events are put at a steady rate, and it is looked at when the runs go on."""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import Any, Protocol

from benchmarks.load.app import app
from benchmarks.load.search import highest
from tarry_backend.events.address import run_id_of
from tarry_backend.store.step_items import run_pk, step_sk

__all__ = ["Load", "Place", "Plan", "Put", "Result", "Stage", "detail"]

_BORNE_MS = 2_000.0
"""A rate at which one event in twenty takes longer is not borne."""

_SHARE = 0.8
_PER_READ = 100


@dataclass(frozen=True, slots=True)
class Plan:
    """``waits`` are open, at least, whenever a stage of ``seconds`` begins. The first has ``first`` events a second;
    the last, at four fifths of what is borne, has ``measured`` events or more."""

    waits: int
    first: float
    seconds: float
    measured: int


@dataclass(frozen=True, slots=True)
class Put:
    """When events were to be put (Unix milliseconds), and how late the latest of them was, in milliseconds."""

    due: Sequence[float]
    late_ms: float


class Place(Protocol):
    """Where the app runs."""

    dynamodb: Any
    table: str

    def put(self, name: str, details: Sequence[str], rate: float | None) -> Put:
        """Puts events on the bus: so many a second, whatever becomes of them; without a rate as fast as it goes."""

    def rest(self) -> None:
        """Returns when no message is left, be it waiting, delayed or in work."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Times are from the moment at which an event was to be put until the next step of its run began.

    ``backlog`` are the events whose runs had not gone on when the last event was put. ``lost`` are runs that never
    went on; ``twice`` those whose step ran again, and ``mistaken`` those that another run's event resumed: both from
    the beginning of the measurement on.
    """

    rate: float
    events: int
    open_waits: int
    median_ms: float
    p95_ms: float
    p99_ms: float
    backlog: int
    late_ms: float
    lost: int
    twice: int
    mistaken: int

    @property
    def is_borne(self) -> bool:
        """Whether this rate could go on: few events take long, and at the end hardly more than a second's worth of
        them is still on its way."""
        return self.p95_ms <= _BORNE_MS and self.backlog <= self.rate + 1

    @property
    def is_exact(self) -> bool:
        """Whether each wait was resumed once, by its own event."""
        return not (self.lost or self.twice or self.mistaken)


@dataclass(frozen=True, slots=True)
class Result:
    """``highest`` is the highest rate that was borne; ``last`` the stage at four fifths of it."""

    highest: float
    stages: Sequence[Stage]
    last: Stage


@dataclass(slots=True)
class Load:
    """Drives a place. ``diary`` is a file into which the runs write, ``say`` is told what goes on."""

    place: Place
    plan: Plan
    diary: Path
    say: Callable[[str], None]
    _opened: int = 0
    _put: int = 0
    _stages: list[Stage] = field(default_factory=list)

    def measure(self) -> Result:
        """Finds the highest rate, and measures at four fifths of it."""
        found = highest(lambda rate: self.stage(rate, math.ceil(rate * self.plan.seconds)).is_borne, self.plan.first)
        rate = _SHARE * found
        last = self.stage(rate, max(self.plan.measured, math.ceil(rate * self.plan.seconds)))
        return Result(found, self._stages[:-1], last)

    def stage(self, rate: float, count: int) -> Stage:
        """Puts so many events at that rate, and waits until all that follows from them is done."""
        self.diary.touch()
        self._open(count)
        open_waits, numbers = self._opened - self._put, range(self._put, self._put + count)
        put = self.place.put("load/told", [detail("told", n, {"n": n}) for n in numbers], rate)
        backlog = numbers.stop - len(self._lines())
        self._put += count
        self.place.rest()
        stage = self._judged(rate, numbers, open_waits, backlog, put)
        self._stages.append(stage)
        self.say(
            f"{rate:7.1f} events per second: median {stage.median_ms:.0f} ms, p95 {stage.p95_ms:.0f} ms,"
            f" {stage.backlog} behind, {'sustained' if stage.is_borne else 'too many'}"
        )
        return stage

    def _open(self, count: int) -> None:
        """Opens waits if there are too few: some more than are needed, so that it is seldom done."""
        least = max(self.plan.waits, count)
        if self._opened - self._put < least:
            numbers = range(self._opened, self._put + least + self.plan.waits // 2)
            self.say(f"opening {len(numbers):,} waits")
            diary = str(self.diary)
            self.place.put("load/asked", [detail("asked", n, {"n": n, "diary": diary}) for n in numbers], None)
            self.place.rest()
            self._opened = numbers.stop

    def _judged(self, rate: float, numbers: range, open_waits: int, backlog: int, put: Put) -> Stage:
        lines = self._lines()
        noted = Counter(int(number) for number, _ in lines)
        began = dict(self._began(numbers))
        times = [began[n] - due for n, due in zip(numbers, put.due, strict=True) if n in began]
        percent = quantiles(times, n=100, method="inclusive")
        return Stage(
            rate=rate,
            events=len(numbers),
            open_waits=open_waits,
            median_ms=percent[49],
            p95_ms=percent[94],
            p99_ms=percent[98],
            backlog=backlog,
            late_ms=put.late_ms,
            lost=sum(n not in began or not noted[n] for n in numbers),
            twice=sum(count > 1 for count in noted.values()),
            mistaken=sum(own != other for own, other in lines),
        )

    def _lines(self) -> list[list[str]]:
        return [line.split() for line in self.diary.read_text().splitlines()]

    def _began(self, numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
        """When the runs of these numbers began their next step, by the table; those that did not are left out."""
        partitions = {run_pk(run_id_of(app.id, "waiter", f"asked/{n}", "tarry.load", "load/asked")): n for n in numbers}
        keys = [{"pk": {"S": pk}, "sk": {"S": step_sk("next")}} for pk in partitions]
        for first in range(0, len(keys), _PER_READ):
            some = keys[first : first + _PER_READ]
            asked = {self.place.table: {"Keys": some, "ProjectionExpression": "pk, began", "ConsistentRead": True}}
            while asked:
                answer = self.place.dynamodb.batch_get_item(RequestItems=asked)
                for item in answer["Responses"][self.place.table]:
                    yield partitions[item["pk"]["S"]], int(item["began"]["N"])
                asked = answer.get("UnprocessedKeys", {})


def detail(kind: str, number: int, data: dict[str, Any]) -> str:
    """An event in the envelope of Tarry's SDK, whose id says what it is."""
    return json.dumps({"v": 1, "id": f"{kind}/{number}", "ts": int(time.time() * 1000), "data": data})

"""An embedded cloud that is served as ``tarry dev`` serves it, and what becomes of the events that it is given."""

from __future__ import annotations

import resource
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from threading import Condition
from typing import TYPE_CHECKING, Self

from benchmarks.dev.app import ALL, GO, HERD, START, make_app
from tarry import Event
from tarry.errors import TarryError
from tarry_dev.cloud import Cloud, RealClock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tarry_dev.cloud import Delivery

__all__ = ["Cost", "Scene", "memory_mb"]

_PATIENCE = 1_800
"""Seconds after which a measurement is given up."""

_AT_ONCE = 100
"""Events of one call of ``app.send``."""

_AFTER_WORK = 4
"""Seconds from the end of work until a cloud counts as idle."""

_LOOK = 0.2
"""Seconds between two looks whether everything is done."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a number of equal things took together, in seconds.

    ``cpu_s`` is the process's time until nothing is left in the queues, so it has settles and ends of runs in it.
    ``wall_s`` is the time until the last run has moved, ``first_s`` until the first has.
    """

    count: int
    cpu_s: float
    wall_s: float
    first_s: float

    @property
    def cpu_ms_each(self) -> float:
        """Milliseconds of the processor for one of them."""
        return 1000 * self.cpu_s / self.count

    @property
    def per_second(self) -> float:
        """How many there were in a second."""
        return self.count / self.wall_s


class Scene:
    """A cloud in real time. It runs in this process, so the times have the sender in them."""

    def __init__(self) -> None:
        self._life = ExitStack()
        self._moved: set[str] = set()  # by run id
        self._first: list[float] = []  # when the first one moved, once it has
        self._changed = Condition()

    def __enter__(self) -> Self:
        with ExitStack() as life:
            self._cloud = life.enter_context(Cloud(make_app(), clock=RealClock(), on_delivery=self._note))
            life.enter_context(self._cloud.serve())
            self._life = life.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._life.close()

    def register(self, numbers: Sequence[int]) -> Cost:
        """Starts a run for each number, and waits until each of them waits, and has had its settle."""
        return self._measure([Event(START, {"number": number}) for number in numbers], len(numbers))

    def resume(self, numbers: Sequence[int]) -> Cost:
        """Sends each of these runs its event, and waits until all have ended."""
        return self._measure([Event(GO, {"number": number}) for number in numbers], len(numbers))

    def gather(self, herd: int, count: int) -> Cost:
        """Starts that many runs that wait for the same event."""
        return self._measure([Event(HERD, {"herd": herd, "number": number}) for number in range(count)], count)

    def release(self, herd: int, count: int) -> Cost:
        """Sends them that event, and waits until all have ended."""
        return self._measure([Event(ALL, {"herd": herd})], count)

    def idle(self, seconds: float) -> float:
        """Returns which part of one core the cloud takes while it only waits.

        A second after work it looks through all objects once, which is no part of waiting.
        """
        time.sleep(_AFTER_WORK)
        cpu, wall = time.process_time(), time.perf_counter()
        time.sleep(seconds)
        return (time.process_time() - cpu) / (time.perf_counter() - wall)

    def _measure(self, events: Sequence[Event], count: int) -> Cost:
        self._moved.clear()
        self._first.clear()
        cpu, wall = time.process_time(), time.perf_counter()
        for start in range(0, len(events), _AT_ONCE):
            self._cloud.send(events[start : start + _AT_ONCE])
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._moved) >= count, _PATIENCE):
                raise TarryError(f"after {_PATIENCE:,} s only {len(self._moved):,} of {count:,} runs have moved")
        wall_s = time.perf_counter() - wall
        while any(queue.next_delivery is not None for queue in self._cloud.queues.values()):
            time.sleep(_LOOK)
        return Cost(count, time.process_time() - cpu, wall_s, min(self._first) - wall)

    def _note(self, delivery: Delivery) -> None:
        """Notes the runs that started or went on. Each event that is measured moves each of its runs once."""
        if delivery.function == "executor":
            with self._changed:
                self._moved.update(message.group or "" for message in delivery.messages)
                self._first[:1] = self._first[:1] or [time.perf_counter()]
                self._changed.notify_all()


def memory_mb() -> float:
    """The most memory that this process has had, in megabytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)

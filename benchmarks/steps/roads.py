"""The lean road to AWS against the plain one: the same runs by turns, in one process."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.steps.scene import Scene
from tarry_backend.store.lean_client import PLAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.matching.wire import Wire

__all__ = ["Road", "measure"]

_STEPS = 2
_WARM_UP = 3


@dataclass(frozen=True, slots=True)
class Road:
    """The CPU time of one thing by both roads, in milliseconds: medians of what took turns."""

    what: str
    plain_ms: float
    lean_ms: float

    @property
    def ratio(self) -> float:
        """The part of the plain road's time that the lean road takes."""
        return self.lean_ms / self.plain_ms


def measure(wire: Wire, endpoint: str, size: int, turns: int) -> list[Road]:
    """Measure the executor in a run with two waits and their settles, and a replay of ``size`` steps.

    Each road runs ``turns`` times, and replays half as often.
    """
    with _road("1"):
        plain = Scene(wire, endpoint, table="plain")
        _warm_up(plain)
    with _road("0"):
        lean = Scene(wire, endpoint, table="lean")
        _warm_up(lean)
    for scene in (plain, lean):
        with scene:
            list(scene.run("steps", size, "to replay"))
    return [
        _by_turns("a run of two steps and waits", turns, plain, lean, _run),
        _by_turns(f"a replay of {size:,} steps", turns // 2, plain, lean, lambda scene, _: _replay(scene, size)),
    ]


def _by_turns(what: str, rounds: int, plain: Scene, lean: Scene, cost: Callable[[Scene, str], float]) -> Road:
    times: dict[Scene, list[float]] = {plain: [], lean: []}
    for number in range(rounds):
        for scene in (plain, lean) if number % 2 else (lean, plain):
            with scene:
                times[scene].append(cost(scene, f"turn {number}"))
    return Road(what, median(times[plain]), median(times[lean]))


def _run(scene: Scene, name: str) -> float:
    return sum(each.cpu_ms for each in scene.run("steps and waits", _STEPS, name))


def _replay(scene: Scene, size: int) -> float:
    return scene.replay("steps", "to replay", size + 1).cpu_ms


def _warm_up(scene: Scene) -> None:
    """Make the clients, which stay on their road."""
    with scene:
        for number in range(_WARM_UP):
            _run(scene, f"warm-up {number}")


@contextmanager
def _road(plain: str) -> Iterator[None]:
    before = os.environ.get(PLAIN)
    os.environ[PLAIN] = plain
    try:
        yield
    finally:
        os.environ.pop(PLAIN)
        if before is not None:
            os.environ[PLAIN] = before

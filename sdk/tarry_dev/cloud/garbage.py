"""When a served cloud looks through all objects for cyclic garbage.

What waits stays in memory: some hundred objects a run. By itself Python looks through all objects in the middle of
whatever happens: with 10,000 waiting runs that takes most of a second, a hundred times a resume. Here Python looks
through young objects alone, and the cloud looks through all when it rests.
"""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Garbage"]

_NEVER = 1_000_000_000
"""Collections of middle-aged objects after which Python would look through all objects."""

_AT_REST, _AT_WORK = 8, 2
"""A look is due when an eighth of all objects may be new, or half of them if the cloud does not rest before."""

_REST = 1.0
"""Seconds in which nothing moved, so that the cloud counts as at rest."""


class Garbage:
    """Decides when all objects are looked through, while this is entered.

    A collector that your code has turned off stays off.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._before = gc.get_threshold()
        self._known = 0
        self._moved = 0.0

    def __enter__(self) -> Self:
        self._before = young, middle, full = gc.get_threshold()
        if young and full:
            gc.set_threshold(young, middle, _NEVER)
        self._known = 0
        self._moved = self._clock()
        return self

    def __exit__(self, *_: object) -> None:
        if gc.get_threshold()[2] == _NEVER:
            gc.set_threshold(*self._before)

    def look(self, *, is_moving: bool) -> None:
        """Look through all objects, if enough are new. To look at rest, fewer are enough: then none falls into work.

        runs       ── resume ── resume ──┐                          ┌ resume
        here       an eighth is new ┄┄┄┄ │ a second of rest ── look │ (half is new: look)
        """
        now = self._clock()
        if is_moving:
            self._moved = now
        young, middle, full = gc.get_threshold()
        newer = gc.get_count()[2] * young * middle
        part = _AT_REST if now - self._moved > _REST else _AT_WORK
        if full != _NEVER or not gc.isenabled() or not newer:
            return
        # Counting takes its time: a cloud that soon ends does without it.
        self._known = self._known or max(_count() - newer, 1)
        if newer > self._known / part:
            gc.collect()
            self._known = _count()


def _count() -> int:
    return len(gc.get_objects())

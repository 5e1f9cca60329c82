"""Races: branches side by side, of which the first that ends is the only one to go on.

A race is decided when a branch is given the result with which it ends, and results are given in history's order: so it
is decided anew, and alike, at each replay. Before anything goes on, what the losers have open is withdrawn:

    winner's step kept ──── decided ──── losers withdrawn ──── the function goes on

Cut off in between, the replay decides it again, and withdraws what is still open.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tarry.errors import Suspended

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Lane", "check_lanes", "entered", "first_of", "lanes"]


@dataclass(slots=True, eq=False)
class Lane:
    """A branch of a race. ``variables`` are those of its code, ``keys`` the steps for which it has asked, ``waiting``
    the tasks that wait for one of them."""

    variables: Context
    keys: set[str] = field(default_factory=set)
    waiting: set[asyncio.Task[Any]] = field(default_factory=set)
    has_lost: bool = False


_LANES: ContextVar[tuple[Lane, ...]] = ContextVar("tarry_lanes", default=())
"""In which lanes the code runs that asks: races may be run within races."""


def lanes(count: int) -> list[Lane]:
    """Lanes for so many branches."""
    made = [Lane(copy_context()) for _ in range(count)]
    for lane in made:
        lane.variables.run(_LANES.set, (*_LANES.get(), lane))
    return made


@contextmanager
def entered(key: str) -> Iterator[None]:
    """Meanwhile this task waits for that step."""
    task = asyncio.current_task()
    assert task is not None
    around = _LANES.get()
    for lane in around:
        lane.keys.add(key)
        lane.waiting.add(task)
    try:
        yield
    finally:
        for lane in around:
            lane.waiting.discard(task)


def check_lanes(what: str) -> None:
    """``Suspended`` in a branch that has lost: no step of it follows."""
    if any(lane.has_lost for lane in _LANES.get()):
        raise Suspended(f"{what} is called in a branch of group.race that has lost: write except Exception, not wider")


async def first_of(tasks: Sequence[asyncio.Task[Any]]) -> int:
    """Which of the branches has ended first; of several that end at once, the first of them."""
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    return next(place for place, task in enumerate(tasks) if task.done())

"""Races: parallel branches, of which only the first one to end goes on.

A race is decided when a branch receives the result with which it ends. Results are given in history's order, so each
replay decides the race the same way. Before anything goes on, the open steps of the losers are withdrawn:

    winner's step stored ──── decided ──── losers withdrawn ──── the function goes on

If it is cut off in between, the replay decides again, and withdraws what is still open.
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

__all__ = ["Lane", "check_lanes", "entered", "first_of", "lanes", "refusals_of_lost"]


@dataclass(slots=True, eq=False)
class Lane:
    """A branch of a race.

    Attributes:
        variables: The context variables of its code.
        keys: The steps for which it has asked.
        waiting: The tasks that wait for one of them.
        has_lost: Whether another branch has won.
        refusals: How many calls it has made since it has lost.
    """

    variables: Context
    keys: set[str] = field(default_factory=set)
    waiting: set[asyncio.Task[Any]] = field(default_factory=set)
    has_lost: bool = False
    refusals: int = 0


_LANES: ContextVar[tuple[Lane, ...]] = ContextVar("tarry_lanes", default=())
"""The lanes in which the running code is: races may be nested."""


def lanes(count: int) -> list[Lane]:
    """Return lanes for ``count`` branches."""
    made = [Lane(copy_context()) for _ in range(count)]
    for lane in made:
        lane.variables.run(_LANES.set, (*_LANES.get(), lane))
    return made


@contextmanager
def entered(key: str) -> Iterator[None]:
    """Within it, this task waits for that step."""
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
    """Raise ``Suspended`` in a branch that has lost: no step of it follows."""
    lost = [lane for lane in _LANES.get() if lane.has_lost]
    for lane in lost:
        lane.refusals += 1
    if lost:
        raise Suspended(
            f"{what} was called in a branch of group.race that has lost: write except Exception, nothing wider"
        )


def refusals_of_lost() -> int:
    """How many calls have been refused of the branch in which the running code is, since it has lost."""
    return max((lane.refusals for lane in _LANES.get()), default=0)


async def first_of(tasks: Sequence[asyncio.Task[Any]]) -> int:
    """Return which branch ended first; of several that end at once, the first in order."""
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    return next(place for place, task in enumerate(tasks) if task.done())

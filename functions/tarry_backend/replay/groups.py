"""Parallel branches: all of them, or the first that ends.

In an ``async def``, a branch is a task of the loop; in a ``def``, a thread. The rest is the same.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from tarry.errors import LimitError, Suspended
from tarry_backend.replay.branch_past import PAST
from tarry_backend.replay.conclusion import farewell, retrieve
from tarry_backend.replay.race import first_of, lanes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence
    from contextvars import Context as Variables

    from tarry_backend.replay.bridge import Bridge
    from tarry_backend.replay.conclusion import Conclusion
    from tarry_backend.replay.race import Lane
    from tarry_backend.replay.steps import Steps

    Branch = Callable[[], Any]
    Begin = Callable[[Branch, Variables], asyncio.Task[Any]]
    """Starts a branch with its own context variables."""

__all__ = ["Groups"]

_BRANCHES = 500
"""The most parallel threads of a function: a Lambda has about a thousand, and step bodies need some."""


class Groups:
    """Runs a function's branches. A thread of a ``def`` calls the methods that end in ``sync``."""

    def __init__(self, loop: asyncio.AbstractEventLoop, bridge: Bridge, steps: Steps, conclusion: Conclusion) -> None:
        self._loop = loop
        self._bridge = bridge
        self._steps = steps
        self._conclusion = conclusion
        self._threads = 0

    async def parallel(self, branches: Sequence[Branch]) -> tuple[Any, ...]:
        """Return the results of all branches."""
        return await self._all(branches, self._on_loop)

    def parallel_sync(self, branches: Sequence[Branch]) -> tuple[Any, ...]:
        """As ``parallel``, for plain branches."""
        with self._room_for(branches, "group.parallel"):
            return self._bridge.ask(self._held(self._all(branches, self._in_thread)))

    async def race(self, branches: Sequence[Branch]) -> Any:
        """Return the result of the first branch that ends; stop the others."""
        return await self._first(branches, self._on_loop)

    def race_sync(self, branches: Sequence[Branch]) -> Any:
        """As ``race``, for plain branches."""
        with self._room_for(branches, "group.race"):
            return self._bridge.ask(self._held(self._first(branches, self._in_thread)))

    async def _all(self, branches: Sequence[Branch], begin: Begin) -> tuple[Any, ...]:
        variables = [copy_context() for _ in branches]
        tasks = [begin(branch, own) for branch, own in zip(branches, variables, strict=True)]
        results = await asyncio.gather(*tasks, return_exceptions=True)
        PAST.set(PAST.get().joined(own[PAST] for own in variables))
        errors = [result for result in results if isinstance(result, BaseException)]
        for error in sorted(errors, key=lambda e: isinstance(e, Exception)):  # a suspension comes first
            raise error
        return tuple(results)

    async def _first(self, branches: Sequence[Branch], begin: Begin) -> Any:
        side_by_side = lanes(len(branches))
        tasks = [begin(branch, lane.variables) for branch, lane in zip(branches, side_by_side, strict=True)]
        winner = await first_of(tasks)
        if self._conclusion.is_reached:  # they end because the run is suspended; none has won
            await asyncio.wait(tasks)
            raise Suspended(Suspended.__doc__)
        runners = list(zip(side_by_side, tasks, strict=True))
        lane, task = runners.pop(winner)
        await self._stop(runners)
        PAST.set(lane.variables[PAST])
        return task.result()

    async def _stop(self, losers: Sequence[tuple[Lane, asyncio.Task[Any]]]) -> None:
        """End losing branches where they are, and withdraw their open steps."""
        for lane, _ in losers:
            lane.has_lost = True
        for lane, task in losers:
            for each in {task, *lane.waiting} - self._bridge.holding:
                each.cancel()
        await farewell([task for _, task in losers])
        await self._steps.withdraw({key for lane, _ in losers for key in lane.keys})

    def _on_loop(self, branch: Branch, variables: Variables) -> asyncio.Task[Any]:
        return _told_by_its_group(self._loop.create_task(_awaited(branch), context=variables))

    def _in_thread(self, branch: Branch, variables: Variables) -> asyncio.Task[Any]:
        return _told_by_its_group(self._loop.create_task(self._bridge.run(variables, branch)))

    async def _held(self, work: Awaitable[Any]) -> Any:
        """Wait for threads, which cannot be cancelled."""
        self._bridge.hold()
        return await work

    @contextmanager
    def _room_for(self, branches: Sequence[Branch], what: str) -> Iterator[None]:
        if self._threads + len(branches) > _BRANCHES:
            raise LimitError(
                f"{what} needs a thread for each branch of a def, at most {_BRANCHES} at a time: use an async def"
            )
        self._threads += len(branches)
        try:
            yield
        finally:
            self._threads -= len(branches)


def _told_by_its_group(task: asyncio.Task[Any]) -> asyncio.Task[Any]:
    """A branch's task. Its group raises its error; asyncio would log one of a branch that outlives its group:

    group     race ── decided ── a write fails: the replay ends
    loser                                       └ cancelled ── calls a step ── StepCallError, which nobody awaits
    """
    task.add_done_callback(retrieve)
    return task


async def _awaited(branch: Callable[[], Awaitable[Any]]) -> Any:
    return await branch()

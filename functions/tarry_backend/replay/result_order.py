"""In which order a function is given its steps' results.

While it replays, a function gets each kept result when it has nothing else to do, and in the order in which the
results came at first. So a race that one branch has won is won by the same branch again. New steps begin only
once the whole history has been given; if the function then rests without having asked for all of it, it is not
the function that made this history.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tarry_backend.model.step import Step

__all__ = ["ResultOrder"]


class ResultOrder:
    """Who goes on next. Keys are those of steps; ``news`` is that of ``Replayed``."""

    def __init__(self, history: Iterable[Step], *, news: int = 1) -> None:
        steps = list(history)
        ended = sorted((s for s in steps if s.is_given), key=lambda s: s.ended_order or 0)
        self._results = deque(s.key for s in ended)
        self._missing = {s.key: s for s in steps}
        self._listeners: dict[str, asyncio.Future[None]] = {}
        self._newcomers: deque[tuple[str, asyncio.Future[None]]] = deque()
        self._starts: deque[asyncio.Future[None]] = deque()
        self._replaying = bool(steps)
        self._news = news

    @property
    def is_replaying(self) -> bool:
        """Whether the function does again what it has done before.

        A new step shows that it does not, but code runs before one is asked for. What follows a result that is news is
        new; what follows others ran before, up to where it rested:

            given   a ─────────── b, news ────── new step         given   a ─────────── b ──────── new step
            code       repeated ──┤ new ────────────────►         code       repeated ─────────────┤ new ───►
        """
        return self._replaying and (bool(self._missing) or len(self._results) >= self._news)

    @property
    def is_starting(self) -> bool:
        """Whether a thread of the function waits for its turn to start."""
        return bool(self._starts)

    def visit(self, key: str) -> None:
        """The function has asked for this step."""
        self._missing.pop(key, None)

    def missing(self) -> list[Step]:
        """Kept steps that the function has not asked for, oldest first."""
        return sorted(self._missing.values(), key=lambda s: s.begun_order)

    def newcomers(self) -> list[str]:
        """New steps that wait for the end of the history."""
        return [key for key, _ in self._newcomers]

    async def start(self) -> None:
        """Returns when it is the turn of a new thread of the function."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._starts.append(future)
        await future

    async def result(self, key: str) -> None:
        """Returns when it is this step's turn to be given its result."""
        future = self._listeners[key] = asyncio.get_running_loop().create_future()
        await future

    def ended(self, key: str) -> None:
        """A step has ended here and now; its result comes after those before it."""
        self._results.append(key)

    async def live(self, key: str) -> None:
        """Returns when the history has been given, so that a new step may begin."""
        if self._replaying:
            future = asyncio.get_running_loop().create_future()
            self._newcomers.append((key, future))
            await future

    def advance(self) -> bool:
        """Starts a thread, gives the next result, or lets the new steps begin; false if there is nothing to do."""
        while self._starts:
            future = self._starts.popleft()
            if not future.done():  # its branch may have lost a race before it began
                future.set_result(None)
                return True
        if self._results:
            return self._give(self._results[0])
        if not self._replaying or self._missing:
            return False
        self._replaying = False
        began = [newcomer for _, newcomer in self._newcomers if not newcomer.done()]
        self._newcomers.clear()
        for newcomer in began:
            newcomer.set_result(None)
        return bool(began)

    def _give(self, key: str) -> bool:
        future = self._listeners.pop(key, None)
        if future is None:
            return False
        self._results.popleft()
        if not future.done():
            future.set_result(None)
        return True

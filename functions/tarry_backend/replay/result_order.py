"""The order in which a function receives its steps' results.

During replay, the function receives each stored result when it has nothing else to do, in the order in which the
results came at first. So the same branch wins a race again. New steps begin only once the whole history has been given.
If the function then rests and has not asked for all of it, the function no longer fits this history.
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
    """Decides which step goes on next. Keys are those of steps; ``news`` is that of ``Replayed``."""

    def __init__(self, history: Iterable[Step], *, news: int) -> None:
        steps = list(history)
        ended = sorted((s for s in steps if s.is_given), key=lambda s: s.ended_order or 0)
        self._results = deque(s.key for s in ended)
        self._missing = {s.key: s for s in steps if not s.is_mark}
        self._listeners: dict[str, asyncio.Future[None]] = {}
        self._newcomers: deque[tuple[str, asyncio.Future[None]]] = deque()
        self._starts: deque[asyncio.Future[None]] = deque()
        self._replaying = bool(steps)
        self._news = news

    @property
    def is_replaying(self) -> bool:
        """Whether the function repeats what it has done before.

        A new step shows that it does not, but code runs before it asks for one. Code after a new result is new. Code
        after other results ran before, up to where it rested:

            given   a ─────────── b, news ────── new step         given   a ─────────── b ──────── new step
            code       repeated ──┤ new ────────────────►         code       repeated ─────────────┤ new ───►
        """
        return self._replaying and (bool(self._missing) or len(self._results) >= self._news)

    @property
    def is_starting(self) -> bool:
        """Whether a thread of the function waits for its turn to start."""
        return bool(self._starts)

    def visit(self, key: str) -> None:
        """Note that the function has asked for this step."""
        self._missing.pop(key, None)

    def missing(self) -> list[Step]:
        """Return the stored steps that the function has not asked for, oldest first."""
        return sorted(self._missing.values(), key=lambda s: s.begun_order)

    @property
    def has_results(self) -> bool:
        """Whether a result of the history has not been given."""
        return self._replaying and bool(self._results)

    def is_next(self, key: str) -> bool:
        """Whether this step's stored result is what happens next."""
        return self.has_results and self._results[0] == key and not self._starts

    def take(self, key: str) -> None:
        """Give this result, which is next, to the function's only thread at work: the loop does not wake for it."""
        self.visit(key)
        self._results.popleft()

    def awaits(self, key: str) -> bool:
        """Whether the step has ended, and its result has not had its turn."""
        return key in self._results

    def newcomers(self) -> list[str]:
        """Return the new steps that wait for the end of the history."""
        return [key for key, _ in self._newcomers]

    async def start(self) -> None:
        """Return when a new thread of the function may start."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._starts.append(future)
        await future

    async def result(self, key: str) -> None:
        """Return when this step may give its result."""
        future = self._listeners[key] = asyncio.get_running_loop().create_future()
        await future

    def ended(self, key: str) -> None:
        """Note that a step has ended here and now; its result comes after those before it."""
        self._results.append(key)

    async def live(self, key: str) -> None:
        """Return when the history has been given, so that a new step may begin."""
        if self._replaying:
            future = asyncio.get_running_loop().create_future()
            self._newcomers.append((key, future))
            await future

    def advance(self) -> bool:
        """Start a thread, give the next result, or let the new steps begin; return whether it did."""
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

"""The bodies of one replay's steps: a plain function in a thread of the replay, a coroutine on the body loop."""

from __future__ import annotations

import asyncio
import inspect
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any

from tarry_backend.replay.body_loop import RunningBody

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tarry._engine.operations import RunStep

__all__ = ["Bodies"]


class Bodies:
    """Calls bodies, and knows which coroutines of them still run."""

    def __init__(self) -> None:
        self._running: set[RunningBody[Any]] = set()

    async def call(self, operation: RunStep) -> Any:
        """What the step's body returns. What it raises is its own, also ``KeyboardInterrupt``: no signal reaches it."""
        body = partial(operation.handler, *operation.args, **operation.kwargs)
        if inspect.iscoroutinefunction(body):
            return await self._on_body_loop(body)
        loop = asyncio.get_running_loop()
        result = await loop.run_in_executor(None, copy_context().run, body)
        if not inspect.isawaitable(result):
            return result
        if asyncio.isfuture(result) and result.get_loop() is loop:  # a task that the function has begun
            return await result
        return await self._on_body_loop(lambda: result)

    def leave(self) -> None:
        """Leaves behind what still runs."""
        for body in self._running:
            body.leave()

    async def _on_body_loop(self, body: Callable[[], Awaitable[Any]]) -> Any:
        running = RunningBody(body)
        self._running.add(running)
        try:
            return await running.result()
        finally:
            self._running.discard(running)

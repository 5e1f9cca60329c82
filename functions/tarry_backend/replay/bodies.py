"""The bodies of one replay's steps: a plain function in a thread of the replay, a coroutine on the body loop."""

from __future__ import annotations

import asyncio
import inspect
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any

from tarry_backend.replay.body_loop import RunningBody
from tarry_backend.replay.body_span import BodySpan

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tarry._engine.operations import RunStep

__all__ = ["Bodies"]


class Bodies:
    """Calls bodies, and knows which coroutines of them still run."""

    def __init__(self) -> None:
        self._running: set[RunningBody[Any]] = set()

    async def call(self, operation: RunStep) -> Any:
        """What the step's body returns. What it raises is its own, also ``KeyboardInterrupt``: no signal reaches it.

        Raises:
            StepTimeoutError: The body takes longer than the step's timeout.
        """
        body, span = partial(operation.handler, *operation.args, **operation.kwargs), BodySpan.of(operation)
        if inspect.iscoroutinefunction(body):
            return await self._on_body_loop(body, span)
        loop = asyncio.get_running_loop()
        result = await _within(span, loop.run_in_executor(None, copy_context().run, body))
        if not inspect.isawaitable(result):
            return result
        if asyncio.isfuture(result) and result.get_loop() is loop:  # a task that the function has begun
            return await _within(span, result)
        return await self._on_body_loop(lambda: result, span)

    def leave(self) -> None:
        """Leaves behind what still runs."""
        for body in self._running:
            body.leave()

    async def _on_body_loop(self, body: Callable[[], Awaitable[Any]], span: BodySpan | None) -> Any:
        running = RunningBody(body, span)
        self._running.add(running)
        try:
            return await running.result()
        finally:
            self._running.discard(running)


async def _within(span: BodySpan | None, answer: asyncio.Future[Any]) -> Any:
    """Return the answer of a thread, if it comes in time. A thread cannot be stopped: it is left behind.

    The loop no longer counts a thread whose answer is cancelled, so that the replay ends without it:

        thread    body ────────────────────────────────── returns: dropped
        loop           ── time over: cancelled ── attempt kept ── the replay ends
    """
    if span is None:
        return await answer
    try:
        done, _ = await asyncio.wait([answer], timeout=max(0.0, span.left()))
    except asyncio.CancelledError:
        answer.cancel()
        raise
    if done:
        return answer.result()
    answer.cancel()
    raise span.error()

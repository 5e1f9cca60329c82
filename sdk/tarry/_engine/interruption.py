"""Whether user code raises an error, or is cut off from outside."""

from __future__ import annotations

import asyncio
from typing import Any

from tarry._engine.error_text import leaves
from tarry.errors import Suspended

__all__ = ["Death", "Presence", "is_death"]


class Death(BaseException):
    """The process is dead: nothing in it keeps anything, or goes on. Only an emulator of Lambda raises it."""


class Presence:
    """A task at the moment at which it calls user code.

    Somebody who cancels a task calls ``cancel()``, which the task counts. So a ``CancelledError`` without another
    count is an error of the code, such as a client's that gave up a request of its own:

        cancelled    begins ── cancel(): 1 more ── CancelledError     cut off
        an error     begins ────────────────────── CancelledError     raised
    """

    def __init__(self) -> None:
        self._task = _current_task()
        self._cancels = self._task.cancelling() if self._task else 0

    def is_cut_off(self, error: BaseException) -> bool:
        """Whether the error is to pass, and is no failure of the code."""
        kind = type(error)
        if issubclass(kind, asyncio.CancelledError):
            return self._task is not None and self._task.cancelling() > self._cancels
        if issubclass(kind, GeneratorExit):  # where the loop is gone, or another task runs, the coroutine is closed
            return self._task is None or _current_task() is not self._task
        return issubclass(kind, Suspended) or is_death(error)


def is_death(error: BaseException) -> bool:
    """Whether the error is a death, or a group that holds one."""
    return any(issubclass(type(each), Death) for each in leaves(error))


def _current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:  # no loop runs in this thread
        return None

"""The watch over a function's own timers: ``asyncio.sleep``, ``asyncio.timeout`` and the like, outside of steps.

Such a timer keeps the run in its executor: as long as it is set, the run is not suspended. Nothing of it is stored, so
each replay sets it anew, and whatever follows from it can differ from one replay to the next.

    wait_for(wait_for_event(...), 60)   executor ── timer: 60 s, and the Lambda is paid for ──── TimeoutError
    replay after a crash                executor ── another 60 s ── the event comes first: another way
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tarry._engine.place import Place
from tarry._wire.steady_logger import steady_logger
from tarry_backend.model.own_code import is_own

if TYPE_CHECKING:
    from types import FrameType

    from tarry_backend.replay.conclusion import Conclusion

__all__ = ["TimerWatch"]

logger = steady_logger("tarry.replay")

_LONG = 1.0
"""From how many seconds on a timer is worth a warning."""


class TimerWatch:
    """Warns, once a replay, of a timer that alone keeps the run in its executor."""

    def __init__(self, function_id: str, conclusion: Conclusion) -> None:
        self._function_id = function_id
        self._conclusion = conclusion
        self._has_warned = False

    def holds(self, seconds: float, loop: asyncio.AbstractEventLoop) -> None:
        """Note that the loop waits for nothing but a timer, for so long."""
        if seconds < _LONG or self._has_warned or self._conclusion.is_reached:
            return
        self._has_warned = True
        logger.warning(
            "function %r%s keeps its executor for %.0f s by a timer of its own, such as asyncio.sleep or "
            "asyncio.wait_for. No step stores it, so each replay starts it again. Use ctx.step.sleep, give the wait a "
            "timeout=, or put the code into a step",
            self._function_id,
            _place(loop),
            seconds,
        )


def _place(loop: asyncio.AbstractEventLoop) -> Place:
    """The line of user code that awaits asyncio's own code; else one that awaits anything."""
    found = Place()
    for task in asyncio.all_tasks(loop):
        frame, is_asyncio = _own(task.get_coro())
        if frame is not None and (is_asyncio or not found.file):
            found = Place(frame.f_code.co_filename, frame.f_lineno)
            if is_asyncio:
                return found
    return found


def _own(awaited: Any) -> tuple[FrameType | None, bool]:
    """The innermost frame of user code in a chain of coroutines, and whether it awaits asyncio's code."""
    own, is_asyncio = None, False
    while (frame := getattr(awaited, "cr_frame", None)) is not None:
        if is_own(frame.f_code.co_filename):
            own, is_asyncio = frame, False
        else:
            is_asyncio = str(frame.f_globals.get("__name__")).startswith("asyncio.")
        awaited = awaited.cr_await
    return own, is_asyncio

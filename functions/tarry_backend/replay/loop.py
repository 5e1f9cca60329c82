"""An event loop that notices when nothing more can happen.

A run is suspended exactly when its event loop would sleep for ever. asyncio asks its selector to wait. Our own selector
checks first: is nothing ready, is no timer set, does no thread work? It uses no private part of asyncio.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from tarry._engine.step_call import StepCall
from tarry_backend.replay.block_watch import TurnSelector
from tarry_backend.replay.threads import Threads

if TYPE_CHECKING:
    import selectors
    from collections.abc import Callable, Iterator
    from concurrent.futures import Executor

    from tarry._engine.step_call import CallRecord
    from tarry_backend.replay.timer_watch import TimerWatch

__all__ = ["GRACE", "LAST_GRACE", "QuietLoop", "Watcher"]

GRACE = 1.0
"""How many seconds an open connection may still bring something when all else rests.

A client's idle connection pool looks the same as an answer that is on its way. Only time tells them apart.
"""

LAST_GRACE = 30.0
"""The same where giving up fails the run, since none of its steps waits. Also for a foreign thread."""


class Watcher(Protocol):
    """The object that the loop asks and informs when it is quiet."""

    def progress(self) -> bool:
        """When nothing is ready: make something ready, if possible; return whether it did."""

    def is_busy(self) -> bool:
        """Whether some work is under way that will wake the loop."""

    def patience(self, *, connected: bool) -> float:
        """Return how many seconds something unknown may still come, over an open connection if there is one."""

    def come_to_rest(self) -> None:
        """Nothing more can happen."""


class CallSchedule(Protocol):
    """The object that the loop tells of calls that a task awaits."""

    def scheduled(self, record: CallRecord, task: asyncio.Task[Any]) -> None:
        """The task awaits the call."""


class _Selector(TurnSelector):
    def __init__(self, watcher: Watcher) -> None:
        super().__init__()
        self._watcher = watcher
        self._resting = False
        self.held: Callable[[float], None] | None = None
        self.awake = threading.Lock()
        self.awake.acquire()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0 or self._watcher.progress():
            return ready
        if self._resting or self._watcher.is_busy():
            return self._sleep(timeout)
        if timeout is not None:
            if self.held is not None and not self._has_connections():
                self.held(timeout)
            return super().select(timeout)
        if ready := super().select(self._watcher.patience(connected=self._has_connections())):
            return ready
        self._resting = True
        self._watcher.come_to_rest()
        return []

    def _sleep(self, timeout: float | None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for something to happen; whoever has ``awake`` meanwhile holds the loop back."""
        self.awake.release()
        try:
            return super().select(timeout)
        finally:
            self.awake.acquire()

    def _has_connections(self) -> bool:
        return len(self.get_map()) > 1  # one is the loop's own: threads wake it by that


_MOMENT = 0.01
"""How many seconds a thread waits for the loop to fall asleep. The loop is about to, once it has answered."""

_THREADS = 1000
"""The most threads; a Lambda just has room for them. Further step bodies wait for a free one."""


class QuietLoop(asyncio.SelectorEventLoop):
    """The loop. ``threads`` counts the calls that run in threads."""

    def __init__(self, watcher: Watcher) -> None:
        self.selector = _Selector(watcher)
        super().__init__(self.selector)
        self._threads = Threads(_THREADS)
        self.threads = 0
        self.calls: CallSchedule | None = None

    def watch_timers(self, watch: TimerWatch) -> None:
        """Have the watch told when only a timer keeps the loop."""
        self.selector.held = lambda seconds: watch.holds(seconds, self)

    def create_task(self, coro: Any, **options: Any) -> asyncio.Task[Any]:
        """As asyncio's. The task of a step call is noted: it awaits the call."""
        task: asyncio.Task[Any] = super().create_task(coro, **options)
        if self.calls is not None and isinstance(coro, StepCall):
            self.calls.scheduled(coro.record, task)
        return task

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """As asyncio's, but counted. ``asyncio.to_thread`` calls it too."""
        future = super().run_in_executor(executor or self._threads, func, *args)
        self.threads += 1
        future.add_done_callback(self._thread_ended)
        return future

    @contextmanager
    def asleep(self) -> Iterator[bool]:
        """From a thread: whether the loop sleeps until a thread wakes it. If so, it sleeps until the block's end."""
        is_asleep = self.selector.awake.acquire(timeout=_MOMENT)
        try:
            yield is_asleep
        finally:
            if is_asleep:
                self.selector.awake.release()

    def close(self) -> None:
        """As asyncio's. A thread that still works goes on without the loop."""
        self._threads.shutdown()
        super().close()

    def _thread_ended(self, _: asyncio.Future[Any]) -> None:
        self.threads -= 1

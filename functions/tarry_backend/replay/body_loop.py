"""The event loop of ``async def`` bodies of steps: one for all runs, for as long as the process lives.

A replay's own loop ends with the replay. A client that lives in a module (an HTTP client, a database pool) belongs to
the loop on which it opened its connections, so it would die with the first replay. Bodies therefore have a loop that
stays, in a thread of its own:

    function's loop    step ──┐┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┌── kept ── given ──── the replay ends
    body loop                 └── body: client ──┘                                         the client lives on

The function's loop waits for the body, and hands on its own cancellation. A body has its caller's context variables.
"""

from __future__ import annotations

import asyncio
import os
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tarry_backend.replay.block_watch import TurnSelector, standing_watch, unwatch
from tarry_backend.replay.body_span import FAREWELL
from tarry_backend.replay.threads import NAME, Threads

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from concurrent.futures import Executor

    from tarry_backend.replay.body_span import BodySpan

__all__ = ["BodyLoop", "RunningBody"]

T = TypeVar("T")

_THREADS = 256
"""The most threads for what bodies hand to ``asyncio.to_thread``. Past that, calls wait for a free one."""


class BodyLoop(asyncio.SelectorEventLoop):
    """The loop, and the daemon thread that runs it. The thread never ends by itself."""

    def __init__(self) -> None:
        self._selector_of_turns = TurnSelector()
        super().__init__(self._selector_of_turns)
        self._threads = Threads(_THREADS)
        self.running: set[asyncio.Task[Any]] = set()
        """All bodies, so that none is collected: Python would close it in the code of another."""
        self._thread = threading.Thread(target=self._serve, name=f"{NAME}bodies", daemon=True)
        self._thread.start()

    @classmethod
    def current(cls) -> BodyLoop:
        """The loop of this process. It is made when the first body needs it, and again if it is lost."""
        global _current
        with _lock:
            if _current is None or not _current._thread.is_alive():
                _current = cls()
                _made.append(_current)
            return _current

    def retire(self) -> None:
        """Has the next body make a new loop, since a body holds this one up."""
        global _current
        with _lock:
            if _current is self:
                _current = None
        unwatch(self._thread.ident)

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """As asyncio's, but in daemon threads: a call that never returns does not keep the process from ending."""
        return super().run_in_executor(executor or self._threads, func, *args)

    def _serve(self) -> None:
        """Runs for ever, whatever a body does: asyncio lets ``SystemExit`` through, and a body may stop the loop.

        The root is a task, and it is waited for: AnyIO keeps its idle threads for as long as such a task lives.
        """
        standing_watch(self._selector_of_turns, "the event loop of all async bodies of steps")
        root = self.create_task(_for_ever(), name="tarry: bodies of steps")
        while not (root.done() or self.is_closed()):
            with suppress(SystemExit, KeyboardInterrupt, RuntimeError):
                self.run_until_complete(root)


class RunningBody(Generic[T]):
    """A body on the body loop, as the loop that waits for it sees it."""

    def __init__(self, body: Callable[[], Awaitable[T]], span: BodySpan | None = None) -> None:
        self._body = body
        self._span = span
        self._loop = BodyLoop.current()
        self._task: asyncio.Task[T] | None = None
        self._wake: Callable[[], object] | None = None
        self._asked: set[str | None] = set()
        self._is_heard = self._is_told = self._is_late = False

    async def result(self) -> T:
        """Begins the body, and returns once it has ended, also after a cancellation: the body may still clean up.

        A cancellation may come too late for the body to hear of it. Then the caller must not go on with the result:

            function's loop    waits ────────────── cancelled ┐       ┌ told of the end: is cancelled, drops the result
            body loop          body ──── ends ┐               └┄┄┄┄┄┄┄┼┄┄► no task to cancel any more
                                              └┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┘

        A body that has heard of it decides by itself: it ends cancelled, or by an error, or with a result all the same.

        Raises:
            StepTimeoutError: The time of ``span`` is over. A body that then ends by an error or a result of its own
                ends so: it has decided.
        """
        home = asyncio.get_running_loop()
        ended: asyncio.Future[None] = home.create_future()
        self._wake = partial(home.call_soon_threadsafe, ended.set_result, None)
        self._loop.call_soon_threadsafe(self._begin)  # with the context variables of this task
        cancelled: asyncio.CancelledError | None = None
        while not ended.done():
            try:
                await asyncio.wait([ended], timeout=self._left() if cancelled is None else None)
            except asyncio.CancelledError as error:
                cancelled = error
                self._cancel(error.args[0] if error.args else None)
        assert self._task is not None
        try:
            if cancelled is not None and (self._task.cancelled() or not self._is_heard or self._is_late):
                raise cancelled
            if self._span is not None and self._is_late and self._task.cancelled():
                raise self._span.error()
            return self._task.result()
        finally:
            self._task = cancelled = None  # an error and the frame that raised it would keep each other alive

    def _left(self) -> float | None:
        """How many seconds to wait for the body. Once its time is over, it is cancelled, and has a few for its end.

        Raises:
            StepTimeoutError: It does not end. It is left behind.
        """
        if (span := self._span) is None:
            return None
        if (left := span.left()) > 0:
            return left
        if not self._is_late:
            self._is_late = True
            self._cancel(None)
        if (left := span.left(FAREWELL)) <= 0:
            self.leave()
            raise span.error()
        return left

    def leave(self) -> None:
        """Leaves the body behind. If it blocks its loop, the next bodies have another loop."""
        self._wake = None  # nor does the body keep the replay's objects alive
        if self._asked and not self._is_told:
            self._loop.retire()

    def _cancel(self, message: str | None) -> None:
        """AnyIO repeats a cancellation, with the same message, until the task ends; the body is told of it once."""
        if message is None or message not in self._asked:
            self._loop.call_soon_threadsafe(self._tell)
        self._asked.add(message)

    # On the body loop.

    def _begin(self) -> None:
        self._task = self._loop.create_task(_awaited(self._body))
        self._loop.running.add(self._task)
        self._task.add_done_callback(self._end)

    def _tell(self) -> None:
        self._is_told = True
        if (task := self._task) is not None and task.cancel():
            self._is_heard = True

    def _end(self, task: asyncio.Task[T]) -> None:
        self._loop.running.discard(task)
        if not task.cancelled():
            task.exception()  # asyncio would log it, should the caller have gone
        if (wake := self._wake) is not None:
            with suppress(RuntimeError):  # the replay has closed its loop
                wake()


async def _awaited(body: Callable[[], Awaitable[T]]) -> T:
    return await body()


async def _for_ever() -> None:
    while True:
        with suppress(asyncio.CancelledError):  # by a body that cancels all tasks which it finds
            await asyncio.get_running_loop().create_future()


_current: BodyLoop | None = None
_lock = threading.Lock()
_made: list[BodyLoop] = []
"""All loops, so that none is collected, and so closed: a fork shares its selector with the parent."""


def _forked() -> None:
    """A fork has no thread but the one that forked; what the others held stays held."""
    global _current, _lock
    _current, _lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)

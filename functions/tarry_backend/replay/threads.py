"""The threads in which plain functions run: handlers, branches, step bodies."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import Executor, Future
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable

__all__ = ["NAME", "Threads", "is_served", "strangers"]

T = TypeVar("T")

NAME = "tarry-"
"""How the names of all threads begin that replay starts."""


def strangers() -> bool:
    """Whether foreign threads are alive, which may have an answer for a function."""
    known = {threading.main_thread(), threading.current_thread()}
    return any(thread not in known and not thread.name.startswith(NAME) for thread in threading.enumerate())


def is_served(loop: AbstractEventLoop) -> bool:
    """Whether AnyIO has a thread at work for this loop. It starts its own, so the loop cannot count their calls.

    AnyIO's thread says for which loop it works. On the loop it enters the list of idle ones, then its answer is given:

        loop        to_thread.run_sync ┐                 ┌ idle again ── answer given
        its thread  (may be new)       └── at work ──────┘
    """
    if "anyio" not in sys.modules:
        return False
    mine = [thread for thread in threading.enumerate() if getattr(thread, "loop", None) is loop]
    return any(thread not in getattr(thread, "idle_workers", ()) for thread in mine)


class Threads(Executor):
    """A pool of daemon threads: unlike a ``ThreadPoolExecutor``'s, they do not keep the process from ending.

    So a function that does not end is left behind, and blocks neither ``tarry dev`` nor a test.
    """

    def __init__(self, most: int) -> None:
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._most = most
        self._started = 0

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Call ``fn`` in an idle thread, or in a new one; if all are busy, in the next that becomes idle."""
        future: Future[T] = Future()
        self._calls.put(partial(_call, future, partial(fn, *args, **kwargs)))
        if not self._idle.acquire(blocking=False) and self._started < self._most:
            self._started += 1
            threading.Thread(target=self._work, name=f"{NAME}{self._started}", daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let each thread end after its call. It never waits for them."""
        for _ in range(self._started):
            self._calls.put(None)

    def _work(self) -> None:
        while call := self._calls.get():
            call()
            self._idle.release()


def _call(future: Future[T], call: Callable[[], T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = call()
    except (StopIteration, GeneratorExit) as error:
        # No coroutine can await the first: before Python 3.12 asyncio waits for ever. The second, once awaited, closes
        # the coroutines that wait for it instead of being raised in them.
        stopped = RuntimeError(f"the function raised {type(error).__name__}")
        stopped.__cause__ = error
        future.set_exception(stopped)
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)

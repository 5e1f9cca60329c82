"""The signals that end ``tarry dev``."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

__all__ = ["interruptible"]


@contextmanager
def interruptible() -> Iterator[list[int]]:
    """Catch the signal by which Ctrl-C, or a supervisor, ends the command. A second Ctrl-C ends the process.

    This does not use an event: Python's handlers run in the main thread only. A lock without a timeout would block it
    when the system delivers the signal to another thread.
    """
    ended: list[int] = []

    def end(number: int, _frame: FrameType | None) -> None:
        if ended:
            raise KeyboardInterrupt
        ended.append(number)

    before = {each: signal.signal(each, end) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield ended
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)

"""The watch over event loops: code that blocks one gets a log line that names it.

``time.sleep``, or a client that is not async, in an ``async def`` stops its whole loop: no other step of the run goes
on, nor does a body of another run. Nobody notices, but that everything is slow.

The watch is a thread. It lives while replays run, and ends soon after the last one. Each loop counts its turns in its
selector, which is all that a step pays. The thread takes samples. A loop is blocked if it stands in the same turn for
several samples, and does not wait for anything:

    loop       turn 7 ── select ── turn 8: time.sleep ────────────────────────────────────
    watch                 7, waits      8        8        8        8        8: blocked

No clock decides. A Lambda that is frozen between two samples takes one sample late, and has no false alarm.
"""

from __future__ import annotations

import os
import selectors
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tarry._wire.steady_logger import steady_logger
from tarry_backend.model.own_code import own_frame
from tarry_backend.replay.threads import NAME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

__all__ = ["TurnSelector", "standing_watch", "unwatch", "watched"]

logger = steady_logger("tarry.replay")

_PAUSE = 0.25
"""Seconds between two samples."""

_SAMPLES = 5
"""A loop that stands in one turn for so many samples, hence for a second, is blocked."""

_DEBUGGERS = ("bdb.py", "pdb.py", "pydevd.py")


class TurnSelector(selectors.DefaultSelector):
    """A selector that counts the turns of its loop. ``waits`` while it waits for something to happen."""

    turns = 0
    waits = False

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.turns += 1
        self.waits = True
        try:
            return super().select(timeout)
        finally:
            self.waits = False


@dataclass(slots=True)
class _Watched:
    """A loop. ``turn`` is the one in which it stood at the last sample, and has for ``samples``.

    ``seen`` are the lines of a function that were named. A loop of bodies serves many runs, and has none.
    """

    selector: TurnSelector
    what: str
    seen: set[tuple[str, int]] | None
    turn: int = -1
    samples: int = 0

    def is_blocked(self) -> bool:
        """Take a sample: whether the loop has now been blocked for long. True once for each turn."""
        turn = self.selector.turns
        if self.selector.waits or turn != self.turn:
            self.turn, self.samples = turn, 0
            return False
        self.samples += 1
        return self.samples == _SAMPLES - 1


class _Watch:
    """The loops that are watched, by their threads, and the thread that takes the samples."""

    def __init__(self) -> None:
        self.replays: dict[int, _Watched] = {}
        self.standing: dict[int, _Watched] = {}
        self._lock = threading.Lock()
        self._pause = threading.Event()
        self._is_running = False

    def begin(self, loop: _Watched) -> None:
        """Watch the loop of this thread."""
        with self._lock:
            self.replays[threading.get_ident()] = loop
            if self._is_running:
                return
            self._is_running = True
        threading.Thread(target=self._run, name=f"{NAME}watch", daemon=True).start()

    def end(self) -> None:
        """Watch the loop of this thread no longer."""
        self.replays.pop(threading.get_ident(), None)

    def _run(self) -> None:
        while True:
            self._pause.wait(_PAUSE)
            for thread, loop in [*self.replays.items(), *self.standing.items()]:
                if loop.is_blocked():
                    _teach(loop, sys._current_frames().get(thread))
            with self._lock:
                if not self.replays:
                    self._is_running = False
                    return


def _teach(loop: _Watched, frame: FrameType | None) -> None:
    """Log where the user's code blocks: of a function, each line once a replay."""
    at_work = frame
    while at_work is not None:
        if at_work.f_code.co_filename.endswith(_DEBUGGERS):
            return  # at a breakpoint
        at_work = at_work.f_back
    own = own_frame(frame)
    if own is None:
        return
    place = own.f_code.co_filename, own.f_lineno
    if loop.seen is not None:
        if place in loop.seen:
            return
        loop.seen.add(place)
    logger.warning(
        "%s line %s, in %s, has blocked %s for a second. Nothing else on this event loop goes on meanwhile. "
        "Await an async call, such as asyncio.sleep or asyncio.to_thread(...); or give ctx.step.run a plain def, which "
        "runs in a thread of its own",
        *place,
        own.f_code.co_name,
        loop.what,
    )


@contextmanager
def watched(selector: TurnSelector, what: str) -> Iterator[None]:
    """Within it, watch the loop of this thread; ``what`` is blocked if it is."""
    _watch.begin(_Watched(selector, what, set()))
    try:
        yield
    finally:
        _watch.end()


def standing_watch(selector: TurnSelector, what: str) -> None:
    """Watch the loop of this thread as well, whenever a replay runs."""
    _watch.standing[threading.get_ident()] = _Watched(selector, what, None)


def unwatch(thread: int | None) -> None:
    """Watch the loop of that thread no longer."""
    if thread is not None:
        _watch.standing.pop(thread, None)


_watch = _Watch()


def _forked() -> None:
    """A fork has no thread but the one that forked."""
    global _watch
    _watch = _Watch()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)

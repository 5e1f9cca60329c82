"""Invocations that are under way at the same time: one moves at a time, and stops at each of its AWS calls."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

from tarry_dev.cloud.crash import Crash

if TYPE_CHECKING:
    from collections.abc import Callable

    from tarry_dev.cloud.chaos import Odds

__all__ = ["Turns", "give_way", "takes_turns"]


class Turns:
    """Takes turns between invocations, in an order of chance::

        matcher     log ─────────────────── shapes ── index ┄┄
        executor         shape ── wait ┄┄┄┄┄                  ┄┄ log read

    Each is a thread that runs only while ``step`` waits for it, so a play is the same each time.
    """

    def __init__(self, odds: Odds) -> None:
        self._odds = odds
        self._under_way: list[_Actor] = []

    def __len__(self) -> int:
        return len(self._under_way)

    def begin(self, act: Callable[[], object]) -> None:
        """Add an invocation. It waits for its first turn."""
        self._under_way.append(_Actor(act))

    def step(self) -> None:
        """Let one invocation go on to its next AWS call, or to its end; raise what it raises."""
        actor = self._odds.random.choice(self._under_way)
        actor.go()
        if actor.is_over:
            self._under_way.remove(actor)
            if actor.error is not None:
                raise actor.error

    def close(self) -> None:
        """End all of them where they stand."""
        for actor in self._under_way:
            actor.die()
        self._under_way.clear()


class _Actor:
    """A thread that does ``act``, from turn to turn."""

    def __init__(self, act: Callable[[], object]) -> None:
        self.is_over = False
        self.error: BaseException | None = None
        self._act = act
        self._must_die = False
        self._turn, self._rest = threading.Lock(), threading.Lock()
        for each in (self._turn, self._rest):
            each.acquire()  # the next to acquire it waits until the other side releases it
        self._thread = threading.Thread(target=self._run, name="tarry-invocation", daemon=True)

    def go(self) -> None:
        """Have it go on; return once it stops."""
        if not self._thread.is_alive():
            self._thread.start()
        self._turn.release()
        self._rest.acquire()

    def die(self) -> None:
        """End it where it stands."""
        self._must_die = True
        while not self.is_over:
            self.go()

    def give_way(self) -> None:
        """Stop, in its own thread, until it is its turn again."""
        self._rest.release()
        self._turn.acquire()
        if self._must_die:
            raise Crash("the embedded cloud is closed")

    def _run(self) -> None:
        self._turn.acquire()
        with ExitStack() as end:
            end.callback(self._rest.release)
            _here.actor = self
            try:
                if not self._must_die:
                    self._act()
            except BaseException as error:  # raised again where the turns are taken
                self.error = error
            self.is_over = True


class _Here(threading.local):
    actor: _Actor | None = None


_here = _Here()
"""Of the thread: what a body does in a thread of its own takes no turns."""


def takes_turns() -> bool:
    """Whether this thread is one that takes turns."""
    return _here.actor is not None


def give_way() -> None:
    """Stop until it is this thread's turn again."""
    assert _here.actor is not None
    _here.actor.give_way()

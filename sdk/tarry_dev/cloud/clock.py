"""The two clocks of an embedded cloud: the real one, and one that the test moves."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from tarry.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from time_machine import Traveller

__all__ = ["START", "Clock", "MovedClock", "RealClock"]

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
"""Where a moved clock starts by default: always the same Monday noon, so that no test depends on its day."""


class Clock(Protocol):
    """The time of a cloud, in Unix milliseconds. It is in force while the clock is entered."""

    @property
    def ticked(self) -> int:
        """By how many milliseconds ticks have moved it."""

    def start(self) -> None:
        """Make this clock's time the time."""

    def stop(self) -> None:
        """Restore the previous time."""

    def now(self) -> int:
        """Return the present moment."""

    def tick(self) -> None:
        """Note that something has happened: the next thing happens later."""

    def move_to(self, moment: int) -> None:
        """Return when it is ``moment``; at once if that is past."""

    def true(self) -> AbstractContextManager[None]:
        """Return a context in which the process has this time, also while a Lambda has its own."""


class RealClock:
    """The clock on the wall. ``move_to`` waits."""

    ticked = 0

    def start(self) -> None:
        """It is running."""

    def stop(self) -> None:
        """It goes on."""

    def now(self) -> int:
        return time.time_ns() // 1_000_000

    def tick(self) -> None:
        """It ticks by itself."""

    def move_to(self, moment: int) -> None:
        time.sleep(max(0, moment - self.now()) / 1000)

    def true(self) -> AbstractContextManager[None]:
        return nullcontext()


class MovedClock:
    """A clock that stands still until it is moved; the whole process lives by it, as time-machine arranges.

    It begins at ``start``, an aware ``datetime`` that is cut to the millisecond. With each tick, so with each
    message that is sent or delivered, it goes on by ``step`` milliseconds: no two things happen at the same
    moment, unless ``step`` is 0. ``time.monotonic`` and ``time.sleep``, hence event loops, keep to real time.
    """

    def __init__(self, start: datetime = START, *, step: int = 1) -> None:
        if start.tzinfo is None:
            raise UsageError(f"{start!r} has no time zone: give an aware datetime, such as with tzinfo=UTC")
        self._start = start
        self._step = step
        self.ticked = 0
        self._life = ExitStack()
        self._traveller: Traveller | None = None
        self._ahead = 0

    def start(self) -> None:
        # It imports pytest where that is installed, which takes a fifth of a second: none of that in real
        # time.
        import time_machine

        seconds = int(self._start.replace(microsecond=0).timestamp())
        # Not the datetime itself: with that, time-machine changes the process's time zone as well.
        self._traveller = self._life.enter_context(time_machine.travel(seconds, tick=False))
        self._shift(self._start.microsecond // 1000)

    def stop(self) -> None:
        self._life.close()

    def now(self) -> int:
        return time.time_ns() // 1_000_000 - self._ahead

    def tick(self) -> None:
        self.ticked += self._step
        self._shift(self._step)

    def skew(self, milliseconds: int) -> None:
        """Let the process's time be so far ahead of this clock, whose own time stays: a Lambda's clock is."""
        self._shift(milliseconds - self._ahead)
        self._ahead = milliseconds

    @contextmanager
    def true(self) -> Iterator[None]:
        if not (ahead := self._ahead):
            yield
            return
        self.skew(0)
        try:
            yield
        finally:
            self.skew(ahead)

    def move_to(self, moment: int) -> None:
        self._shift(max(0, moment - self.now()))

    def _shift(self, milliseconds: int) -> None:
        assert self._traveller is not None, "the clock is not started"
        # A timedelta is exact. Seconds as a float are not: a moment would fall into the millisecond before.
        self._traveller.shift(timedelta(milliseconds=milliseconds))

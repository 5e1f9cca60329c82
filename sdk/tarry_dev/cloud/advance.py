"""The moves of a served cloud's clock: someone asks for one, and the thread that moves the cloud makes it."""

from __future__ import annotations

import math
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from tarry._engine.error_text import shown
from tarry.durations import milliseconds
from tarry.errors import UsageError
from tarry_dev.cloud.ahead_clock import AheadClock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from threading import Event as Flag

    from tarry_dev.cloud.clock import Clock
    from tarry_dev.cloud.pump import Pump
    from tarry_dev.cloud.schedules import Schedules
    from tarry_dev.cloud.sweep import Sweep

__all__ = ["Advances", "Moved"]

_IDLE = 0.01
"""Seconds between two looks at whether the bodies that run have ended."""

_PROMPT = 3_000
"""Within how many milliseconds whatever is due has happened."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A move that was made: the present moment in Unix milliseconds, the move, and how far the clock is ahead now.

    ``next`` is the next timer after it, in Unix milliseconds, or ``None``.
    """

    now: int
    moved: int
    ahead: int
    next: int | None


class Advances:
    """The moves that were asked for, in their order.

    A move stops wherever something happens: a delay ends, a deadline passes, a cron fires. There it waits until all
    bodies that run have ended. So three days pass as they would by themselves, but for the waiting.
    """

    def __init__(self, clock: Clock, pump: Pump, sweep: Sweep, schedules: Schedules, stopping: Flag) -> None:
        self._clock = clock
        self._pump = pump
        self._sweep = sweep
        self._schedules = schedules
        self._stopping = stopping
        self._asked: SimpleQueue[tuple[int | None, Future[Moved]]] = SimpleQueue()

    def ask(self, body: object) -> Moved:
        """Have the clock moved as a request's body says, ``{"by": "3d"}`` or ``{"next": true}``; return once it is.

        Raises:
            UsageError: The body says something else, nothing is to come, or the cloud ends meanwhile.
        """
        if not isinstance(self._clock, AheadClock):
            raise UsageError("the clock of this cloud cannot be moved: serve it with clock=AheadClock(file)")
        by = _by(body)
        moved: Future[Moved] = Future()
        self._asked.put((by, moved))
        self._pump.wake()
        return moved.result()

    def run(self) -> None:
        """Make the moves that were asked for."""
        with suppress(Empty):
            while True:
                by, moved = self._asked.get_nowait()
                try:
                    moved.set_result(self._move(by))
                except Exception as error:
                    moved.set_exception(error)

    def close(self) -> None:
        """Refuse the moves that were not made."""
        with suppress(Empty):
            while True:
                with suppress(InvalidStateError):
                    self._asked.get_nowait()[1].set_exception(UsageError("tarry dev ended before the clock was moved"))

    def _move(self, by: int | None) -> Moved:
        self._settle()
        before = self.ahead
        if by is not None:
            self._move_to(self._clock.now() + by)
        else:
            if (timer := self._next_timer()) is None:
                raise UsageError("there is no next timer: no run sleeps, waits or retries, and no cron is to come")
            self._move_past(timer)
        return Moved(self._clock.now(), self.ahead - before, self.ahead, self._next_timer())

    @property
    def ahead(self) -> int:
        """By how many milliseconds the clock is ahead of real time."""
        return self._clock.ahead if isinstance(self._clock, AheadClock) else 0

    def _next_timer(self) -> int | None:
        now = self._clock.now()
        moments = [due for due in self._sweep.dues() if due > now]
        if (scheduled := self._schedules.next_moment) is not None:
            moments.append(scheduled)
        return math.ceil(min(moments)) if moments else None

    def _move_past(self, moment: int) -> None:
        """To a timer, and on until what is due by then has happened: exactly at its deadline a wait is still open."""
        self._move_to(moment)
        while any(due <= moment for due in self._sweep.dues()):
            following = self._pump.next_moment
            if following is None or following > moment + _PROMPT:
                return
            self._move_to(following)

    def _move_to(self, moment: int) -> None:
        while (stop := self._pump.next_moment) is not None and stop <= moment:
            swept = self._sweep.next_moment
            self._clock.move_to(stop)
            if swept is not None and swept <= self._clock.now():
                self._sweep.run()
            self._schedules.run()
            self._settle()
        self._clock.move_to(moment)
        self._settle()

    def _settle(self) -> None:
        """Deliver what can be delivered now, and wait for the bodies that run."""
        while True:
            # This first: what ends between the two looks may have sent a message, and the next step finds it.
            is_idle = self._pump.is_idle
            if self._pump.step():
                continue
            if is_idle:
                return
            if self._stopping.wait(_IDLE):
                raise UsageError("tarry dev ended before the clock was moved")


def _by(body: object) -> int | None:
    fields: Mapping[str, Any] = body if isinstance(body, dict) else {}
    if fields == {"next": True}:
        return None
    if fields.keys() != {"by"}:
        raise UsageError('say how far: {"by": "3d"}, or {"next": true} for the next timer')
    if (span := milliseconds(fields["by"])) < 0:
        raise UsageError(f"time only goes forward, not by {shown(fields['by'])}")
    return span

"""What moves the embedded cloud: messages to their functions, the clock to where something happens next."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event, Lock, RLock
from typing import TYPE_CHECKING

from tarry._wire.steady_logger import steady_logger
from tarry.errors import TarryError
from tarry_dev.cloud.no_loop import outside_a_loop
from tarry_dev.cloud.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tarry_dev.cloud.chaos import Odds
    from tarry_dev.cloud.clock import Clock
    from tarry_dev.cloud.message import Message
    from tarry_dev.cloud.queue import LocalQueue
    from tarry_dev.cloud.schedules import Schedules
    from tarry_dev.cloud.sweep import Sweep

__all__ = ["EndlessError", "Pump"]

_LONGEST_REST = 0.5
"""Seconds. So late at most is noticed what changes without a message: a clock that is set, a queue that is let go."""

_log = steady_logger(__name__)


class EndlessError(TarryError):
    """Messages cause messages without end: a run loops, and no time passes."""


class Pump:
    """Delivers what can be delivered, oldest first, one batch at a time, so that a test is the same each time.

    In a served cloud runs go side by side, as on AWS: see ``side_by_side``. The queues take turns there, so that a run
    goes on while thousands of events wait for the matcher. With a chaos, several invocations may be
    under way at the same time. ``limit`` is the most batches between two moves of the clock.
    """

    def __init__(
        self, clock: Clock, queues: Sequence[LocalQueue], sweep: Sweep, schedules: Schedules, limit: int, odds: Odds
    ) -> None:
        self._clock = clock
        self._queues = queues
        self._sweep = sweep
        self._schedules = schedules
        self._limit = limit
        self._odds = odds
        self._turns = Turns(odds)
        self._batches = 0
        self._alone = RLock()
        self._workers: ThreadPoolExecutor | None = None
        self._free = self._most = 0
        self._counting = Lock()
        self._news = Event()
        self._last_turns: dict[LocalQueue, int] = {}

    @contextmanager
    def side_by_side(self, runs: int) -> Iterator[None]:
        """Within it, messages of several runs are delivered at the same time, each in a thread.

        So a run with a slow step does not hold up the others. At the end it waits for those that are under way.
        """
        with ThreadPoolExecutor(runs, thread_name_prefix="tarry-runs") as workers:
            self._workers, self._free, self._most = workers, runs, runs
            try:
                yield
            finally:
                self._workers = None

    @property
    def is_idle(self) -> bool:
        """Whether no run is under way in a thread of its own."""
        with self._alone:
            return self._free == self._most

    @property
    def next_moment(self) -> int | None:
        """When something happens next, in Unix milliseconds: now or later; None if nothing is to come."""
        moments = [queue.next_delivery for queue in self._queues if not queue.is_held]
        moments += [self._sweep.next_moment, self._schedules.next_moment]
        earliest = min((moment for moment in moments if moment is not None), default=None)
        return None if earliest is None else max(math.ceil(earliest), self._clock.now())

    def run(self) -> int:
        """Delivers until nothing can be delivered now. Returns the number of batches."""
        with self._alone:
            before = self._batches
            while self.step():
                if self._batches - before >= self._limit and (queue := self._next_queue()):
                    raise EndlessError(self._circle(queue))
            return self._batches - before

    def step(self) -> bool:
        """Delivers one batch, or lets one that is under way go on; false if nothing can happen now."""
        with self._alone:
            self._news.clear()
            queue = self._next_queue()
            if queue and self._begins_now():
                self._batches += 1
                self._deliver(queue)
            elif self._turns:
                self._turns.step()
            else:
                return False
        return True

    def wake(self) -> None:
        """End a rest: there may be something to deliver."""
        self._news.set()

    def rest(self, until: int) -> None:
        """Return once something can be delivered, or at ``until``, or within half a second. To be used after a
        ``step`` that found nothing.

        step    looks at the queues ─ nothing
        others                          message ─ wake
        rest                                           returns at once
        """
        moments = [queue.next_delivery for queue in self._queues if not queue.is_held and not self._is_full(queue)]
        moments += [until, self._schedules.next_moment]
        earliest = min(moment for moment in moments if moment is not None)
        self._news.wait(max(0.0, min(_LONGEST_REST, (math.ceil(earliest) - self._clock.now()) / 1000)))

    def close(self) -> None:
        """End what is under way, where it stands."""
        self._turns.close()

    def _begins_now(self) -> bool:
        """Whether another batch is delivered now, before one that is under way goes on."""
        under_way, most = len(self._turns), self._odds.chaos.at_once
        return under_way == 0 or (under_way < most and self._odds.happens(0.5))

    def advance(self, until: int) -> int:
        """Moves the clock to ``until``, with a stop wherever something happens. Returns the number of batches."""
        with self._alone:
            count = self.run()
            while (moment := self.next_moment) is not None and moment <= until:
                swept = self._sweep.next_moment
                self._clock.move_to(moment)
                if moment == swept:
                    self._sweep.run()
                self._schedules.run()
                count += self.run()
            self._clock.move_to(until)
            return count + self.run()

    def catch_up(self, limit: int, slack: int = 0) -> int:
        """Moves the clock on, by ``limit`` milliseconds at most, until nothing that is due now is still open.

        What is due within ``slack`` milliseconds counts as due now.
        """
        now = self._clock.now()
        count = 0
        with self._alone:
            while any(due <= now + slack for due in self._sweep.dues()):
                moment = self.next_moment
                if moment is None or moment > now + limit:
                    break
                count += self.advance(moment)
        return count

    def _next_queue(self) -> LocalQueue | None:
        now = self._clock.now()
        ready = [
            (moment, place)
            for place, queue in enumerate(self._queues)
            if not queue.is_held
            and not self._is_full(queue)
            and (moment := queue.next_delivery) is not None
            and moment <= now
        ]
        if not ready:
            return None
        if self._workers is None:
            return self._queues[min(ready)[1]]
        return min((self._queues[place] for _, place in ready), key=self._turn)

    def _turn(self, queue: LocalQueue) -> tuple[bool, int]:
        """Whose turn it is in a served cloud: the smallest first. A run only begins here, and goes on in a thread; a
        batch of another queue takes the pump's own time.

        events     ── batch ──────────────────── batch ──
        runs       run run (until all threads are at work) run ──
        timers                ── batch ──
        """
        return not queue.spec.fifo, self._last_turns.get(queue, 0)

    def _deliver(self, queue: LocalQueue) -> None:
        self._clock.tick()
        self._last_turns[queue] = self._batches
        if not (batch := queue.receive()):
            return  # all have been received too often, and are dead letters now
        if self._odds.chaos.at_once > 1:
            self._turns.begin(lambda: queue.deliver(batch))
        elif self._workers is None or not queue.spec.fifo:
            outside_a_loop(lambda: queue.deliver(batch))
        else:
            with self._counting:
                self._free -= 1
            self._workers.submit(self._deliver_aside, queue, batch)

    def _deliver_aside(self, queue: LocalQueue, batch: Sequence[Message]) -> None:
        try:
            queue.deliver(batch)
        except Exception:
            _log.exception("the embedded cloud stumbled over a run, and goes on")
        finally:
            with self._counting:
                self._free += 1
            self.wake()

    def _is_full(self, queue: LocalQueue) -> bool:
        return self._workers is not None and queue.spec.fifo and self._free == 0

    def _circle(self, queue: LocalQueue) -> str:
        waiting = {queue.spec.name: len(queue.messages) for queue in self._queues}
        return (
            f"{self._limit:,} batches were delivered, and there is still something to deliver: does a run "
            f"wake itself for ever? Messages by queue: {waiting}; the next is {queue.messages[0].body[:200]}"
        )

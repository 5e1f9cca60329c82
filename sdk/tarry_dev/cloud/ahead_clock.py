"""The clock of a served cloud: real time, and ahead of it by what a person moved it."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING

from tarry_dev.cloud.clock import RealClock
from tarry_dev.moved_time import ahead_of, travel

if TYPE_CHECKING:
    from pathlib import Path

    from time_machine import Traveller

__all__ = ["AheadClock"]


class AheadClock(RealClock):
    """Real time until it is moved, and then so much ahead: it ticks on from there.

    Once it was moved, the whole process lives by it, your code too, as time-machine arranges. ``time.monotonic`` and
    ``time.sleep`` keep to real time. How far it is ahead is kept in ``file``, in milliseconds: what is stored with a
    moved time must not lie in the future after a restart.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._life = ExitStack()
        self._traveller: Traveller | None = None
        self._ahead = 0

    @property
    def ahead(self) -> int:
        """By how many milliseconds it is ahead of the real time."""
        return self._ahead

    def start(self) -> None:
        self._ahead = ahead_of(self._file)
        if self._ahead:
            self._travel()

    def stop(self) -> None:
        self._life.close()
        self._traveller = None

    def move_to(self, moment: int) -> None:
        step = moment - self.now()
        if step <= 0:
            return
        # The file is first: after a crash here the clock is ahead of what has happened, never behind it.
        self._write(self._ahead + step)
        self._ahead += step
        if self._traveller is None:
            self._travel()
        else:
            self._traveller.shift(timedelta(milliseconds=step))

    def _travel(self) -> None:
        self._traveller = self._life.enter_context(travel(self._ahead))

    def _write(self, ahead: int) -> None:
        unfinished = self._file.with_suffix(".part")
        unfinished.write_text(f"{ahead}\n")
        unfinished.replace(self._file)

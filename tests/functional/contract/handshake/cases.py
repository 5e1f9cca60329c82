"""Small worlds: one wait, a few events, and how they are delivered."""

from dataclasses import dataclass
from typing import Any

from tarry._wire.internal_events import FINISHED
from tarry.durations import milliseconds
from tarry_dev.cloud.clock import START

__all__ = ["BEGAN", "NAME", "OTHER_NAME", "PLACED", "REGISTERED", "Case", "Sent"]

BEGAN = int(START.timestamp() * 1000)
"""When the event was received that starts the run, in Unix milliseconds: the wait's ``since``."""

REGISTERED = BEGAN + 100
"""When the wait is registered, by the executor's clock: its timeout counts from here."""

PLACED, NAME, OTHER_NAME = "placed", "paid", "left"
"""The event that starts the run, the one that it waits for, and one that it may wait for or be cancelled by."""


@dataclass(frozen=True, slots=True)
class Sent:
    """An event: received so many milliseconds after the run's own. Whether it matches is said by hand."""

    id: str
    at: int
    data: dict[str, Any]
    matches: bool = True
    name: str = NAME

    @property
    def received_at(self) -> int:
        """In Unix milliseconds."""
        return BEGAN + self.at


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The function waits once, for ``expression``; ``batches`` are deliveries to matchers, by the events' ids.

    ``twice`` are the kinds of messages that come twice: ``start``, ``resume``, ``settle``, ``due``. ``dies`` is an
    actor, and before which of its calls it dies, counted from 1; its message comes back. ``lag_is_bounded`` is what the
    design reckons with: the index lags no longer than the settle is delayed. ``busy``: the log is kept by key, too.
    ``announces``: the wait is for the end of a run, and the one event is that, whose executor announces it.
    ``two_names``: the wait is for the first of two events. ``cancels``: an event of the other name cancels the run.
    """

    expression: str | None
    events: tuple[Sent, ...]
    batches: tuple[tuple[str, ...], ...]
    timeout: str = "1h"
    twice: frozenset[str] = frozenset()
    dies: tuple[str, int] | None = None
    lag_is_bounded: bool = True
    busy: bool = False
    two_names: bool = False
    cancels: bool = False
    announces: bool = False

    @property
    def name(self) -> str:
        """Of the event that the run waits for."""
        return FINISHED if self.announces else NAME

    @property
    def deadline(self) -> int:
        """Of the wait, in Unix milliseconds."""
        return REGISTERED + milliseconds(self.timeout)

    @property
    def is_timed(self) -> bool:
        """Whether the deadline comes to pass: what is due within three minutes goes straight into the timers queue."""
        return milliseconds(self.timeout) <= 180_000

    @property
    def answers(self) -> list[Sent]:
        """What may end the wait, the earliest first."""
        within = (
            each
            for each in self.events
            if each.matches and (self.two_names or each.name == self.name) and BEGAN < each.received_at <= self.deadline
        )
        return sorted(within, key=lambda each: (each.at, each.id))

    def sent(self, event_id: str) -> Sent:
        """The event of that id."""
        return next(each for each in self.events if each.id == event_id)

"""A debounce's windows of one key, as the events of the log make them. Pure.

events     a ── b ── c                              d ── e
windows    first ── latest ────── period: ends      first …
                                      │
                                      └ c starts a run. All up to c is through: a and b are absorbed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tarry_backend.model.event_place import EventPlace
    from tarry_backend.model.position import Position

__all__ = ["CALM", "Calm", "Spans", "Window"]


class Spans(NamedTuple):
    """How long a window lasts without a further event, and how long at most if there is such a limit; milliseconds."""

    period: int
    timeout: int | None = None

    def first_look(self, first: int) -> int:
        """Return when a window is looked at for the first time, if its first event was received at ``first``."""
        return first + (self.period if self.timeout is None else min(self.period, self.timeout))


class Window(NamedTuple):
    """Events of which the latest starts a run: when the first one was received, and where the latest is."""

    first: int
    latest: EventPlace

    def ends(self, spans: Spans) -> int:
        """Return when the window ends, if no further event comes. An event received at that moment is still in it."""
        quiet = self.latest.position.received_at + spans.period
        return quiet if spans.timeout is None else min(quiet, self.first + spans.timeout)


@dataclass(frozen=True, slots=True)
class Calm:
    """The windows of one key, in their order: two at most, since the end of one is known a little late.

        window 1    a ──────── ends                     (its marker)
        event                        b: window 2            │
        firing                                              a

    ``through`` is up to which position events are done with: they have started a run, or were absorbed. ``firing`` are
    windows that have ended, and whose starts may not have been sent yet. ``due`` is when somebody looks at it next.
    ``version`` counts its changes.
    """

    windows: tuple[Window, ...] = ()
    through: Position | None = None
    firing: tuple[Window, ...] = ()
    due: int | None = None
    version: int = 0

    def with_event(self, place: EventPlace, spans: Spans) -> Calm:
        """Return the windows with one more event, in whichever order events come. Twice the same changes nothing.

        Windows that come to touch each other become one. A third one fires the first: its marker is behind by more than
        the period, and so is what could still belong in it.
        """
        if self.through is not None and place.position <= self.through:
            return self
        moment = place.position.received_at
        windows = list(self.windows)
        for number, window in enumerate(windows):
            if window.first - spans.period <= moment <= window.ends(spans):
                windows[number] = Window(min(window.first, moment), max(window.latest, place))
                break
        else:
            windows = sorted([*windows, Window(moment, place)])
        merged = replace(self, windows=_merged(windows, spans))
        return merged if len(merged.windows) <= 2 else merged.fired(merged.windows[1].first, spans)

    def fired(self, moment: int, spans: Spans) -> Calm:
        """Return the windows after those have ended that end before ``moment``, or are no longer the last two."""
        calm = self
        while calm.windows and (calm.windows[0].ends(spans) < moment or len(calm.windows) > 2):
            ended, *others = calm.windows
            calm = replace(calm, windows=tuple(others), firing=(*calm.firing, ended), through=ended.latest.position)
        return calm

    def opened_by(self, place: EventPlace) -> bool:
        """Return whether a window begins with this event, or with another of its millisecond."""
        return any(window.first == place.position.received_at for window in self.windows)


CALM = Calm()
"""No event has come."""


def _merged(windows: list[Window], spans: Spans) -> tuple[Window, ...]:
    merged: list[Window] = []
    for window in windows:
        if merged and window.first <= merged[-1].ends(spans):
            merged[-1] = Window(merged[-1].first, max(merged[-1].latest, window.latest))
        else:
            merged.append(window)
    return tuple(merged)

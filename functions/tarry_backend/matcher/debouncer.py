"""The debouncer: a function starts with the latest event of a key, once no further one has come for a while.

Every change of a key's windows is one conditional write, and what follows from it is repeated until it is stored:

    event     noted ── joins the window ─┬─ (the first one) timer
    marker                               │            ends: firing, through ── noted ── start sent ── no longer firing
    dies      at any place: the event's record, or the marker, comes again, or the sweep finds the window due
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from tarry_backend.clock import now
from tarry_backend.matcher.starts import Starts
from tarry_backend.model.calm import CALM, Spans
from tarry_backend.model.event_place import EventPlace
from tarry_backend.model.gathered_event import GatheredEvent
from tarry_backend.model.window_name import function_of_window
from tarry_backend.queues.delays import delay_until
from tarry_backend.queues.messages import Carried, Due
from tarry_backend.queues.sender import HORIZON
from tarry_backend.store import EventGoneError
from tarry_backend.store.due_index import CALMS
from tarry_backend.telemetry import logger

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tarry_backend.matcher.starts import DeclaredApp
    from tarry_backend.matcher.window_entry import WindowEntry
    from tarry_backend.model.calm import Calm
    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_backend.queues.messages import Start, WindowEnd
    from tarry_backend.queues.sender import Queues
    from tarry_backend.store import Store
    from tarry_backend.telemetry import Meter

__all__ = ["Debouncer"]

_AT_ONCE = Spans(0)
"""The spans of a function whose code has no debounce any more: its open windows end at their time."""


class Debouncer:
    """The debouncer of one matcher."""

    def __init__(self, app: DeclaredApp, store: Store, queues: Queues, meter: Meter) -> None:
        self._app = app
        self._calms = store.calms
        self._gathered = store.gathered
        self._log = store.log
        self._queues = queues
        self._meter = meter

    def take(self, name: str, gathered: Iterable[WindowEntry]) -> None:
        """Take events of one key into its window.

        An event counts from where it was first received, which is noted. So one that is sent again, under the same
        id, neither prolongs a window nor opens one:

            event     a: noted ── window 1 ── absorbed                  a again: was received when all is through

        It stays in the windows of the key under which it was noted, also if a deployment has changed the key since.
        """
        noted: dict[str, list[EventPlace]] = defaultdict(list)
        for each in gathered:
            there = self._noted(name, each)
            noted[there.window].append(there.place)
        for window, places in noted.items():
            self._take(window, sorted(places))

    def _take(self, name: str, places: Sequence[EventPlace]) -> None:
        spans = self._spans(name)
        calm = self._joined(name, places, spans)
        if calm.firing:
            self._finish(name, calm)
        for place in places:
            if calm.opened_by(place):  # also one that comes again: the matcher before it may have died
                self._arm(name, spans.first_look(place.position.received_at))

    def end(self, message: WindowEnd, moment: int, *, again: bool) -> None:
        """Let the window start its run, if it has ended at ``moment``; else look again when it ends.

        Timers follow the time, not the events: however many prolong a window, it has one timer, which goes back for the
        rest.

            events    a ── b ── c ────────────────────
            timer     a + period: c is there ── c + period: ends
        """
        name, spans = message.name, self._spans(message.name)
        calm = self._calms.read(name)
        if calm.firing:
            calm = self._finish(name, calm)
        if calm.due is None:
            return
        if message.due < calm.due:  # another timer is on its way, unless this one's matcher died before it sent that
            if again:
                self._arm(name, calm.due)
            return
        fired = calm.fired(moment, spans)
        if fired.firing:
            if not self._calms.replace(name, calm, fired, now()):
                self.end(message, moment, again=again)
                return
            self._finish(name, replace(fired, version=calm.version + 1))
            return
        due = calm.windows[0].ends(spans) if calm.windows else None
        if not self._calms.replace(name, calm, replace(calm, due=due), now()):
            self.end(message, moment, again=again)
        elif due is not None:
            self._arm(name, due)

    def _noted(self, name: str, entry: WindowEntry) -> GatheredEvent:
        """Return the event as it was first received."""
        received = entry.received
        place = EventPlace(received.position, received.event.name)
        return self._gathered.note(GatheredEvent(entry.run_id, name, place), now())

    def _joined(self, name: str, places: Sequence[EventPlace], spans: Spans) -> Calm:
        """Return the windows with these events. One request, unless events overtook each other or a window has ended.

        matcher 1    reads ──────────── writes: refused ── reads ── writes
        matcher 2          ── writes
        """
        if len(_all(CALM, places, spans).windows) == 1:
            joined, calm = self._calms.join(name, places, spans)
            if joined:
                return calm
        else:
            calm = self._calms.read(name)
        while (joined_by_all := _all(calm, places, spans)) != calm:
            look = spans.first_look(joined_by_all.windows[0].first)
            due = look if calm.due is None else min(calm.due, look)
            changed = replace(joined_by_all, due=due)
            if self._calms.replace(name, calm, changed, now()):
                if calm.due is None or due < calm.due:
                    self._arm(name, due)
                return replace(changed, version=calm.version + 1)
            calm = self._calms.read(name)
        return calm

    def _finish(self, name: str, calm: Calm) -> Calm:
        """Send the starts of the windows that have ended, then note that they are sent. Return the windows then.

        It may be done twice: the same event starts a function once.
        """
        done = calm.firing
        for window in done:
            try:
                received = self._log.find(window.latest.name, window.latest.position)
            except EventGoneError as error:  # it would hold up all windows of its key, for ever
                logger.error("a window of function %s starts no run: %s", function_of_window(name), error)
                continue
            start = self._start(name, received)
            self._calms.note(name, window, start.run_id, now())
            self._queues.send_to_runs([start])
        while any(window in calm.firing for window in done):
            left = tuple(window for window in calm.firing if window not in done)
            due = self._spans(name).first_look(calm.windows[0].first) if calm.windows else None
            sent = replace(calm, firing=left, due=calm.due if left else due)
            if self._calms.replace(name, calm, sent, now()):
                return replace(sent, version=calm.version + 1)
            calm = self._calms.read(name)
        return calm

    def _start(self, name: str, received: ReceivedEvent) -> Start:
        return Starts(self._app, received, Carried.of(received), self._meter).start(function_of_window(name))

    def _spans(self, name: str) -> Spans:
        """Return the spans by the code as it is now. No window lasts longer than the log has its latest event."""
        function = self._app.functions.get(function_of_window(name))
        if function is None or function.flow.debounce is None:
            return _AT_ONCE
        period, timeout = function.flow.debounce.limits
        return Spans(min(period, self._log.longest_window), timeout)

    def _arm(self, name: str, due: int) -> None:
        """Send a timer that is due soon. The sweep finds a later one in the index."""
        moment = now()
        if due - moment < HORIZON:
            self._queues.send_to_timers([(Due(name, None, CALMS, due), delay_until(due, moment, CALMS))])


def _all(calm: Calm, places: Iterable[EventPlace], spans: Spans) -> Calm:
    for place in places:
        calm = calm.with_event(place, spans)
    return calm

"""The batcher: a function starts with several events at once, when there are enough, or after a time.

event     read ── in a batch? ── added ─┬─ (the first one) timer
full                                    └ closed ── a trace for each event ── start sent ── noted as started
marker    the same, if the batch is still open when its time is over
dies      at any place: the event's record, or the marker, comes again, or the sweep finds the batch due
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tarry.batch import MAX_BATCH_BYTES
from tarry_backend.clock import now
from tarry_backend.model.event_batch import EventBatch, Member
from tarry_backend.model.event_identity import hashed_id
from tarry_backend.model.event_place import EventPlace
from tarry_backend.model.trace import NoRun, Trace
from tarry_backend.model.window_name import function_of_window
from tarry_backend.queues.delays import delay_until
from tarry_backend.queues.messages import Carried, Due, Start
from tarry_backend.queues.sender import HORIZON
from tarry_backend.store import EventGoneError
from tarry_backend.store.due_index import BATCHES
from tarry_backend.store.event_json import event_text
from tarry_backend.telemetry import logger

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tarry_backend.matcher.starts import DeclaredApp
    from tarry_backend.matcher.window_entry import WindowEntry
    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_backend.queues.messages import WindowEnd
    from tarry_backend.queues.sender import Queues
    from tarry_backend.store import Store

__all__ = ["Batcher", "batch_run_id"]


def batch_run_id(first: str) -> str:
    """Return the id of a batch's run, of the id of the run that its first event would start by itself.

    An event is in one batch. So no two batches have the same id, and no batch has that of an event's own run.
    """
    return hashed_id(json.dumps(["batch", first]))


class Batcher:
    """The batcher of one matcher."""

    def __init__(self, app: DeclaredApp, store: Store, queues: Queues) -> None:
        self._app = app
        self._batches = store.batches
        self._runs = store.runs
        self._starts = store.starts
        self._log = store.log
        self._queues = queues

    def take(self, name: str, entries: Iterable[WindowEntry]) -> None:
        """Take events of one key into its batches, each once, however often it comes."""
        most, open_for = self._limits(name)
        left: dict[str, Member] = {}
        for entry in sorted(entries, key=lambda each: each.received.position):
            left.setdefault(entry.run_id, _member(entry))  # of an event that came twice, where it was first received
        mine = {member.place.position.received_at for member in left.values()}
        while left:
            seen = self._batches.read(name)
            if left.keys() & seen.closing.keys():  # it comes again: the matcher that closed its batch may have died
                self._finish(name, seen)
                seen = self._batches.read(name)
            left = self._without(left, seen)
            if left and (added := self._added(name, seen, left, most, open_for)) is not None:
                seen = added
            if (
                seen.opened is not None and seen.opened in mine
            ):  # also if the event comes again: the matcher before may have died
                self._arm(name, seen.opened + open_for)
            if len(seen.members) >= most or seen.size >= MAX_BATCH_BYTES:
                self._close(name, seen)

    def end(self, message: WindowEnd, moment: int, *, again: bool) -> None:
        """Start the batch, if its time is over at ``moment``. It may have been full before."""
        name, (_, open_for) = message.name, self._limits(message.name)
        seen = self._batches.read(name)
        if seen.closing:
            self._finish(name, seen)
            seen = self._batches.read(name)
        if seen.opened is None:
            return
        ends = seen.opened + open_for
        if ends < moment:
            if not self._close(name, seen):
                self.end(message, moment, again=again)
        elif (seen.due is not None and seen.due <= message.due) or again:
            self._batches.look_at(name, seen, ends)
            self._arm(name, ends)

    def _without(self, left: Mapping[str, Member], seen: EventBatch) -> dict[str, Member]:
        """Return the events that are in no batch: not in these, and without a trace of an earlier one."""
        new = {run_id: member for run_id, member in left.items() if not seen.has(run_id)}
        decided = self._runs.decided(new)
        return {run_id: member for run_id, member in new.items() if run_id not in decided}

    def _added(
        self, name: str, seen: EventBatch, left: dict[str, Member], most: int, open_for: int
    ) -> EventBatch | None:
        """Add what fits in the open batch, and take it out of ``left``; return the batch, ``None`` if it has changed.

        If the next event does not fit, the batch is closed as it is.
        """
        fitting: dict[str, Member] = {}
        size = seen.size
        for run_id, member in left.items():
            is_full = len(seen.members) + len(fitting) >= most or size + member.size > MAX_BATCH_BYTES
            if is_full and (seen.members or fitting):
                break
            fitting[run_id] = member
            size += member.size
        if not fitting:
            self._close(name, seen)
            return None
        added = self._batches.add(name, seen, fitting, most, open_for)
        if added is not None:
            for run_id in fitting:
                del left[run_id]
            if left and len(added.members) < most:  # by its bytes it is full
                self._close(name, added)
        return added

    def _close(self, name: str, seen: EventBatch) -> bool:
        """Close the batch and start its run; return false if it has changed meanwhile."""
        if seen.closing:
            self._finish(name, seen)
            seen = self._batches.read(name)
        closed = self._batches.close(name, seen, now()) if seen.members else None
        if closed is not None:
            self._finish(name, closed)
        return closed is not None

    def _finish(self, name: str, closed: EventBatch) -> None:
        """Leave a trace for each event of the closed batch, send its start, then note that it is sent.

        It may be done twice. The traces come first: from then on the events are known to be in a batch. An event that a
        deployment has let into another batch, or start a run of its own, is left out:

            batch     e: added ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄ closed: e has a run, and is left out
            deployed             without the option ── e again: its own run
        """
        if not closed.closing:
            return
        members = sorted(closed.closing.items(), key=lambda item: item[1].place)
        function_id = function_of_window(name)
        run_id = batch_run_id(members[0][0])
        left = self._left(Trace(member_id, function_id, NoRun.BATCHED, now(), by=run_id) for member_id, _ in members)
        places = [member.place for member_id, member in members if member_id in left]
        if (first := self._first(places)) is not None:
            batch = [place.fields() for place in places]
            self._queues.send_to_runs([Start(run_id, function_id, Carried.of(first), batch=batch)])
        _, open_for = self._limits(name)
        seen = closed
        while self._batches.started(name, seen, open_for, now()) is None:
            seen = self._batches.read(name)
            if seen.closing != closed.closing:  # another matcher has done it
                return

    def _left(self, traces: Iterable[Trace]) -> set[str]:
        """Leave the traces; return the ids of those that are there, and not a run or another trace in their place."""
        new, others = set(), {}
        for trace in traces:
            if self._starts.leave(trace):
                new.add(trace.run_id)
            else:
                others[trace.run_id] = trace.by
        there = self._runs.decided(others) if others else {}
        return new | {each for each, by in others.items() if there.get(each) == by}

    def _first(self, places: Iterable[EventPlace]) -> ReceivedEvent | None:
        """Return the first of the events that the log still has: one that it has no more holds up no others."""
        for place in places:
            try:
                return self._log.find(place.name, place.position)
            except EventGoneError as error:
                logger.error("a batch lacks an event: %s", error)
        return None

    def _limits(self, name: str) -> tuple[int, int]:
        """Return the size and the time by the code as it is now. A batch whose function has none any more is over."""
        function = self._app.functions.get(function_of_window(name))
        batch = None if function is None else function.flow.batch_events
        return (1, 0) if batch is None else (batch.max_size, min(batch.open_for, self._log.longest_window))

    def _arm(self, name: str, due: int) -> None:
        """Send a timer that is due soon. The sweep finds a later one in the index."""
        moment = now()
        if due - moment < HORIZON:
            self._queues.send_to_timers([(Due(name, None, BATCHES, due), delay_until(due, moment, BATCHES))])


def _member(entry: WindowEntry) -> Member:
    received = entry.received
    return Member(
        EventPlace(received.position, received.event.name),
        len(event_text(received.event).encode("utf-8", "surrogatepass")),
    )

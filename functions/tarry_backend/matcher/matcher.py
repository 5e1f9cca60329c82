"""The matcher: it logs each event, starts the event's functions, and resumes the waits that it matches."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tarry_backend.clock import now
from tarry_backend.events.address import to_cancel, to_retry
from tarry_backend.matcher.batch import Record, read_batch
from tarry_backend.matcher.fan_out import WaitFanOut
from tarry_backend.matcher.gatherer import Gatherer
from tarry_backend.matcher.outbox import Outbox
from tarry_backend.matcher.starts import Starts
from tarry_backend.matching.keys import match_key
from tarry_backend.model.event_identity import identity
from tarry_backend.model.received_event import ReceivedEvent
from tarry_backend.queues.cancel_runs import request_cancel
from tarry_backend.queues.carried_event import carried_event
from tarry_backend.queues.delays import marker_delay
from tarry_backend.queues.messages import Carried, Deadline, FanOut, Marker, RetryRun, WindowEnd
from tarry_backend.store import LogEntry
from tarry_backend.store.traffic import Traffic, shards_for
from tarry_backend.telemetry import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from tarry_backend.matcher.starts import DeclaredApp
    from tarry_backend.queues.sender import Queues
    from tarry_backend.store import Name, Store
    from tarry_backend.telemetry import Meter

__all__ = ["BEHIND", "LoggedBatch", "Matcher", "QueueBehindError"]

BEHIND = 5_000
"""The lag, in milliseconds, beyond which a queue is behind: from the sending of a message to its first receipt.

A marker is delayed by two seconds at most.
"""

_SHARE = 4
"""A marker in a queue that is behind waits for this part of the time that it was in the queue."""

_SOON = 2
"""After how many seconds SQS delivers a failed record again."""


class QueueBehindError(Exception):
    """A marker came from a queue that is behind. SQS delivers it once more, after the events before it."""


@dataclass(frozen=True, slots=True)
class LoggedBatch:
    """A batch whose events are in the log.

    ``knew`` has each name as the matcher knew it when it logged. ``names`` has each name as it is once the matcher has
    acted on the first event of that name. ``failed`` has, by message id, the errors of events that could not be logged.
    """

    records: Sequence[Record]
    knew: Mapping[str, Name]
    failed: Mapping[str, Exception]
    names: dict[str, Name] = field(default_factory=dict)

    def check_logged(self, deadline: int) -> None:
        """Raise the error of an unlogged event before a marker's deadline: SQS then delivers the marker again."""
        for record in self.records:
            error = self.failed.get(record.message_id)
            content = record.content
            if error is not None and isinstance(content, ReceivedEvent) and content.received_at <= deadline:
                raise error

    def events(self) -> list[ReceivedEvent]:
        """Return the batch's events."""
        return [record.content for record in self.records if isinstance(record.content, ReceivedEvent)]


class Matcher:
    """The matcher: it sends the runs queue what follows from each event, and only then counts the event."""

    def __init__(self, app: DeclaredApp, store: Store, queues: Queues, meter: Meter) -> None:
        self._app = app
        self._store = store
        self._queues = queues
        self._meter = meter
        self._traffic = Traffic()
        self._waits = WaitFanOut(store, queues, meter)
        self._gatherer = Gatherer(app, store, queues, meter)

    def handle(
        self, records: Iterable[Mapping[str, Any]], out_of_time: Callable[[], bool] = lambda: False
    ) -> list[str]:
        """Process SQS records; return the ids of the messages that SQS must deliver again.

        A record is done when all messages that follow from it are sent. The matcher sends those of the whole batch
        together. Records of a further delivery are last. Before each of them the matcher sends what it has, and deletes
        the records that are done. So if the record kills this matcher, too, no other record is repeated:

            fresh    a: start ── b: resume ──┐
            again                            └ sent, a and b deleted ── k: kills the matcher

        Args:
            out_of_time: Whether the invocation nears its end. Then SQS delivers the rest again.
        """
        batch = self.log(read_batch(records))
        outbox = Outbox(self._queues, self._gatherer)
        failed: list[Record] = []
        acted: list[Record] = []
        for record in batch.records:
            if record.again and acted:
                failed += self._finish(acted, outbox)
                acted = []
            done = not out_of_time() and self._acted(record, batch, outbox)
            (acted if done else failed).append(record)
        failed += self._unsent(acted, outbox)
        for record in failed:
            if not record.again:  # throttling passes; a record that fails again waits for the visibility timeout
                self._queues.retry_event(record.receipt, _pause(record))
        return [record.message_id for record in failed]

    def log(self, records: Sequence[Record]) -> LoggedBatch:
        """Log a batch's events, before the matcher acts on any of them.

        A wait that is registered at the same time either is in the index when the matcher asks, or its own look into
        the log, which is after its writing, finds the event:

            executor    shape ──── wait ──────────── log read
            matcher            log ──── shapes ─ index
        """
        batch = LoggedBatch(records, {}, {})
        try:
            return LoggedBatch(records, self._log(batch.events()), {})
        except Exception:  # one by one, so that an event that cannot be logged does not delay the others
            return LoggedBatch(records, {}, self._log_each(records))

    def act(self, record: Record, batch: LoggedBatch, outbox: Outbox) -> None:
        """Act on one record of a logged batch; raise the error for which SQS must deliver its message again."""
        outbox.write_for(record.message_id)
        if (error := batch.failed.get(record.message_id)) is not None:
            raise error
        match record.content:
            case ReceivedEvent() as incoming:
                self.fan_out(incoming, self._name(incoming.event.name, batch), outbox)
            case Marker() as marker:
                batch.check_logged(marker.deadline)
                self._pass_deadline(marker, record, outbox)
            case WindowEnd() as end:
                batch.check_logged(end.due)
                self._end_window(end, record, outbox)
            case FanOut() as message:
                self.go_on(message, outbox)
            case Exception() as error:
                raise error

    def fan_out(self, incoming: ReceivedEvent, name: Name, outbox: Outbox) -> None:
        """Start the event's functions, resume the waits that it matches, and cancel or retry the run that it names."""
        carried = Carried.of(incoming)
        starts = Starts(self._app, incoming, carried, self._meter)
        outbox.send_to_runs(starts)
        outbox.gather(starts.gathered)
        if (run_id := to_cancel(incoming.event, self._app.id)) is not None:
            request_cancel([run_id], self._store, outbox)
        if (wanted := to_retry(incoming.event, self._app.id)) is not None:
            outbox.send_to_runs([RetryRun(*wanted, identity(incoming.event))])
        keys = (match_key(incoming.event.name, shape, incoming.event) for shape in name.lookups)
        matches = sum(self._waits.resume(incoming, carried, key, outbox) for key in keys if key is not None)
        starts.check()
        outbox.count("Events")
        outbox.count("Matches", matches)

    def go_on(self, message: FanOut, outbox: Outbox) -> None:
        """Continue a fan-out that was too large for one message."""
        matched = self._waits.go_on(carried_event(message.carried, self._store.log), message, outbox)
        outbox.count("Matches", matched)

    def _finish(self, acted: Sequence[Record], outbox: Outbox) -> list[Record]:
        """Send what follows from these records, and delete those that are done; return the others."""
        left = self._unsent(acted, outbox)
        done = [record for record in acted if record not in left]
        if done:
            self._queues.delete_events(record.receipt for record in done)
        return left

    def _unsent(self, acted: Sequence[Record], outbox: Outbox) -> list[Record]:
        """Send what follows from these records; return those of which something could not be sent."""
        outbox.flush()
        for record in acted:
            if outbox.is_sent(record.message_id):
                outbox.publish(record.message_id, self._meter)
        return [record for record in acted if not outbox.is_sent(record.message_id)]

    def _acted(self, record: Record, batch: LoggedBatch, outbox: Outbox) -> bool:
        try:
            self.act(record, batch, outbox)
        except QueueBehindError:
            return False
        except Exception:
            logger.exception("message %s failed; SQS delivers it again", record.message_id)
            return False
        return True

    def _pass_deadline(self, marker: Marker, record: Record, outbox: Outbox) -> None:
        """Send a deadline to the executor, once its marker has left the queue behind the events received before it.

        The queue's clock says when the marker left, and also when events are received. If the clock of the Lambda that
        sent the marker was ahead, the marker is early, and goes back.

        A standard queue has no strict order, least of all when it is behind. A marker that was in the queue for long
        stays there once more for a quarter of that time, so that the events before it leave first:

            sent ──────── in the queue for 40 s ──────── out ── 10 s ── out again: passed on

        It keeps its place in the queue. A new message would wait behind all messages sent meanwhile.
        """
        if self._is_over(marker, marker.deadline, record):
            outbox.send_to_runs([Deadline(marker.run_id, marker.step_key)])

    def _end_window(self, end: WindowEnd, record: Record, outbox: Outbox) -> None:
        """End a window in the same way, once the events of this batch are in it."""
        if self._is_over(end, end.due, record):
            outbox.flush()
            self._gatherer.end(end, record.first_received, again=record.again)

    def _is_over(self, marker: Marker | WindowEnd, deadline: int, record: Record) -> bool:
        moment = record.first_received
        if moment <= deadline:
            self._queues.send_to_matcher(marker, marker_delay(deadline, moment))
        elif _lag(record) > BEHIND and not record.again:
            raise QueueBehindError
        return moment > deadline

    def _log(self, events: Sequence[ReceivedEvent]) -> dict[str, Name]:
        """Write the events into the log; return their names as this matcher knows them."""
        known: dict[str, Name] = {}
        for event_name, count in Counter(each.event.name for each in events).items():
            wanted = shards_for(self._traffic.count(event_name, count))
            known[event_name] = self._store.names.spread_log(event_name, wanted)
        moment = now()
        self._store.log.append(
            LogEntry(each, name.shards_to_write(moment), _keys(each, name.shapes))
            for each in events
            for name in [known[each.event.name]]
        )
        return known

    def _log_each(self, records: Iterable[Record]) -> dict[str, Exception]:
        failed: dict[str, Exception] = {}
        for record in records:
            if isinstance(record.content, ReceivedEvent):
                try:
                    self._log([record.content])
                except Exception as error:
                    failed[record.message_id] = error
        return failed

    def _name(self, event_name: str, batch: LoggedBatch) -> Name:
        """Return the name as it is now, read once a batch.

        If shapes are new since the matcher logged the batch, it now logs the name's events by their keys.
        """
        if event_name not in batch.names:
            name, knew = self._store.names.of(event_name), batch.knew.get(event_name)
            if new := name.shapes.keys() - (knew.shapes.keys() if knew else ()):
                alike = (each for each in batch.events() if each.event.name == event_name)
                self._store.log.append(LogEntry(each, 0, _keys(each, new)) for each in alike)
            batch.names[event_name] = name
        return batch.names[event_name]


def _lag(record: Record) -> int:
    """Return how long, in milliseconds, the record was in the queue."""
    return record.first_received - record.sent


def _pause(record: Record) -> int:
    """Return after how many seconds SQS delivers a failed record again."""
    waits = isinstance(record.content, Marker | WindowEnd) and _lag(record) > BEHIND
    return max(_SOON, _lag(record) // (_SHARE * 1000)) if waits else _SOON


def _keys(received: ReceivedEvent, shapes: Iterable[str]) -> tuple[str, ...]:
    """Return the match keys of the event under these shapes."""
    keys = (match_key(received.event.name, shape, received.event) for shape in shapes)
    return tuple(key for key in keys if key is not None)

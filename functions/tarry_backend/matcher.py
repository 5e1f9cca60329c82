"""Events find what they start and what they resume."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from tarry.errors import ExpressionError, UsageError
from tarry.event import base32
from tarry_backend.delays import marker_delay
from tarry_backend.intake import parse, received
from tarry_backend.matching import MatchError, match_key, residual_holds, trigger_holds
from tarry_backend.messages import Carried, Deadline, FanOut, Marker, MessageError, Resume, Start, decode
from tarry_backend.received import Received
from tarry_backend.store import waits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from tarry import App, TriggerEvent
    from tarry_backend.queues import Queues
    from tarry_backend.store import EventLog, Store

    Count = Callable[[str, int], None]

__all__ = ["PAGES", "Batch", "Matcher", "run_id_of"]

PAGES = 10
"""How many pages of waits one message resumes before it hands the rest to a continuation."""

_INTERNAL = "tarry/"


def run_id_of(app_id: str, function_id: str, event_id: str) -> str:
    """The run that an event starts: the same event, the same run. 128 bits of a hash, written as a ULID is."""
    digest = hashlib.sha256(f"{app_id}/{function_id}/{event_id}".encode("utf-8", "surrogatepass")).digest()
    return base32(int.from_bytes(digest[:16]))


class Matcher:
    """Tells the runs queue what each event means. ``count`` takes a metric's name and by how much it grows."""

    def __init__(self, app: App, store: Store, queues: Queues, count: Count) -> None:
        self._app = app
        self._store = store
        self._queues = queues
        self._count = count
        self._noted: set[tuple[str, str]] = set()

    def batch(self, records: Iterable[Mapping[str, Any]]) -> Batch:
        """Reads a batch of SQS records and logs its events, before any of them is acted on.

        The log comes first. A wait that is registered now either stands in the index when it is asked, or its
        own look into the log, which comes after its writing, finds the event:

            executor    shape ──── wait ──────────── log read
            matcher            log ──── shapes ─ index
        """
        batch = Batch(records)
        try:
            self._store.log.append(batch.events())
        except Exception:  # one by one, so that an event which cannot be logged does not hold up the others
            batch.log_each(self._store.log)
        return batch

    def fan_out(self, incoming: Received, shapes: Iterable[str]) -> None:
        """Starts what the event starts, and resumes what waits for it.

        A trigger that cannot be read holds up nothing else. It is raised at the end, so that the event comes to the
        dead-letter queue, from where it starts the function once that is mended.
        """
        carried = Carried.of(incoming)
        unreadable: list[str] = []
        self._count("Events", 1)
        self._count("Starts", self._queues.tell_runs(self._starts(incoming, carried, unreadable)))
        for shape in sorted(shapes):
            key = match_key(incoming.event.name, shape, incoming.event)
            if key is not None:
                self._resume(incoming, carried, key, None)
        if unreadable:
            raise UsageError("; ".join(unreadable))

    def go_on(self, message: FanOut) -> None:
        """Goes on with a fan-out that was too large for one message."""
        carried = message.carried
        self._resume(self._store.log.carried(carried), carried, message.match_key, message.start)

    def pass_deadline(self, marker: Marker, moment: int) -> None:
        """A deadline's marker has come out of the queue, behind the events that were received before it.

        ``moment`` is when, by the queue's clock, which is the one that events are received by. Were a Lambda's
        clock ahead of it, the marker would be early, and goes back.
        """
        if moment > marker.deadline:
            self._queues.tell_runs([Deadline(marker.run_id, marker.step_key)])
        else:
            self._queues.tell_matcher(marker, marker_delay(marker.deadline, moment))

    def shapes(self, event_name: str) -> frozenset[str]:
        """By what the open waits on that name can be found."""
        return self._store.shapes.of(event_name)

    def _starts(self, incoming: Received, carried: Carried, unreadable: list[str]) -> Iterator[Start]:
        for function in self._app.functions.values():
            try:
                triggered = any(self._triggers(trigger, incoming) for trigger in function.triggers)
            except ExpressionError as error:
                unreadable.append(f"the trigger of function {function.id!r}: {error}")
                continue
            if triggered:
                yield Start(run_id_of(self._app.id, function.id, incoming.event.id), function.id, carried)

    def _triggers(self, trigger: TriggerEvent, incoming: Received) -> bool:
        name = incoming.event.name
        if not trigger.names(name) or (name.startswith(_INTERNAL) and not trigger.event.startswith(_INTERNAL)):
            return False  # "*" means the user's events: a run's own end would start it again, for ever
        if trigger.expression is None:
            return True
        try:
            return trigger_holds(trigger.expression, incoming.event, incoming.received_at)
        except MatchError:
            self._count("MatchErrors", 1)
            return False

    def _resume(self, incoming: Received, carried: Carried, key: str, start: waits.PageKey | None) -> None:
        for _ in range(PAGES):
            page = waits.candidates(key, start)
            self._count("Matches", self._queues.tell_runs(self._resumes(incoming, carried, page.candidates)))
            if page.next is None:
                return
            start = page.next
        self._queues.tell_matcher(FanOut(key, start or {}, carried))

    def _resumes(self, incoming: Received, carried: Carried, candidates: Iterable[waits.Candidate]) -> Iterator[Resume]:
        for wait in candidates:
            if wait.covers(incoming.position) and self._matches(wait, incoming):
                yield Resume(wait.run_id, wait.step_key, carried)

    def _matches(self, wait: waits.Candidate, incoming: Received) -> bool:
        if wait.residual is None:
            return True
        try:
            return residual_holds(wait.residual, wait.bindings, incoming.event, incoming.received_at)
        except MatchError as error:
            self._tell(wait, incoming, error)
            return False

    def _tell(self, wait: waits.Candidate, incoming: Received, error: MatchError) -> None:
        """Counts an expression that could not be evaluated, and says so on the wait, once."""
        self._count("MatchErrors", 1)
        target = (wait.run_id, wait.step_key)
        if target not in self._noted:
            self._noted.add(target)
            self._store.runs.note(*target, f"event {incoming.event.id} could not be compared: {error}")


class Batch:
    """The records of one invocation, read: events, markers, continuations, and what is none of these."""

    def __init__(self, records: Iterable[Mapping[str, Any]]) -> None:
        self._read: dict[str, Received | Marker | FanOut | Exception] = {}
        self._moments: dict[str, int] = {}
        self._shapes: dict[str, frozenset[str]] = {}
        for record in records:
            self._read[record["messageId"]] = _read(record)
            self._moments[record["messageId"]] = int(record["attributes"]["ApproximateFirstReceiveTimestamp"])

    def events(self) -> list[Received]:
        """The batch's events."""
        return [item for item in self._read.values() if isinstance(item, Received)]

    def log_each(self, log: EventLog) -> None:
        """Logs the events one by one; those that cannot be logged fail."""
        for message_id, item in self._read.items():
            if isinstance(item, Received):
                try:
                    log.append([item])
                except Exception as error:
                    self._read[message_id] = error

    def order(self, message_id: str) -> tuple[int, object]:
        """Events go by position, so that a wait is told of the earlier one first; markers go behind them."""
        item = self._read[message_id]
        return (0, item.position) if isinstance(item, Received) else (1, ())

    def process(self, message_id: str, matcher: Matcher) -> None:
        """Acts on one record."""
        match self._read[message_id]:
            case Received() as incoming:
                name = incoming.event.name
                if name not in self._shapes:
                    self._shapes[name] = matcher.shapes(name)
                matcher.fan_out(incoming, self._shapes[name])
            case Marker() as marker:
                matcher.pass_deadline(marker, self._moments[message_id])
            case FanOut() as message:
                matcher.go_on(message)
            case Exception() as error:
                raise error


def _read(record: Mapping[str, Any]) -> Received | Marker | FanOut | MessageError:
    try:
        fields = parse(record["body"])
        if "tarry" not in fields:
            return received(fields, int(record["attributes"]["SentTimestamp"]))
        message = decode(record["body"])
        if isinstance(message, Marker | FanOut):
            return message
        return MessageError(f"a {message.kind} message does not belong into the events queue")
    except MessageError as error:
        return error

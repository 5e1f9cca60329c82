"""Events find what they start and what they resume."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

from tarry.errors import ExpressionError, UsageError
from tarry_backend.events.address import addressee, run_id_of, to_cancel
from tarry_backend.events.envelope import parse, received_event
from tarry_backend.matching import MatchError, match_key, residual_holds, trigger_holds, value_key
from tarry_backend.model.received_event import ReceivedEvent
from tarry_backend.queues.cancel_runs import request_cancel
from tarry_backend.queues.delays import marker_delay
from tarry_backend.queues.messages import Carried, Deadline, FanOut, Marker, MessageError, Resume, Start, decode
from tarry_backend.store import wait_index
from tarry_backend.store.traffic import BUSY, Traffic, shards_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tarry import App, Event, Function, TriggerEvent
    from tarry_backend.queues.sender import Queues
    from tarry_backend.store import Name, Store
    from tarry_backend.telemetry import Meter

__all__ = ["PAGES", "Batch", "Matcher"]

T = TypeVar("T")

PAGES = 10
"""How many pages of waits one message resumes before it hands the rest to a continuation."""

_PARTS = "01234567"
"""With what the places of waits begin, all equally often: a run's id is 128 random bits in digits of five."""

_INTERNAL = "tarry/"


class Matcher:
    """Tells the runs queue what each event means. An event is counted when all that it means has been told."""

    def __init__(self, app: App, store: Store, queues: Queues, meter: Meter) -> None:
        self._app = app
        self._store = store
        self._queues = queues
        self._meter = meter
        self._traffic = Traffic()
        self._noted: set[tuple[str, str]] = set()

    def batch(self, records: Iterable[Mapping[str, Any]]) -> Batch:
        """Reads a batch of SQS records and logs its events, before any of them is acted on.

        The log comes first. A wait that is registered now either stands in the index when it is asked, or its
        own look into the log, which comes after its writing, finds the event:

            executor    shape ──── wait ──────────── log read
            matcher            log ──── shapes ─ index

        Of a busy name the log by key comes before that by name: so whatever is there by name is there by key.
        """
        batch = Batch(records)
        try:
            batch.knew = self._log(batch.events())
        except Exception:  # one by one, so that an event which cannot be logged does not hold up the others
            batch.log_each(self._log)
        return batch

    def name(self, event_name: str, events: Iterable[ReceivedEvent], knew: Name | None) -> Name:
        """What is known of the name now. What is newer than this matcher ``knew`` when it logged the events by key is
        made up for."""
        name = self._store.names.of(event_name)
        if knew is None or (name.shapes, name.hot_since) != (knew.shapes, knew.hot_since):
            self._store.log.append_keyed(_keyed(events, {event_name: name}))
        return name

    def fan_out(self, incoming: ReceivedEvent, name: Name) -> None:
        """Starts what the event starts, resumes what waits for it, and cancels the run that it asks to be cancelled.

        A trigger that cannot be read holds up nothing else. It is raised at the end, so that the event comes to the
        dead-letter queue, from where it starts the function once that is mended.
        """
        carried = Carried.of(incoming)
        unreadable: list[str] = []
        self._queues.send_to_runs(self._starts(incoming, carried, unreadable))
        if (run_id := to_cancel(incoming.event, self._app.id)) is not None:
            request_cancel([run_id], self._store, self._queues)
        keys = (match_key(incoming.event.name, shape, incoming.event) for shape in name.lookups)
        matches = sum(self._resume(incoming, carried, key) for key in keys if key is not None)
        if unreadable:
            raise UsageError("; ".join(unreadable))
        self._meter.count("Events")
        self._meter.count("Matches", matches)

    def go_on(self, message: FanOut) -> None:
        """Goes on with a fan-out that was too large for one message."""
        carried = message.carried
        matches = self._go_through(self._store.log.carried(carried), message)
        self._meter.count("Matches", matches)

    def pass_deadline(self, marker: Marker, moment: int) -> None:
        """A deadline's marker has come out of the queue, behind the events that were received before it.

        ``moment`` is when, by the queue's clock, which is the one that events are received by. Were a Lambda's
        clock ahead of it, the marker would be early, and goes back.
        """
        if moment > marker.deadline:
            self._queues.send_to_runs([Deadline(marker.run_id, marker.step_key)])
        else:
            self._queues.send_to_matcher(marker, marker_delay(marker.deadline, moment))

    def _log(self, events: Sequence[ReceivedEvent]) -> dict[str, Name]:
        """Returns what was known of the events' names."""
        known: dict[str, Name] = {}
        for event_name, count in Counter(each.event.name for each in events).items():
            known[event_name] = self._store.names.recent(event_name)
            seen = self._traffic.count(event_name, count)
            if seen >= BUSY and not known[event_name].bears(shards_for(seen)):
                known[event_name] = self._store.names.spread_log(event_name, shards_for(seen))
        self._store.log.append_keyed(_keyed(events, known))
        self._store.log.append((each, known[each.event.name].log_shards) for each in events)
        return known

    def _starts(self, incoming: ReceivedEvent, carried: Carried, unreadable: list[str]) -> Iterator[Start]:
        addressed_to = addressee(incoming.event, self._app.id)
        if addressed_to is not None and addressed_to not in self._app.functions:
            unreadable.append(f"event {incoming.event.id} is for function {addressed_to!r}, which the app has not")
        for function in self._app.functions.values():
            try:
                triggered = addressed_to == function.id or any(
                    self._triggers(each, incoming) for each in function.event_triggers
                )
                once = self._once(function, incoming) if triggered and addressed_to is None else None
            except ExpressionError as error:
                unreadable.append(f"the trigger or idempotency of function {function.id!r}: {error}")
                continue
            if triggered:
                yield Start(run_id_of(self._app.id, function.id, incoming.event.id), function.id, carried, once)

    def _once(self, function: Function, incoming: ReceivedEvent) -> str | None:
        """By what the event is known from others that start the function. One without such a value stands for itself;
        so does one that is addressed to the function, whose sender may wait for the run that it asks for."""
        if function.idempotency is None:
            return None
        return self._asked(value_key, function.idempotency, incoming)

    def _triggers(self, trigger: TriggerEvent, incoming: ReceivedEvent) -> bool:
        name = incoming.event.name
        if not trigger.names(name) or (name.startswith(_INTERNAL) and not trigger.event.startswith(_INTERNAL)):
            return False  # "*" means the user's events: a run's own end would start it again, for ever
        if trigger.expression is None:
            return True
        return bool(self._asked(trigger_holds, trigger.expression, incoming))

    def _asked(self, ask: Callable[[str, Event, int], T], expression: str, incoming: ReceivedEvent) -> T | None:
        """What an expression about the event alone gives; ``None``, which is counted, if it cannot be evaluated."""
        try:
            return ask(expression, incoming.event, incoming.received_at)
        except MatchError:
            self._meter.count("MatchErrors")
            return None

    def _resume(self, incoming: ReceivedEvent, carried: Carried, key: str) -> int:
        """Resumes the first page of the waits with that key. If there are more, they are parted between as many
        messages as there are parts, which are gone through at the same time. Returns how many waits matched."""
        page = wait_index.candidates(key)
        sent = self._queues.send_to_runs(self._resumes(incoming, carried, page.candidates))
        if (last := page.last) is not None:
            ends = [part for part in (*_PARTS[1:], "~") if part > last]
            for after, until in pairwise([last, *ends]):
                self._queues.send_to_matcher(FanOut(key, after, until, carried))
        return sent

    def _go_through(self, incoming: ReceivedEvent, message: FanOut) -> int:
        """Resumes some pages of a part, and hands on what is left of it. Returns how many waits matched."""
        sent, after = 0, message.after
        for _ in range(PAGES):
            page = wait_index.candidates(message.match_key, after, message.until)
            sent += self._queues.send_to_runs(self._resumes(incoming, message.carried, page.candidates))
            if page.last is None:
                return sent
            after = page.last
        self._queues.send_to_matcher(replace(message, after=after))
        return sent

    def _resumes(
        self, incoming: ReceivedEvent, carried: Carried, candidates: Iterable[wait_index.Candidate]
    ) -> Iterator[Resume]:
        answers: dict[str, bool | MatchError] = {}
        for wait in candidates:
            if wait.covers(incoming.position) and self._matches(wait, incoming, answers):
                yield Resume(wait.run_id, wait.step_key, carried)

    def _matches(
        self, wait: wait_index.Candidate, incoming: ReceivedEvent, answers: dict[str, bool | MatchError]
    ) -> bool:
        """Whether the residual holds. What asks about the event alone has one ``answers`` entry for all waits, since it
        may look through a thousand items for each of five hundred waits."""
        if wait.residual is None:
            return True
        answer = answers.get(wait.residual)
        if answer is None:
            answer = _answer(wait.residual, wait.bindings, incoming)
            if not wait.bindings:
                answers[wait.residual] = answer
        if isinstance(answer, MatchError):
            self._report(wait, incoming, answer)
            return False
        return answer

    def _report(self, wait: wait_index.Candidate, incoming: ReceivedEvent, error: MatchError) -> None:
        """Counts an expression that could not be evaluated, and says so on the wait, once."""
        self._meter.count("MatchErrors")
        target = (wait.run_id, wait.step_key)
        if target not in self._noted:
            self._noted.add(target)
            self._store.runs.note(*target, f"event {incoming.event.id} could not be compared: {error}")


class Batch:
    """The records of one invocation, read: events, markers, continuations, and what is none of these."""

    def __init__(self, records: Iterable[Mapping[str, Any]]) -> None:
        self._read: dict[str, ReceivedEvent | Marker | FanOut | Exception] = {}
        self._moments: dict[str, int] = {}
        self._names: dict[str, Name] = {}
        self.knew: dict[str, Name] = {}
        for record in records:
            self._read[record["messageId"]] = _read(record)
            self._moments[record["messageId"]] = int(record["attributes"]["ApproximateFirstReceiveTimestamp"])

    def events(self) -> list[ReceivedEvent]:
        """The batch's events."""
        return [item for item in self._read.values() if isinstance(item, ReceivedEvent)]

    def log_each(self, log: Callable[[Sequence[ReceivedEvent]], object]) -> None:
        """Logs the events one by one; those that cannot be logged fail."""
        for message_id, item in self._read.items():
            if isinstance(item, ReceivedEvent):
                try:
                    log([item])
                except Exception as error:
                    self._read[message_id] = error

    def order(self, message_id: str) -> tuple[int, object]:
        """Events go by position, so that a wait is told of the earlier one first; markers go behind them."""
        item = self._read[message_id]
        return (0, item.position) if isinstance(item, ReceivedEvent) else (1, ())

    def process(self, message_id: str, matcher: Matcher) -> None:
        """Acts on one record."""
        match self._read[message_id]:
            case ReceivedEvent() as incoming:
                name = incoming.event.name
                if name not in self._names:
                    alike = [event for event in self.events() if event.event.name == name]
                    self._names[name] = matcher.name(name, alike, self.knew.get(name))
                matcher.fan_out(incoming, self._names[name])
            case Marker() as marker:
                matcher.pass_deadline(marker, self._moments[message_id])
            case FanOut() as message:
                matcher.go_on(message)
            case Exception() as error:
                raise error


def _answer(residual: str, bindings: Mapping[str, Any], incoming: ReceivedEvent) -> bool | MatchError:
    try:
        return residual_holds(residual, bindings, incoming.event, incoming.received_at)
    except MatchError as error:
        return error


def _keyed(events: Iterable[ReceivedEvent], names: Mapping[str, Name]) -> Iterator[tuple[ReceivedEvent, str]]:
    """The events of busy names, with each key by which a wait could ask for them."""
    for each in events:
        name = names[each.event.name]
        for shape in name.shapes if name.hot_since is not None else ():
            if (key := match_key(each.event.name, shape, each.event)) is not None:
                yield each, key


def _read(record: Mapping[str, Any]) -> ReceivedEvent | Marker | FanOut | MessageError:
    try:
        fields = parse(record["body"])
        if "tarry" not in fields:
            return received_event(fields, int(record["attributes"]["SentTimestamp"]))
        message = decode(record["body"])
        if isinstance(message, Marker | FanOut):
            return message
        return MessageError(f"a {message.kind} message does not belong into the events queue")
    except MessageError as error:
        return error

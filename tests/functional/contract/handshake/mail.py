"""The queues between the Lambdas, and the Lambdas as jobs to be done."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from tarry import Event
from tarry_backend.events.audit_stream import AuditStream
from tarry_backend.executor.announcer import Announcer
from tarry_backend.executor.message_delivery import MessageDelivery
from tarry_backend.matcher.batch import read_batch
from tarry_backend.matcher.outbox import Outbox
from tarry_backend.model.received_event import ReceivedEvent
from tarry_backend.model.run import Run, RunStatus
from tarry_backend.queues.messages import Carried, Due, Marker, Message, Settle, Start, decode, encode
from tarry_backend.runtime import Runtime, runtime
from tarry_backend.store import Store
from tarry_dev.cloud import Crash
from tests.functional.contract.handshake.cases import BEGAN, PLACED, REGISTERED, Case, Sent
from tests.functional.contract.handshake.players import HAS_DIED, Job, Lambda, Note, PlayOverError, here
from tests.functional.contract.handshake.request import canonical

__all__ = ["ANNOUNCER", "EXECUTOR", "RUN", "Delayed", "Mail"]

EXECUTOR = "executor"

ANNOUNCER = "executor of the end"
"""Of another run, which ends."""

RUN = "0" * 26
"""The id of the run."""

_SECOND = 1_000

_LOGGED, _TOLD_BY = "logged", "told by"
"""What a player notes: an event that it has logged, and the kind of its message."""

Json = dict[str, Any]
Begin = Callable[[str, Job], None]


Act = Callable[[Runtime, bool], None]
"""What a Lambda does with what it has at hand; and whether this is done again. It knows nothing of the play."""


@dataclass(frozen=True, slots=True)
class Delayed:
    """A message of the timers queue. ``lags``: it is delayed for as long as the index may lag, so comes after it has
    shown all ``writes``, by their turns."""

    name: str
    job: Job
    lags: bool
    writes: set[int] = field(default_factory=set)


class Mail:
    """Delivers messages: those of the run one after the other to its executor, all others each to a Lambda its own.

    A message whose Lambda dies is delivered again, to another. ``told_by`` is the kind of the message that the executor
    has at present; ``logged`` are the events that a matcher has logged, all that this means.
    """

    def __init__(self, case: Case, begin: Begin, delay: Callable[[Delayed], None]) -> None:
        self.told_by = ""
        self.logged: set[str] = set()
        self.has_died = False
        self._case = case
        self._begin = begin
        self._delay = delay
        self._next: dict[str, Callable[[frozenset[int]], None]] = {}
        self._seen: set[str] = set()
        self._names: Counter[str] = Counter()
        self._calls: Counter[str] = Counter()

    def open(self) -> None:
        """The run's start, and each batch of events, are delivered."""
        placed = ReceivedEvent(Event(PLACED, {"id": "7"}, id="placed", ts=BEGAN), BEGAN)
        self._tell_run(encode(Start(RUN, "ship", Carried.of(placed))), frozenset())
        if self._case.announces:
            ended, end = self._case.events[0].received_at, partial(_end, self._case)
            self._begin(ANNOUNCER, self._job(ANNOUNCER, "the end", end, ended, frozenset()))
        last: dict[tuple[str, ...], str] = {}
        for batch in self._case.batches:
            name = self._new_name(f"matcher of {' and '.join(batch)}")
            match = partial(self._match, name, [_record(self._case.sent(event_id)) for event_id in batch])
            if batch in last:
                self._next[last[batch]] = match
            else:
                match(frozenset())
            last[batch] = name

    def announce(self, entry: Json, turn: int) -> None:
        """The bus hands the announcement to the events queue, half a second later."""
        fields = {"detail-type": entry["DetailType"], "source": entry["Source"], "detail": json.loads(entry["Detail"])}
        moment = str(self._case.events[0].received_at + 500)
        attributes = {"SentTimestamp": moment, "ApproximateFirstReceiveTimestamp": moment}
        name = self._new_name("matcher of the end")
        self._match(
            name, [{"messageId": name, "body": json.dumps(fields), "attributes": attributes}], frozenset([turn])
        )

    def went(self, actor: str, turn: int) -> None:
        """An actor has taken a turn. Of two matchers with the same batch the first to take one is the first, whichever:
        so the second comes on stage when the first has."""
        if actor in self._next:
            self._next.pop(actor)(frozenset([turn]))

    def death(self, actor: str) -> str:
        """An actor is about to call AWS: where it dies if it dies here."""
        self._calls[actor] += 1
        if (actor, self._calls[actor]) != self._case.dies:
            return ""
        self.has_died = True
        return f"{actor} dies before its call {self._calls[actor]}"

    def noted(self, note: Note) -> None:
        """An actor has done what others see."""
        kind, what = note
        if kind == _LOGGED:
            self.logged.add(what)
        else:
            self.told_by = what

    def send(self, asked: Json, turn: int) -> Json:
        """What SQS does."""
        for entry in asked["Entries"]:
            message = decode(entry["MessageBody"])
            after = frozenset([turn])
            if "MessageGroupId" not in entry:
                for _ in range(2 if message.kind in self._case.twice else 1):
                    self._send(message, entry, after)
            elif entry["MessageDeduplicationId"] not in self._seen:
                self._seen.add(entry["MessageDeduplicationId"])
                self._tell_run(entry["MessageBody"], after)
        return {"Successful": [{"Id": entry["Id"]} for entry in asked["Entries"]], "Failed": []}

    def order(self, entry: Json) -> str:
        """Of which messages it matters which is sent first: of one run's, and of one kind's, since that names them."""
        run: str | None = entry.get("MessageGroupId")
        return run or f"{decode(entry['MessageBody']).kind} messages"

    def summary(self, asked: Json) -> str:
        """What is sent."""
        return " and ".join(_summary(decode(entry["MessageBody"])) for entry in asked["Entries"])

    def _tell_run(self, body: str, after: frozenset[int]) -> None:
        kind = decode(body).kind
        moment = {"start": REGISTERED, "deadline": self._case.deadline + _SECOND}.get(kind, REGISTERED + 16 * _SECOND)

        def act(parts: Runtime, again: bool) -> None:
            here().note(_TOLD_BY, kind)
            parts.executor.handle(body, MessageDelivery(f"{kind} message", again, lambda: False))

        self._begin(EXECUTOR, self._job(EXECUTOR, body, act, moment, after))
        if kind in self._case.twice:
            again = self._job(EXECUTOR, body, lambda parts, _: act(parts, True), moment, after)
            self._begin(EXECUTOR, replace(again, again=True))

    def _send(self, message: Message, entry: Json, after: frozenset[int]) -> None:
        body, delay = entry["MessageBody"], entry["DelaySeconds"]
        name = self._new_name(message.kind)
        match message:
            case Marker(deadline=deadline):
                moment = str(deadline + 600)
                attributes = {"SentTimestamp": moment, "ApproximateFirstReceiveTimestamp": moment}
                self._match(name, [{"messageId": name, "body": body, "attributes": attributes}], after)
            case Settle():
                self._send_timer(name, body, delay, REGISTERED + delay * _SECOND, after)
            case Due(due=due):
                self._send_timer(name, body, delay, due, after)
            case _:
                raise AssertionError(f"a {message.kind} message in a queue that it does not belong to")

    def _send_timer(self, name: str, body: str, delay: int, moment: int, after: frozenset[int]) -> None:
        job = self._job(name, body, lambda parts, _: parts.timers.handle(body), moment, after)
        lags = self._case.lag_is_bounded and delay >= runtime().settings.settle_seconds
        self._delay(Delayed(name, job, lags))

    def _match(self, name: str, records: list[Json], after: frozenset[int]) -> None:
        def act(parts: Runtime, _: bool) -> None:
            batch = parts.matcher.log(read_batch(records))
            for received in batch.events():
                here().note(_LOGGED, received.event.id)
            outbox = Outbox(parts.queues)
            for record in batch.records:
                parts.matcher.act(record, batch, outbox)
            outbox.flush()

        self._begin(name, self._job(name, canonical(records), act, BEGAN, after))

    def _job(self, name: str, what: str, act: Act, moment: int, after: frozenset[int]) -> Job:
        """A job. The executor is warm: it remembers what it has learnt over earlier messages, until somebody dies."""

        def do(at_work: Lambda) -> None:
            parts = _warm(at_work) if name == EXECUTOR else new_lambda()
            try:
                act(parts, False)
            except PlayOverError:
                raise
            except Crash:
                act(new_lambda(), True)

        return Job(what, do, moment, after)

    def _new_name(self, name: str) -> str:
        self._names[name] += 1
        return name if self._names[name] == 1 else f"{name}, again"


def _warm(at_work: Lambda) -> Runtime:
    """What the executor has at hand: the same as for its last message, unless somebody has died since."""
    has_died = at_work.ask(HAS_DIED, {})
    if has_died not in at_work.keeps:
        at_work.keeps[has_died] = new_lambda()
    return at_work.keeps[has_died]


def _end(case: Case, parts: Runtime, again: bool) -> None:
    """The other run has ended, and its executor announces that."""
    announcer = Announcer(parts.app, parts.store, parts.bus, AuditStream(""))
    (sent,), log = case.events, announcer._log

    def note(received: ReceivedEvent) -> None:
        log(received)
        here().note(_LOGGED, received.event.id)

    announcer._log = note  # type: ignore[method-assign]
    run_id = sent.id.removesuffix("-finished")
    event = Event(PLACED, {}, id="other", ts=BEGAN)
    run = Run(id=run_id, function_id="pack", event=event, received_at=BEGAN, started=BEGAN, ended=sent.received_at)
    announcer.announce(replace(run, status=RunStatus.FINISHED, output="1"), again=again)


def new_lambda() -> Runtime:
    """What a Lambda has at hand that has just been started."""
    shared = runtime()
    return replace(shared, store=Store.over(shared.store.table, shared.settings))


def _record(sent: Sent) -> Json:
    """As Lambda hands it to the matcher."""
    body = {
        "detail-type": sent.name,
        "source": "bank",
        "id": sent.id,
        "time": datetime.fromtimestamp(sent.received_at / 1000, UTC).isoformat(),
        "detail": sent.data,
    }
    moment = str(sent.received_at)
    attributes = {"SentTimestamp": moment, "ApproximateFirstReceiveTimestamp": moment}
    return {"messageId": sent.id, "body": json.dumps(body), "attributes": attributes}


def _summary(message: Message) -> str:
    return f"{message.kind} {message.carried.id}" if hasattr(message, "carried") else message.kind

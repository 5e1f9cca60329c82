"""The entries of Tarry, each with its odd inputs and with what must hold for them.

A handler may refuse an input: a queue's message stays and becomes a dead letter, a request has an answer below 500, a
sender gets a ``TarryError``. It may not die, take a neighbour along, or take more than ``LIMIT`` seconds.
"""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from hypothesis import strategies as st

from tarry import TarryError
from tarry._wire.bus import source_of
from tarry.errors import ExpressionError
from tarry.event import Event
from tarry_backend.events.address import run_id_of
from tarry_backend.handlers.api import handler as api_handler
from tarry_backend.handlers.audit import handler as audit_handler
from tarry_backend.handlers.signals import handler as signals_handler
from tarry_backend.matching import MatchError, match_key, plan, residual_holds, trigger_holds, value_key
from tests.fuzz import inputs

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from tarry_dev.cloud import Cloud

__all__ = ["ENTRIES", "LIMIT", "Entry"]

LIMIT = 2.0
"""The most seconds for one input. Counted in CPU time, so that a busy machine changes nothing."""

_BATCH = 10

_LARGEST = 1_000_000
"""In bytes: SQS carries no larger message."""


class Entry(Protocol):
    """An entry of Tarry. One object serves the plays of a turn, of which it has more the greater its ``weight``."""

    name: str
    weight: int
    inputs: SearchStrategy[Any]

    def __init__(self, cloud: Cloud) -> None: ...

    def play(self, given: Any) -> int:
        """Feed what was given; return how many inputs it was. Raises ``AssertionError`` if something does not hold."""


@contextmanager
def within(what: str, inputs: int = 1) -> Iterator[None]:
    """Fails if what is done takes more than ``LIMIT`` seconds of CPU for each of its inputs."""
    began = time.process_time()
    yield
    took = time.process_time() - began
    assert took <= LIMIT * inputs, f"{what} took {took:.1f} s of CPU"


def envelope(name: str, event_id: str, data: dict[str, Any]) -> str:
    """An event as EventBridge writes it into a queue."""
    fields = {"version": "0", "id": event_id, "detail-type": name, "source": "shop", "detail": data}
    return json.dumps(
        {**fields, "account": "1", "time": "2026-01-05T12:00:00Z", "region": "eu-west-1", "resources": []}
    )


class _Queues:
    """What the entries have in common that are queues: a batch, and neighbours that must be processed."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.run_id = run_id_of(cloud.app.id, "order", "first", source_of(cloud.app.id), "placed")
        cloud.app.send_sync(Event("placed", {"id": 1, "a": [1]}, id="first"))
        cloud.pump()

    def deliver(self, name: str, bodies: Sequence[str]) -> tuple[frozenset[str], dict[str, str]]:
        """Puts bodies into a queue and delivers what it gives; returns the refused ids, and each body's id."""
        queue, sqs = self.cloud.queues[name], self.cloud.clients.sqs
        for body in bodies:
            fifo: Any = {"MessageGroupId": uuid.uuid4().hex, "MessageDeduplicationId": uuid.uuid4().hex}
            sqs.send_message(QueueUrl=queue.url, MessageBody=body, **(fifo if queue.spec.fifo else {}))
        failed: set[str] = set()
        known: dict[str, str] = {}
        while batch := queue.receive():
            with within(f"{queue.function.name} with {len(batch)} messages", len(batch)):
                delivery = queue.deliver(batch)
            assert delivery.error is None, f"{queue.function.name} died of its batch: {delivery.error!r}"
            failed |= delivery.failed
            known |= {message.body: message.id for message in batch}
        return frozenset(failed), known

    def drain(self, *, accepted: bool) -> None:
        """Runs what has been started, then empties the queues. SQS lets a queue be purged once a minute.

        ``accepted`` is whether an entry let the inputs in. Then the executor must be able to carry them out.
        """
        runs = self.cloud.queues["runs"]
        while batch := runs.receive():
            with within("the executor"):
                delivery = runs.deliver(batch)
            assert delivery.error is None, f"the executor died: {delivery.error!r}"
            assert not (accepted and delivery.failed), f"the executor refused what an entry let in: {batch[0].body}"
        self.cloud.clock.move_to(self.cloud.clock.now() + 61_000)
        for queue in self.cloud.queues.values():
            self.cloud.clients.sqs.purge_queue(QueueUrl=queue.url)

    def filled(self, body: str) -> str:
        """The body with the run and the step that are there. JSON escapes neither of their placeholders."""
        return body.replace(inputs.RUN, self.run_id).replace(inputs.STEP, "paid")

    def carried(self, bodies: Sequence[str]) -> list[str]:
        """Those that SQS carries, filled."""
        return [self.filled(body) for body in bodies if len(body.encode()) <= _LARGEST]

    def check_neighbour(self, event_id: str) -> None:
        """Raise if the neighbour's run has not ended well."""
        run_id = run_id_of(self.cloud.app.id, "neighbour", event_id, "shop", "neighbour")
        answer = api_handler(request("GET", f"/runs/{run_id}"), None)
        assert answer["statusCode"] == 200, "a neighbour started nothing"
        assert json.loads(answer["body"])["status"] == "finished", "a neighbour's run has not ended"


class Events(_Queues):
    """The events queue: events of anybody's, and the matcher's messages to itself."""

    name = "events"
    weight = 1
    inputs = st.lists(inputs.event_bodies, min_size=4, max_size=_BATCH - 2)

    def play(self, given: Sequence[str]) -> int:
        before, after = uuid.uuid4().hex, uuid.uuid4().hex
        bodies = [envelope("neighbour", before, {}), *self.carried(given), envelope("neighbour", after, {})]
        failed, known = self.deliver("events", bodies)
        assert not {known[bodies[0]], known[bodies[-1]]} & failed, "a neighbour was refused"
        self.drain(accepted=True)
        for neighbour in (before, after):
            self.check_neighbour(neighbour)
        return len(given)


class Runs(_Queues):
    """The runs queue: messages that change a run."""

    name = "runs"
    weight = 1
    inputs = st.lists(
        inputs.messages(
            *("start", "resume", "wake", "deadline", "look", "returned", "signalled", "continue", "cancel", "due")
        ),
        min_size=4,
        max_size=_BATCH,
    )

    def play(self, given: Sequence[str]) -> int:
        self.deliver("runs", self.carried(given))
        neighbour = uuid.uuid4().hex
        failed, _ = self.deliver("events", [envelope("neighbour", neighbour, {})])
        assert not failed
        self.drain(accepted=False)
        self.check_neighbour(neighbour)
        return len(given)


class Timers(_Queues):
    """The timers queue: what is due."""

    name = "timers"
    weight = 1
    inputs = st.lists(inputs.messages("due", "settle", "marker", "wake"), min_size=4, max_size=_BATCH - 1)

    def play(self, given: Sequence[str]) -> int:
        due = json.dumps({"tarry": "due", "run_id": self.run_id, "step_key": None, "step_kind": "run", "due": 1})
        bodies = [*self.carried(given), due]
        failed, known = self.deliver("timers", bodies)
        assert known[due] not in failed, "a neighbour was refused"
        self.deliver("events", [])
        self.drain(accepted=False)
        return len(given)


class Api(_Queues):
    """The HTTP API."""

    name = "api"
    weight = 4
    inputs = inputs.requests

    def play(self, given: dict[str, Any]) -> int:
        event = request(given["method"], self.filled(given["path"]), given["query"], given["body"])
        with within("the API"):
            answer = api_handler(event, None)
        assert 200 <= answer["statusCode"] < 500, f"the API answers {answer['statusCode']}"
        json.dumps(answer)
        return 1


class Signals(_Queues):
    """Signals, as a web service sends them."""

    name = "signals"
    weight = 1
    inputs = st.lists(inputs.signals, min_size=1, max_size=4)

    def play(self, given: Sequence[dict[str, Any]]) -> int:
        for each in given:
            try:
                with within("a signal"):
                    self.cloud.app.send_signal(each["name"], each["data"], id=each["id"], keep=each["keep"])
            except TarryError:
                continue
        name = uuid.uuid4().hex
        self.cloud.app.send_sync(Event("asked", {"name": name}, id=name))
        self.deliver("events", [])
        self.drain(accepted=True)
        receipt = self.cloud.app.send_signal(name, {"n": 1})
        assert receipt.status == "delivered", "a run that waits did not get its signal"
        self.drain(accepted=True)
        return len(given)


class SignalsLambda(_Queues):
    """The signals Lambda, as a stranger invokes it who writes his own requests."""

    name = "signals lambda"
    weight = 1
    inputs = st.lists(inputs.signal_requests, min_size=1, max_size=4)

    def play(self, given: Sequence[Any]) -> int:
        context: Any = self.cloud.functions["signals"]._context()
        for each in given:
            with within("a request of a signal"):
                answer = signals_handler(each, context)
            assert answer.keys() in ({"receipt"}, {"error"})
            json.dumps(answer, ensure_ascii=False).encode()
        answer = signals_handler({"name": uuid.uuid4().hex}, context)
        assert answer["receipt"]["status"] == "nobody waits"
        self.drain(accepted=True)
        return len(given)


class Audit:
    """The audit trail's converter: a batch of Firehose's."""

    name = "audit"
    weight = 4
    inputs = st.lists(
        st.tuples(
            st.one_of(inputs.event_bodies.map(str.encode), st.binary(max_size=20)), st.integers(0, 4_102_444_800_000)
        ),
        min_size=4,
        max_size=_BATCH - 1,
    )

    def __init__(self, cloud: Cloud) -> None:
        self.context: Any = cloud.functions["matcher"]._context()

    def play(self, given: Sequence[tuple[bytes, int]]) -> int:
        good = (envelope("neighbour", "n", {}).encode(), 1_767_614_400_000)
        records = [
            {"recordId": str(place), "data": base64.b64encode(body).decode(), "approximateArrivalTimestamp": at}
            for place, (body, at) in enumerate([*given, good])
        ]
        with within("the converter", len(records)):
            answer = audit_handler({"records": records}, self.context)
        assert [each["recordId"] for each in answer["records"]] == [each["recordId"] for each in records]
        assert answer["records"][-1]["result"] == "Ok", "a neighbour was refused"
        for each in answer["records"]:
            base64.b64decode(each["data"]).decode() if each["result"] == "Ok" else None
        return len(given)


class Expressions:
    """CEL over events: the plan of a wait, the keys and residuals of what comes, triggers, idempotency values."""

    name = "expressions"
    weight = 4
    inputs = inputs.expressions()

    def __init__(self, cloud: Cloud) -> None:
        pass

    def play(self, given: tuple[str, dict[str, Any], dict[str, Any]]) -> int:
        text, went, came = given
        trigger, event = (Event("placed", data, id="e1", ts=1, source="shop") for data in (went, came))
        with within("a plan"):
            try:
                planned = plan("paid", text, trigger)
            except ExpressionError:
                planned = None
        for one in planned.alternatives if planned else ():
            with within("a match"):
                match_key("paid", one.shape, event)
                _asked(one.residual, one.bindings, event)
        for ask in (trigger_holds, value_key):
            with within(ask.__name__):
                try:
                    ask(text.replace("async", "event"), event, 1)
                except (ExpressionError, MatchError):
                    continue
        return 1


def _asked(residual: str | None, bindings: Any, event: Event) -> None:
    if residual is not None:
        try:
            residual_holds(residual, bindings, event, 1)
        except MatchError:
            return


def request(method: str, path: str, query: Any = None, body: str | None = None) -> dict[str, Any]:
    """A request as a function's URL gives it to its Lambda."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "fuzz.lambda-url.eu-west-1.on.aws"},
        "queryStringParameters": query,
        "requestContext": {"http": {"method": method, "path": path, "sourceIp": "127.0.0.1"}, "stage": "$default"},
        "body": body,
        "isBase64Encoded": False,
    }


ENTRIES: dict[str, type[Entry]] = {
    entry.name: entry for entry in (Events, Runs, Timers, Api, Signals, SignalsLambda, Audit, Expressions)
}

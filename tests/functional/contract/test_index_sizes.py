"""Row X30, and what an index for such expressions easily loses: however many waits are open, the answer is the same.

Waits are planned and kept by the executor's own journal and store, but many to a request; the matcher is the real one.
"""

import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import cycle
from typing import TYPE_CHECKING, Any

from tarry import Event
from tarry_backend.matcher.matcher import Matcher
from tarry_backend.matcher.outbox import Outbox
from tarry_backend.matching import MatchError, evaluate_whole
from tarry_backend.model.position import Position
from tarry_backend.model.received_event import ReceivedEvent
from tarry_backend.model.run import Run
from tarry_backend.model.step import Status, Step, Wait, WaitRequest
from tarry_backend.queues.messages import FanOut, MatcherMessage, Resume
from tarry_backend.queues.sender import Queues
from tarry_backend.runtime import runtime
from tarry_backend.store.large_values import Values
from tarry_backend.store.step_items import StepItems, alias_items
from tarry_backend.store.traffic import Traffic
from tarry_backend.telemetry import Meter
from tarry_backend.waits.registration import Registration
from tarry_dev.cloud import Cloud

if TYPE_CHECKING:
    from tarry_backend.queues.messages import Admit, RemoveObjects, RunMessage

NOW = 1_735_732_800_000
DEADLINE = NOW + 86_400_000

KINDS = {
    "a negated conjunction": "!(async.data.id == event.data.id && async.data.n == event.data.n)",
    "a negated disjunction": "!(async.data.id != event.data.id || async.data.n > event.data.n)",
    "a literal on the left": "5 < async.data.n && event.data.id == async.data.id",
    "a reversed comparison": "event.data.n >= async.data.n",
    "an OR with one side by key": "async.data.id == event.data.id || async.data.n > 9",
    "an OR of two fields": "async.data.flag == true || async.data.id == event.data.id",
    "an equality with a boolean": "async.data.flag == event.data.flag",
    "an equality with an empty text": "async.data.text == event.data.empty",
    "an inequality": "async.data.id != event.data.id",
    "startsWith": "async.data.text.startsWith(event.data.prefix)",
    "size": "size(async.data.text) == event.data.n",
    "an equality with null": "async.data.note == null && async.data.n == event.data.n",
    "… || true": 'async.data.id == "nobody" || true',
}

EVENTS: list[dict[str, Any]] = [
    {"id": "u0", "n": 0, "flag": True, "text": "", "note": None},
    {"id": "u4", "n": 4.0, "flag": False, "text": "abba", "note": None},
    {"id": "u49", "n": 10, "flag": "true", "text": "a", "note": ""},
    {"id": "u50", "n": 6, "flag": 1, "text": "abacus"},
    {"id": "nobody", "n": "6", "flag": None, "text": 6, "note": None},
    {"id": 4},
]


def trigger(number: int) -> Event:
    """The event that started the run of that number: its id is its own, all else it shares with many."""
    data = {
        "id": f"u{number}",
        "n": number % 11,
        "flag": number % 2 == 0,
        "empty": "" if number % 3 == 0 else "x",
        "prefix": "abacus"[: number % 7],
    }
    return Event("order/placed", data, id=f"t{number}", ts=NOW)


class Told(Queues):
    """The runs queue, read as soon as it is written; the matcher's messages to itself."""

    def __init__(self) -> None:
        super().__init__(runtime().settings)
        self.runs: list[str] = []
        self.further: list[FanOut] = []

    def send_to_runs(self, messages: "Iterable[RunMessage | Admit | RemoveObjects]") -> int:
        resumes = [message for message in messages if isinstance(message, Resume)]
        self.runs += [message.run_id for message in resumes]
        return len(resumes)

    def send_in_order(self, messages: "Iterable[RunMessage]") -> dict[int, Exception]:
        self.send_to_runs(messages)
        return {}

    def send_to_matcher(self, message: MatcherMessage, delay: int = 0) -> None:
        assert isinstance(message, FanOut)
        self.further.append(message)


class Waits:
    """Open waits, one to a run."""

    def __init__(self) -> None:
        self._expressions: dict[str, list[str]] = {}
        self._items = StepItems(Values(runtime().settings.bucket))
        self._queues = Told()
        self._traffic = Traffic()
        self._matcher = Matcher(runtime().app, runtime().store, self._queues, Meter())

    def register(self, event_name: str, expressions: Iterable[str]) -> None:
        """One more wait on that name for each of the expressions; they are numbered."""
        known = self._expressions.setdefault(event_name, [])
        with runtime().store.table.batch() as steps, runtime().store.table.batch() as aliases:
            for number, expression in enumerate(expressions, start=len(known)):
                step = _step(self._wait(event_name, number, expression))
                steps.save(self._items.item(_run_id(event_name, number), step))
                for alias in alias_items(_run_id(event_name, number), step):
                    aliases.save(alias)
                known.append(expression)

    def _wait(self, event_name: str, number: int, expression: str) -> Wait:
        run = Run(id=_run_id(event_name, number), function_id="f", event=trigger(number), received_at=NOW, started=NOW)
        request = WaitRequest(
            event_name=event_name, if_exp=expression, match=None, since=Position(NOW), deadline=DEADLINE
        )
        return Registration(run, "tarry.shop", runtime().store.names, self._traffic, runtime().settings.log_days).wait(
            request
        )

    def resumed(self, event: Event) -> set[int]:
        """The numbers of the waits that the matcher resumes."""
        self._queues.runs.clear()
        outbox = Outbox(self._queues)
        self._matcher.fan_out(ReceivedEvent(event, NOW + 1_000), runtime().store.names.of(event.name), outbox)
        while self._queues.further:
            self._matcher.go_on(self._queues.further.pop(), outbox)
        outbox.flush()
        return {int(run_id.rpartition("-")[2]) for run_id in self._queues.runs}

    def expected(self, event: Event) -> set[int]:
        """The numbers of the waits whose whole expression is true."""
        return set(self._matching(event))

    def _matching(self, event: Event) -> Iterator[int]:
        for number, expression in enumerate(self._expressions[event.name]):
            try:
                if evaluate_whole(expression, trigger(number), event, NOW + 1_000):
                    yield number
            except MatchError:
                continue


def _run_id(event_name: str, number: int) -> str:
    """As a run's id is, in digits and capitals."""
    return f"0{zlib.crc32(event_name.encode()):08X}-{number}"


def _step(wait: Wait) -> Step:
    return Step(key="wait", kind="wait", status=Status.WAITING, begun_order=0, began=NOW, due=DEADLINE, wait=wait)


def test_x30_one_fifty_and_fifty_one_waits_are_resumed_as_their_expression_says(cloud: Cloud) -> None:
    waits = Waits()
    answers: Counter[tuple[str, bool]] = Counter()
    for size, more in ((1, 1), (50, 49), (51, 1)):
        for kind, expression in KINDS.items():
            waits.register(kind, [expression] * more)
            for place, data in enumerate(EVENTS):
                event = Event(kind, data, id=f"e{place}", ts=NOW)
                expected = waits.expected(event)
                assert waits.resumed(event) == expected, (size, kind, data)
                answers.update({(kind, True): len(expected), (kind, False): size - len(expected)})
    assert all(answers[kind, True] for kind in KINDS)
    assert {kind for kind in KINDS if not answers[kind, False]} == {"… || true"}


def test_x30_of_five_thousand_waits_none_is_lost_and_none_is_resumed_for_nothing(cloud: Cloud) -> None:
    """One in ten is of those kinds; the others ask for an id of their own."""
    waits = Waits()
    kinds = cycle(KINDS.values())
    usual = "async.data.id == event.data.id && async.data.n >= 4"
    waits.register("order/paid", [usual if number % 10 else next(kinds) for number in range(5_000)])
    for place, data in enumerate([*EVENTS, EVENTS[0] | {"id": "u4990"}, EVENTS[3] | {"id": "u4999"}]):
        event = Event("order/paid", data, id=f"e{place}", ts=NOW)
        expected = waits.expected(event)
        assert waits.resumed(event) == expected, data
        assert 500 // len(KINDS) <= len(expected) < 500

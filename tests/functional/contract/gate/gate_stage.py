"""A play of the gate: the real executors of a few runs, and the sweep, who call AWS one at a time, in any order.

Each run has its own executor, which takes the run's messages in their order. A function begins to work and ends its
work at turns of their own, so that every overlap comes up. An executor may die before one of its turns, with its
request carried out late or never; its message comes again, to another one.

Time is the order of the turns, in three acts: what the starts bring about; then, if somebody's message comes back so
late, that message and a sweep after the dead one's time; then one more run, which needs the place, and sweeps.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import Any

from tarry import Event
from tarry_backend.executor.message_delivery import MessageDelivery
from tarry_backend.model.received_event import ReceivedEvent
from tarry_backend.queues.messages import Admit, Carried, Due, Start, Wake, decode, encode
from tarry_backend.store import ConflictError
from tarry_dev.cloud import Crash
from tests.functional.contract.handshake.cases import BEGAN
from tests.functional.contract.handshake.exploration import Action, Touch
from tests.functional.contract.handshake.mail import new_lambda
from tests.functional.contract.handshake.players import HAS_DIED, Job, Lambda, Parts, Player, PlayOverError, here
from tests.functional.contract.handshake.request import Answer, Request
from tests.functional.contract.handshake.table import Table, summary, touches

__all__ = ["LAST", "SWEEP", "GateCase", "GateStage", "run_id", "work"]

SWEEP = "sweep"

LAST = "Z"
"""The run that comes at last: it needs the place that is left."""

LATER = BEGAN + 3_600_000
"""When no executor of the first act lives any more, nor is its place its own."""

_WORK = Touch("work", None, writes=True)

Json = dict[str, Any]


class Work(StrEnum):
    """What a function asks the stage, as it asks AWS: to begin its work and to end it, each at a turn of its own."""

    BEGINS = "begins to work"
    ENDS = "ends its work"


_ANNOUNCES = "announces the end"

_NEVER_LATE = {_ANNOUNCES, *Work}
"""What is not carried out if its executor dies."""


def work() -> None:
    """What a function does there."""
    for part in Work:
        here().ask(part, {})


def run_id(name: str) -> str:
    """The id of the run of that name."""
    return name.rjust(26, "0")


@dataclass(frozen=True, slots=True, kw_only=True)
class GateCase:
    """A small world.

    ``runs`` begin in this order. ``dies`` is whose executor dies, and before which of its turns, counted from 1
    (``of``: counting only turns that begin so);
    ``late``: that turn's request is carried out, at any time. ``comes_back`` is when its message comes again: ``soon``
    or ``later``. ``sweeps``: a sweep comes at any time in the first act. ``rests``: each run sleeps, and works again.
    """

    runs: tuple[str, ...] = ("A", "B")
    dies: tuple[str, int] | None = None
    of: str = ""
    late: bool = False
    comes_back: str = "soon"
    sweeps: bool = False
    rests: bool = False


@dataclass
class GateStage:
    """One play; see ``handshake.exploration.Play``."""

    case: GateCase
    table: Table
    parts: Parts
    gate: str
    errors: list[BaseException] = field(default_factory=list)
    turns: list[tuple[str, str]] = field(default_factory=list)
    at_work: set[str] = field(default_factory=set)
    most: int = 0
    has_died: bool = False
    is_leaked: bool = False

    def __post_init__(self) -> None:
        self._players: dict[str, Player] = {}
        self._late: dict[str, tuple[Action, Callable[[], Answer]]] = {}
        self._calls: Counter[str] = Counter()
        self._seen: set[str] = set()
        self._back: list[Callable[[], None]] = []
        sweeps = [self._sweep_later] * 3
        self._acts: list[Callable[[], None]] = [self._second_act, *sweeps[:2], self._start_last, *sweeps]
        for number, name in enumerate(self.case.runs):
            self._start(name, number, BEGAN)
        if self.case.sweeps:
            self._sweep(BEGAN + 60_000)
        self._go_on()

    # The play.

    def pending(self) -> Mapping[str, Action]:
        """What each actor would do next."""
        players = {name: each.action for name, each in self._players.items() if each.action is not None}
        return players | {name: action for name, (action, _) in self._late.items()}

    def go(self, actor: str) -> None:
        """The actor takes its turn."""
        late = self._late.pop(actor, None)
        action = late[0] if late else self._players[actor].action
        assert action is not None
        self.turns.append((actor, action.what))
        if late:
            late[1]()
        else:
            self._players[actor].go()
        self._go_on()

    def close(self) -> None:
        """All die where they stand."""
        for each in self._players.values():
            each.close()

    # What goes on.

    def _go_on(self) -> None:
        while not self.pending() and self._acts:
            self._acts.pop(0)()

    def _second_act(self) -> None:
        if self._back:
            self._sweep(LATER)
        for come in self._back:
            come()

    def _start(self, name: str, number: int, moment: int) -> None:
        placed = ReceivedEvent(Event("placed", {}, id=name, ts=BEGAN), BEGAN + number)
        body = encode(Start(run_id(name), "ship", Carried.of(placed)))
        self._begin(name, body, moment, frozenset(range(len(self.turns))), again=False)

    def _start_last(self) -> None:
        state = new_lambda().store.gates.read(self.gate)
        self.is_leaked = state is not None and state.waiting is None and bool(state.granted)
        self._start(LAST, 100, LATER + 4 * 3_600_000)

    def _sweep_later(self) -> None:
        self._sweep(LATER + 3_600_000 * (8 - len(self._acts)))

    def _sweep(self, moment: int) -> None:
        body = encode(Admit(self.gate, moment))
        self._begin(SWEEP, body, moment, frozenset(range(len(self.turns))), again=False)

    def _begin(self, name: str, body: str, moment: int, after: frozenset[int], *, again: bool) -> None:
        def act(at_work: Lambda) -> None:
            try:
                self._handle(at_work, body, again=again)
            except PlayOverError:
                raise
            except Crash:
                if self.case.comes_back == "soon":
                    self._handle(at_work, body, again=True)

        if name not in self._players:
            self._players[name] = Player(name, self.parts, self._asks, lambda note: None, self.errors)
        self._players[name].begin(Job(body, act, moment, after, again))

    def _handle(self, at_work: Lambda, body: str, *, again: bool) -> None:
        """Handle a message. If the dead one's late request has changed the run meanwhile, SQS delivers it once more.

        dead      … end of the run, late ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄ stored
        second                    run read ── works ──────────── end: refused ── the message comes again: over
        """
        try:
            new_lambda().executor.handle(body, MessageDelivery(body, again, lambda: False))
        except ConflictError:
            if not (self.case.late and at_work.ask(HAS_DIED, {})):
                raise
            new_lambda().executor.handle(body, MessageDelivery(body, True, lambda: False))

    # Calls to AWS.

    def _asks(self, player: Player, request: Request) -> None:
        if request.operation == HAS_DIED:
            player.answer(Answer.of(self.has_died))
            return
        action, carry_out = self._turn(player, request)
        self._calls[player.name] += action.what.startswith(self.case.of)
        if self.case.dies == (player.name, self._calls[player.name]) and not self.has_died:
            self._die(player, action, carry_out)
        else:
            player.offer(action, carry_out)

    def _turn(self, player: Player, request: Request) -> tuple[Action, Callable[[], Answer]]:
        asked = request.asked
        touched: tuple[Touch, ...]
        match request.operation:
            case Work.BEGINS | Work.ENDS:
                what, touched = str(request.operation), (_WORK,)
                carry_out = partial(self._work, player, request.operation)
            case "SendMessageBatch":
                what = "tells a run"
                touched = tuple(Touch(self._group(entry), None, writes=True) for entry in asked["Entries"])
                carry_out = partial(self._send, asked, player.job.moment)
            case "PutEvents":
                what, touched = _ANNOUNCES, ()
                entries = [{"EventId": "announced"} for _ in asked["Entries"]]
                carry_out = partial(Answer.of, {"FailedEntryCount": 0, "Entries": entries})
            case "BatchWriteItem":
                what, touched = "retires steps", tuple(touch for each in request.writes for touch in touches(each))
                carry_out = partial(self.table.ask, request)
            case _:
                what, touched, carry_out = summary(request), touches(request), partial(self.table.ask, request)
        return Action(player.name, what, touched), carry_out

    def _work(self, player: Player, operation: str) -> Answer:
        if operation == Work.ENDS:
            self.at_work.discard(player.name)
        else:
            self.at_work.add(player.name)
        self.most = max(self.most, len(self.at_work))
        return Answer.of(None)

    def _die(self, player: Player, action: Action, carry_out: Callable[[], Answer]) -> None:
        if self.case.late and action.what not in _NEVER_LATE:
            name = f"late request of {player.name}"
            last = [number for number, (actor, _) in enumerate(self.turns) if actor == player.name]
            after = frozenset(last[-1:]) | player.after
            self._late[name] = (replace(action, actor=name, after=after), carry_out)
        self.has_died = True
        self.at_work.discard(player.name)
        if self.case.comes_back == "later":
            self._back.append(partial(self._come_back, player.name, player.job))
        player.die(f"{player.name} dies before its turn {self._calls[player.name]}")

    def _come_back(self, name: str, job: Job) -> None:
        self._begin(name, job.what, LATER, frozenset(range(len(self.turns))), again=True)

    def _group(self, entry: Json) -> str:
        message: Any = decode(entry["MessageBody"])
        return str(message.run_id)

    def _send(self, asked: Json, moment: int) -> Answer:
        for entry in asked["Entries"]:
            body, after = entry["MessageBody"], frozenset([len(self.turns) - 1])
            message: Any = decode(body)
            name = message.run_id.lstrip("0")
            if isinstance(message, Due):  # as the timers do
                wake = encode(Wake(message.run_id, message.due))
                self._begin(name, wake, max(moment, message.due), after, again=False)
            elif entry["MessageDeduplicationId"] not in self._seen:
                self._seen.add(entry["MessageDeduplicationId"])
                self._begin(name, body, moment, after, again=False)
        return Answer.of({"Successful": [{"Id": entry["Id"]} for entry in asked["Entries"]], "Failed": []})

"""A play of the gate: the real executors of a few runs, and the sweep, who call AWS one at a time, in any order.

Each run has its own executor, which takes the run's messages in their order. A function begins to work and ends its
work at turns of their own, so that every overlap comes up. An executor may die before one of its turns, with its
request carried out late or never; its message comes again, to another one.

Time is the order of the turns, in three acts: what the starts bring about; then, if somebody's message comes back so
late, that message and a sweep after the dead one's time; then one more run, which needs the place, and sweeps.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
from tests.functional.contract.handshake.players import Job, Player
from tests.functional.contract.handshake.table import Table, touches, writes_of

__all__ = ["LAST", "SWEEP", "GateCase", "GateStage", "run_id"]

SWEEP = "sweep"

LAST = "Z"
"""The run that comes at last: it needs the place that is left."""

LATER = BEGAN + 3_600_000
"""When no executor of the first act lives any more, nor is its place its own."""

_WORK = Touch("work", None, writes=True)

Json = dict[str, Any]


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
    gate: str
    errors: list[BaseException] = field(default_factory=list)
    turns: list[tuple[str, str]] = field(default_factory=list)
    at_work: set[str] = field(default_factory=set)
    most: int = 0
    has_died: bool = False
    is_leaked: bool = False

    def __post_init__(self) -> None:
        self._players: dict[str, Player] = {}
        self._late: dict[str, tuple[Action, Callable[[], None]]] = {}
        self._calls: Counter[str] = Counter()
        self._dying = ""
        self._seen: set[str] = set()
        self._back: list[tuple[str, Callable[[], None]]] = []
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

    def work(self, run: str) -> None:
        """A function begins its work, and ends it, each at a turn of its own."""
        name = run.lstrip("0")
        player = self._players[name]
        self._stop(player, "begins to work", (_WORK,))
        self.at_work.add(name)
        self.most = max(self.most, len(self.at_work))
        try:
            self._stop(player, "ends its work", (_WORK,))
        finally:
            self.at_work.discard(name)

    # What goes on.

    def _go_on(self) -> None:
        while not self.pending() and self._acts:
            self._acts.pop(0)()

    def _second_act(self) -> None:
        if self._back:
            self._sweep(LATER)
        for _, come in self._back:
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
        def act() -> None:
            try:
                self._handle(body, again=again)
            except Crash:
                if self._dying != name or self.has_died:
                    raise  # the play is over
                self.has_died = True
                if self.case.comes_back == "soon":
                    self._handle(body, again=True)
                else:
                    come = lambda: self._begin(name, body, LATER, frozenset(range(len(self.turns))), again=True)  # noqa: E731
                    self._back.append((name, come))

        if name not in self._players:
            self._players[name] = Player(name, self._ask, self.errors)
        self._players[name].begin(Job(act, moment, after))

    def _handle(self, body: str, *, again: bool) -> None:
        """Handle a message. If the dead one's late request has changed the run meanwhile, SQS delivers it once more.

        dead      … end of the run, late ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄ stored
        second                    run read ── works ──────────── end: refused ── the message comes again: over
        """
        try:
            new_lambda().executor.handle(body, MessageDelivery(body, again, lambda: False))
        except ConflictError:
            if not (self.case.late and self.has_died):
                raise
            new_lambda().executor.handle(body, MessageDelivery(body, True, lambda: False))

    # Calls to AWS.

    def _ask(self, player: Player, operation: str, asked: Json) -> Any:
        match operation:
            case "SendMessageBatch":
                touched = tuple(Touch(self._group(entry), None, writes=True) for entry in asked["Entries"])
                return self._turn(player, "tells a run", touched, lambda: self._send(player, asked))
            case "PutEvents":
                self._stop(player, "announces the end", ())
                return {"FailedEntryCount": 0, "Entries": [{"EventId": "announced"} for _ in asked["Entries"]]}
            case "BatchWriteItem":
                touched = tuple(touch for each in writes_of(asked) for touch in touches(*each))
                return self._turn(player, "retires steps", touched, lambda: self.table.ask(operation, asked))
            case _:
                what = self.table.summary(operation, asked)
                return self._turn(player, what, touches(operation, asked), lambda: self.table.ask(operation, asked))

    def _group(self, entry: Json) -> str:
        message: Any = decode(entry["MessageBody"])
        return str(message.run_id)

    def _turn(self, player: Player, what: str, touched: tuple[Touch, ...], carry_out: Callable[[], Any]) -> Any:
        try:
            self._stop(player, what, touched)
        except Crash:
            if self.case.late and self._dying == player.name and not self.has_died:
                name = f"late request of {player.name}"
                last = [number for number, (actor, _) in enumerate(self.turns) if actor == player.name]
                action = Action(name, what, touched, frozenset(last[-1:]) | player.after)
                self._late[name] = (action, lambda: self._carry_out_late(carry_out))
            raise
        return carry_out()

    def _carry_out_late(self, carry_out: Callable[[], Any]) -> None:
        try:
            carry_out()
        except Exception:  # nobody is there to be told that a condition failed
            return

    def _stop(self, player: Player, what: str, touched: tuple[Touch, ...]) -> None:
        self._calls[player.name] += what.startswith(self.case.of)
        if self.case.dies == (player.name, self._calls[player.name]) and not self.has_died:
            self._dying = player.name
            raise Crash(f"{player.name} dies before its turn {self._calls[player.name]}")
        player.stop(Action(player.name, what, touched))

    def _send(self, player: Player, asked: Json) -> Json:
        for entry in asked["Entries"]:
            body, after = entry["MessageBody"], frozenset([len(self.turns) - 1])
            message: Any = decode(body)
            name = message.run_id.lstrip("0")
            if isinstance(message, Due):  # as the timers do
                wake = encode(Wake(message.run_id, message.due))
                self._begin(name, wake, max(player.moment, message.due), after, again=False)
            elif entry["MessageDeduplicationId"] not in self._seen:
                self._seen.add(entry["MessageDeduplicationId"])
                self._begin(name, body, player.moment, after, again=False)
        return {"Successful": [{"Id": entry["Id"]} for entry in asked["Entries"]], "Failed": []}

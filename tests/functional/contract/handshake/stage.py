"""A play of the handshake: the real matcher, executor and timers, who call AWS one at a time, in any order.

Who is on stage: a matcher for each delivery of a batch, and one for a marker; the executor, which takes the messages of
its one run in their order (the queue is FIFO); for each message of the timers queue a timers Lambda; the index, which
shows each change of the table at last; and DynamoDB, where a batch of writes is carried out in any order.

Time is the order of the turns. Each actor thinks that one moment lasts, so nothing but that order and the positions of
events decides; an actor that is slow, or whose clock is, looks just like that. A message that is delayed by the
settle delay, or more, comes when the index shows all that its sender had written before: the longest lag.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from tests.functional.contract.handshake.cases import Case
from tests.functional.contract.handshake.exploration import Action, Touch
from tests.functional.contract.handshake.mail import ANNOUNCER, Delayed, Mail
from tests.functional.contract.handshake.players import HAS_DIED, Job, Parts, Player
from tests.functional.contract.handshake.request import Answer, Request
from tests.functional.contract.handshake.table import READS, Change, Table, shows, summary
from tests.functional.contract.handshake.watch import Watch

__all__ = ["Stage"]

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Once:
    """An actor of one turn, which is no Lambda."""

    action: Action
    act: Callable[[], None]


class Stage:
    """One play; see ``exploration.Play``. It begins with the run's start, and each batch of events at its matcher."""

    def __init__(self, case: Case, table: Table, parts: Parts) -> None:
        self.case = case
        self.turns: list[tuple[str, str]] = []
        self.errors: list[BaseException] = []
        self._table = table
        self._parts = parts
        self._players: dict[str, Player] = {}
        self._once: dict[str, _Once] = {}
        self._last: dict[str, int] = {}
        self._delayed: list[Delayed] = []
        self._unshown: dict[tuple[str, str], deque[tuple[int, Change]]] = {}
        self._changed_by: dict[int, str] = {}
        self._shown_at: dict[int, int] = {}
        self._mail = Mail(case, self.begin, self.delay)
        self.watch = Watch(self._mail)
        self._mail.open()

    def pending(self) -> Mapping[str, Action]:
        """What each actor would do next."""
        players = {name: each.action for name, each in self._players.items() if each.action is not None}
        return players | {name: each.action for name, each in self._once.items()}

    def go(self, actor: str) -> None:
        """The actor takes its turn."""
        once = self._once.pop(actor, None)
        action = once.action if once else self._players[actor].action
        assert action is not None
        self._last[actor] = len(self.turns)
        self.turns.append((actor, action.what))
        if once:
            once.act()
        else:
            self._players[actor].go()
        self._mail.went(actor, self.turn)
        self._deliver()

    def close(self) -> None:
        """All die where they stand."""
        for each in self._players.values():
            each.close()

    @property
    def shown(self) -> list[tuple[str, str]]:
        """The items that the index shows."""
        return self._table.shown

    @property
    def has_died(self) -> bool:
        """Whether the actor has died that dies in this case."""
        return self._mail.has_died

    @property
    def turn(self) -> int:
        """The number of the turn that is being taken; -1 before the first."""
        return len(self.turns) - 1

    def begin(self, name: str, job: Job) -> None:
        """A Lambda comes on stage, or has one more thing to do."""
        if name not in self._players:
            self._players[name] = Player(name, self._parts, self._asks, self._mail.noted, self.errors)
        self._players[name].begin(job)

    def delay(self, delayed: Delayed) -> None:
        """A message that comes when the index shows what its sender has written, if it is delayed for that long."""
        if delayed.lags:
            sender, _ = self.turns[-1]
            delayed.writes.update(turn for turn, actor in self._changed_by.items() if actor == sender)
        self._delayed.append(delayed)

    # Calls to AWS.

    def _asks(self, actor: Player, request: Request) -> None:
        if request.operation == HAS_DIED:
            actor.answer(Answer.of(self.has_died))
            return
        if where := self._mail.death(actor.name):
            actor.die(where)
            return
        asked = request.asked
        match request.operation:
            case "SendMessageBatch":
                queues = {self._mail.order(entry) for entry in asked["Entries"]}
                touched = tuple(Touch(queue, None, writes=True) for queue in sorted(queues))
                action = Action(actor.name, f"sends {self._mail.summary(asked)}", touched)
                actor.offer(action, lambda: Answer.of(self._mail.send(asked, self.turn)))
            case "PutEvents":
                actor.offer(Action(actor.name, "announces the end"), partial(self._announce, actor, asked["Entries"]))
            case "BatchWriteItem":
                self._write_batch(actor, request.writes)
            case _:
                actor.offer(self._action(actor.name, actor, request), partial(self._carry_out, actor.name, request))

    def _action(self, name: str, actor: Player, request: Request, after: frozenset[int] = frozenset()) -> Action:
        return Action(name, summary(request), self.watch.touches(actor.name, request), after)

    def _announce(self, actor: Player, entries: list[Json]) -> Answer:
        if actor.name == ANNOUNCER:
            self._mail.announce(entries[0], self.turn)
        return Answer.of({"FailedEntryCount": 0, "Entries": [{"EventId": "announced"} for _ in entries]})

    def _carry_out(self, actor: str, request: Request) -> Answer:
        resolved = self.watch.asks(actor, request)
        if request.operation in READS:
            return self._table.ask(request)
        answer, change = self._table.write(request)
        if change is not None:
            self._changed_by[self.turn] = actor
            self._change(change)
        if resolved is not None and answer.error is None:
            self.watch.resolved.append(resolved)
        return answer

    def _write_batch(self, actor: Player, writes: list[Request]) -> None:
        written = Answer.of({"UnprocessedItems": {}})
        todo = len(writes)

        def write(request: Request) -> Answer:
            nonlocal todo
            self._carry_out(actor.name, request)
            todo -= 1
            return written

        def write_one(request: Request) -> None:
            write(request)
            actor.after |= {self.turn}
            if not todo:
                actor.answer(written)

        if len(writes) == 1:
            actor.offer(self._action(actor.name, actor, writes[0]), partial(write, writes[0]))
            return
        after = actor.after | {self._last[actor.name]} if actor.name in self._last else actor.after
        for number, request in enumerate(writes, start=1):
            name = f"{actor.name}, write {number}"
            self._once[name] = _Once(self._action(name, actor, request, after), partial(write_one, request))

    # The index, and what waits for it.

    def _change(self, change: Change) -> None:
        waiting = self._unshown.setdefault(change.key, deque())
        waiting.append((self.turn, change))
        if len(waiting) == 1:
            self._let_show(waiting, frozenset())

    def _let_show(self, waiting: deque[tuple[int, Change]], after: frozenset[int]) -> None:
        written, change = waiting[0]

        def show() -> None:
            self._table.show(change)
            self._shown_at[written] = self.turn
            waiting.popleft()
            if waiting:
                self._let_show(waiting, frozenset([self.turn]))

        what = f"{'shows' if change.after else 'no longer shows'} {change.key[1]}"
        name = f"index of {change.key[1]}"
        self._once[name] = _Once(Action(name, what, shows(change), after | {written}), show)

    def _deliver(self) -> None:
        for each in list(self._delayed):
            if each.writes <= self._shown_at.keys():
                self._delayed.remove(each)
                shown = frozenset(self._shown_at[write] for write in each.writes)
                self.begin(each.name, replace(each.job, after=each.job.after | shown))

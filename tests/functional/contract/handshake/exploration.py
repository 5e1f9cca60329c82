"""Every order in which actors can take their turns, but of orders that cannot differ only one.

Stateless model checking: a play is begun anew for each schedule, and led along it. Which schedules are needed is
found by source sets and sleep sets (Abdulla, Aronis, Jonsson, Sagonas: Optimal Dynamic Partial Order Reduction,
POPL 2014, algorithm 1): two turns next to each other that touch nothing in common, or only read it, give the same
state in either order, so whoever has seen one order has seen the other. What has been caused by a turn (a message
is handled after it was sent) cannot come before it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

__all__ = ["Action", "Exploration", "Play", "Touch", "explore", "perform"]


@dataclass(frozen=True, slots=True)
class Touch:
    """A thing that is read or written: a place, or one part of it. ``value`` is what stands there after a write that
    asks for nothing and is told nothing: of two that write the same, either may be the first."""

    place: str
    part: str | None
    writes: bool
    value: str | None = None

    def meets(self, other: Touch) -> bool:
        """Whether it matters which of the two comes first."""
        if self.place != other.place or not (self.writes or other.writes):
            return False
        if self.part is None or other.part is None:
            return True
        return self.part == other.part and (self.value is None or self.value != other.value)


@dataclass(frozen=True, slots=True)
class Action:
    """An actor's next turn. ``after`` are the turns, by their number in this play, without which it would not come."""

    actor: str
    what: str
    touches: tuple[Touch, ...] = ()
    after: frozenset[int] = frozenset()

    def meets(self, other: Action) -> bool:
        """Whether it matters which of the two comes first."""
        return any(one.meets(two) for one in self.touches for two in other.touches)


class Play(Protocol):
    """Actors who take turns. An actor's next action changes by its own turns only; none takes away another's."""

    def pending(self) -> Mapping[str, Action]:
        """What each actor that can go on would do next."""

    def go(self, actor: str) -> None:
        """The actor takes its turn."""

    def close(self) -> None:
        """Nobody goes on."""


P = TypeVar("P", bound=Play)


@dataclass
class Exploration:
    """What came of it: the ends by their verdicts, and for each verdict one schedule that leads there."""

    verdicts: Counter[str] = field(default_factory=Counter)
    schedules: dict[str, list[str]] = field(default_factory=dict)
    cut: int = 0
    """How many plays were broken off, since what was to come had been seen."""

    @property
    def ends(self) -> int:
        """How many plays were led to their end."""
        return sum(self.verdicts.values())


@dataclass
class _Turn:
    """A state on the way, and the turn that was taken there. ``before`` has a bit for each turn that led to it."""

    pending: Mapping[str, Action]
    asleep: dict[str, Action]
    wanted: list[str]
    actor: str = ""
    before: int = 0

    @property
    def action(self) -> Action:
        return self.pending[self.actor]


class _Explorer(Generic[P]):
    def __init__(self, begin: Callable[[], P], judge: Callable[[P, list[str]], str], limit: int) -> None:
        self._begin = begin
        self._judge = judge
        self._limit = limit
        self._turns: list[_Turn] = []
        self._found = Exploration()

    def run(self) -> Exploration:
        while True:
            play = self._begin()
            try:
                self._follow(play)
                self._go_on(play)
            finally:
                play.close()
            if not self._turn_back():
                return self._found

    def _follow(self, play: P) -> None:
        for turn in self._turns:
            there = play.pending().get(turn.actor)
            assert there == turn.action, f"the play is not the same again: {there} instead of {turn.action}"
            play.go(turn.actor)

    def _go_on(self, play: P) -> None:
        """To the end, or to where all that could come has been seen elsewhere."""
        while pending := dict(play.pending()):
            asleep = self._still_asleep()
            awake = next((actor for actor in pending if actor not in asleep), None)
            if awake is None:
                self._found.cut += 1
                return
            self._turns.append(_Turn(pending, asleep, [awake]))
            self._take(awake)
            play.go(awake)
        schedule = [turn.actor for turn in self._turns]
        verdict = self._judge(play, schedule)
        self._found.verdicts[verdict] += 1
        self._found.schedules.setdefault(verdict, schedule)
        assert self._found.ends <= self._limit, f"more than {self._limit:,} schedules: {self._found.verdicts}"

    def _still_asleep(self) -> dict[str, Action]:
        """Who need not go on here: with the same turn as earlier, and nothing between that it would matter to."""
        if not self._turns:
            return {}
        last = self._turns[-1]
        return {
            actor: action
            for actor, action in last.asleep.items()
            if actor != last.actor and not action.meets(last.action)
        }

    def _turn_back(self) -> bool:
        """To the last state from which another turn is wanted; false if there is none."""
        while self._turns:
            turn = self._turns[-1]
            turn.asleep[turn.actor] = turn.action
            following = next((actor for actor in turn.wanted if actor not in turn.asleep), None)
            if following is not None:
                self._take(following)
                return True
            self._turns.pop()
        return False

    def _take(self, actor: str) -> None:
        """Notes what led to this turn, and wants the other order wherever it is the second of a race."""
        *earlier, turn = self._turns
        turn.actor = actor
        before = _with(earlier, [*turn.action.after, *_last(earlier, actor)])
        races = []
        for number in range(len(earlier) - 1, -1, -1):
            if not before >> number & 1 and earlier[number].action.meets(turn.action):
                races.append(number)
                before |= 1 << number | earlier[number].before
        turn.before = before
        for number in races:
            self._want_other_order(number)

    def _want_other_order(self, number: int) -> None:
        """Has what does not depend on turn ``number``, and the last turn, come before it."""
        last = len(self._turns) - 1
        others = [each for each in range(number + 1, last) if not self._turns[each].before >> number & 1]
        first: list[str] = []
        seen = 0
        for each in [*others, last]:
            if not self._turns[each].before & seen:
                first.append(self._turns[each].actor)
            seen |= 1 << each
        wanted = self._turns[number].wanted
        if not set(first) & set(wanted):
            actor = self._turns[last].actor
            wanted.append(actor if actor in first else first[0])


def _last(turns: Sequence[_Turn], actor: str) -> Iterator[int]:
    """The actor's last turn, if it has had one."""
    for number in range(len(turns) - 1, -1, -1):
        if turns[number].actor == actor:
            yield number
            return


def _with(turns: Sequence[_Turn], numbers: Sequence[int]) -> int:
    """These turns, and what led to them."""
    before = 0
    for number in numbers:
        before |= 1 << number | turns[number].before
    return before


def explore(begin: Callable[[], P], judge: Callable[[P, list[str]], str], limit: int) -> Exploration:
    """Leads plays along all schedules that can differ; ``judge`` looks at each end, and names or refuses it.

    ``AssertionError`` if there are more than ``limit``: then it would not be exhaustive.
    """
    return _Explorer(begin, judge, limit).run()


def perform(play: P, schedule: Sequence[str]) -> P:
    """Leads a play along a schedule, and on from its end in whatever order."""
    for actor in schedule:
        play.go(actor)
    while actor := next(iter(play.pending()), ""):
        play.go(actor)
    return play

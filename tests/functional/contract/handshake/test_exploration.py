"""The explorer against plain enumeration, on small random worlds: it sees all that can happen, and nothing twice."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.functional.contract.handshake.exploration import Action, Touch, explore

PLACES = ("x", "y", "z")


@dataclass(frozen=True)
class Deed:
    """Reads or writes a place, or a part of one; may bring another actor on stage."""

    place: str
    part: str | None
    writes: bool
    brings: str | None = None


Script = Mapping[str, tuple[Deed, ...]]


class World:
    """Actors by a script. A place holds who has written it; who reads it, and all who write it, see all that."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._done = {"main": 0, "other": 0}
        self._after: dict[str, frozenset[int]] = {}
        self._turns = 0
        self._written: list[tuple[Deed, str]] = []
        self.seen: dict[str, list[Any]] = {}

    def pending(self) -> Mapping[str, Action]:
        return {name: self._action(name, deed) for name, deed in self._next()}

    def go(self, actor: str) -> None:
        deed = dict(self._next())[actor]
        touch = self._action(actor, deed).touches[0]
        seen = {who for other, who in self._written if touch.meets(Touch(other.place, other.part, writes=True))}
        self.seen.setdefault(actor, []).append(sorted(seen))
        if deed.writes:
            self._written.append((deed, f"{actor} {self._done[actor]}"))
        self._done[actor] += 1
        if deed.brings is not None:
            self._done[deed.brings] = 0
            self._after[deed.brings] = frozenset([self._turns])
        self._turns += 1

    def close(self) -> None:
        pass

    @property
    def end(self) -> str:
        """All that anybody has seen, which tells any two orders apart that differ."""
        return str(sorted(self.seen.items()))

    def _next(self) -> Iterator[tuple[str, Deed]]:
        for name, done in self._done.items():
            if done < len(self._script[name]):
                yield name, self._script[name][done]

    def _action(self, name: str, deed: Deed) -> Action:
        touch = Touch(deed.place, deed.part, deed.writes)
        after = self._after.get(name, frozenset()) if self._done[name] == 0 else frozenset()
        return Action(name, str(deed), (touch,), after)


class Unreduced(World):
    """The same, in which it always matters who comes first: so that every order is tried."""

    def pending(self) -> Mapping[str, Action]:
        everything = (Touch("everything", None, writes=True),)
        return {name: replace(action, touches=everything) for name, action in super().pending().items()}


def script(seed: int) -> Script:
    rng = random.Random(seed)

    def deeds(most: int, brings: str | None = None) -> tuple[Deed, ...]:
        count = rng.randint(1, most)
        bringer = rng.randrange(count)
        return tuple(
            Deed(
                rng.choice(PLACES),
                rng.choice([None, "a", "b"]),
                rng.random() < 0.6,
                brings if number == bringer else None,
            )
            for number in range(count)
        )

    return {"main": deeds(3, "child"), "other": deeds(2, "cousin"), "child": deeds(2), "cousin": deeds(2)}


def every_order(world: World, script: Script, path: tuple[str, ...] = ()) -> Iterator[str]:
    """By hand, without the explorer: all ends."""
    pending = list(world.pending())
    if not pending:
        yield world.end
    for actor in pending:
        again = World(script)
        for each in (*path, actor):
            again.go(each)
        yield from every_order(again, script, (*path, actor))


@pytest.mark.parametrize("seed", range(40))
def test_the_explorer_sees_every_end_that_enumeration_sees_and_none_twice(seed: int) -> None:
    world = script(seed)
    everything = set(every_order(World(world), world))
    ends = explore(lambda: World(world), lambda play, schedule: play.end, limit=100_000).verdicts
    assert set(ends) == everything
    assert set(ends.values()) == {1}


def test_where_it_always_matters_who_comes_first_every_order_is_tried() -> None:
    deeds = tuple(Deed("x", None, writes=True) for _ in range(3))
    world = {"main": deeds, "other": deeds}
    assert explore(lambda: Unreduced(world), lambda play, schedule: "end", limit=100).ends == 20  # 6 over 3


def test_more_orders_than_the_limit_are_not_called_exhaustive() -> None:
    deeds = tuple(Deed("x", None, writes=True) for _ in range(3))
    world = {"main": deeds, "other": deeds}
    with pytest.raises(AssertionError, match="more than 19 schedules"):
        explore(lambda: World(world), lambda play, schedule: "end", limit=19)

"""Steps that end at about the same time are kept side by side; what is given of them is durable, and in order."""

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tarry import Context, ContextSync
from tarry_backend.replay import Paused, Status, Step, conclusion
from tests.unit.replay.faces import Face
from tests.unit.replay.memory import MemoryJournal, MemoryRun, durable, output_of

PATIENCE = 10


class ThrottlingError(Exception):
    """DynamoDB has enough."""


class Table(MemoryJournal):
    """A journal whose writes take as long as a test wants: each first does what ``before`` has for its step.

    ``arrived`` and ``durable`` are events, by the steps' keys; ``threads`` are those in which steps were kept.
    """

    def __init__(self, before: dict[str, Callable[[], object]] | None = None) -> None:
        super().__init__()
        self.before = before or {}
        self.arrived: defaultdict[str, threading.Event] = defaultdict(threading.Event)
        self.durable: defaultdict[str, threading.Event] = defaultdict(threading.Event)
        self.threads: list[threading.Thread] = []

    def keep(self, step: Step) -> None:
        self.threads.append(threading.current_thread())
        self.arrived[step.key].set()
        self.before.get(step.key, int)()
        super().keep(step)
        self.durable[step.key].set()

    def after(self, key: str) -> Callable[[], None]:
        """Waits until that step is durable, and long enough for its result to be given if nothing holds it."""

        def wait() -> None:
            self.durable[key].wait(PATIENCE)
            time.sleep(0.03)

        return wait


class Shop:
    """Two steps side by side, of which ``a`` always ends first; then a third. ``given`` is what the code has seen."""

    def __init__(self, journal: Table) -> None:
        self.journal = journal
        self.ran: list[str] = []
        self.given: list[str] = []

    def run(self, face: Face) -> MemoryRun:
        return MemoryRun(durable(face(self.ship)), self.journal)

    async def ship(self, ctx: Context) -> list[str]:
        given: list[str] = []

        async def branch(name: str) -> None:
            name = await ctx.step.run(name, self._body, name)
            assert self.journal.steps[name].output is not None, "what the code sees is durable"
            given.append(name)
            self.given.append(name)

        await ctx.group.parallel([lambda: branch("a"), lambda: branch("b")])
        await ctx.step.run("c", self._body, "c")
        return given

    def _body(self, name: str) -> str:
        if name == "b" and "a" not in self.journal.steps:
            self.journal.arrived["a"].wait(PATIENCE)
        self.ran.append(name)
        return name


def test_ten_steps_are_kept_side_by_side(face: Face) -> None:
    meet, together = threading.Barrier(10), threading.Barrier(10)

    async def ship(ctx: Context) -> int:
        return len(await ctx.group.parallel([lambda: ctx.step.run("meet", meet.wait, PATIENCE)] * 10))

    keys = ["meet", *(f"meet:{n}" for n in range(1, 10))]
    journal = Table(dict.fromkeys(keys, partial(together.wait, PATIENCE)))
    assert output_of(MemoryRun(durable(face(ship)), journal).replay()) == 10


def test_so_are_steps_whose_bodies_take_no_time() -> None:
    async def at_once() -> int:
        return 1

    async def ship(ctx: Context) -> int:
        return sum(await ctx.group.parallel([lambda: ctx.step.run("count", at_once)] * 10))

    together = threading.Barrier(10)
    keys = ["count", *(f"count:{n}" for n in range(1, 10))]
    journal = Table(dict.fromkeys(keys, partial(together.wait, PATIENCE)))
    assert output_of(MemoryRun(durable(ship), journal).replay()) == 10


def test_so_are_sleeps_and_failures(face: Face) -> None:
    def fail() -> None:
        raise OSError("no connection")

    async def ship(ctx: Context) -> None:
        await ctx.group.parallel([lambda: ctx.step.sleep("nap", "1h"), lambda: ctx.step.run("fail", fail)])

    together = partial(threading.Barrier(2).wait, PATIENCE)
    run = MemoryRun(durable(face(ship)), Table({"nap": together, "fail": together}))
    assert run.replay() == Paused()
    assert {step.key: step.status for step in run.journal.steps.values()} == {
        "nap": Status.SLEEPING,
        "fail": Status.RETRYING,
    }


def test_more_than_ten_wait_for_each_other() -> None:
    at_once, most, lock = 0, 0, threading.Lock()

    def count() -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.02)
        with lock:
            at_once -= 1

    async def ship(ctx: Context) -> int:
        return len(await ctx.group.parallel([lambda n=n: ctx.step.run(str(n), int) for n in range(30)]))  # type: ignore[misc]

    journal = Table({str(n): count for n in range(30)})
    assert output_of(MemoryRun(durable(ship), journal).replay()) == 30
    assert most <= 10


def test_a_step_by_itself_is_kept_without_a_thread(face: Face) -> None:
    async def ship(ctx: Context) -> None:
        for n in range(3):
            await ctx.step.run(str(n), int)
        await ctx.step.sleep("nap", "1h")

    journal = Table()
    assert MemoryRun(durable(face(ship)), journal).replay() == Paused()
    assert journal.threads == [threading.current_thread()] * 4


def test_results_are_given_in_the_order_of_their_ends_though_a_later_write_returns_first(face: Face) -> None:
    journal = Table()
    journal.before = {"a": journal.after("b")}
    shop = Shop(journal)
    assert output_of(shop.run(face).replay()) == ["a", "b"]
    assert [step.key for step in journal.writes] == ["b", "a", "c"]
    assert output_of(shop.run(face).replay()) == ["a", "b"]
    assert shop.ran == ["a", "b", "c"]


def test_a_result_is_not_given_before_what_was_decided_earlier_is_durable(face: Face) -> None:
    """A sleep that begins first, and whose write takes longer."""
    journal = Table()

    journal.before = {"nap": journal.after("run")}
    seen: list[list[str]] = []

    async def ship(ctx: Context) -> None:
        async def work() -> None:
            await ctx.step.run("run", journal.arrived["nap"].wait, PATIENCE)
            seen.append(list(journal.steps))

        await ctx.group.parallel([lambda: ctx.step.sleep("nap", "1h"), work])

    run = MemoryRun(durable(face(ship)), journal)
    assert run.replay() == Paused()
    assert seen == [["run", "nap"]]


def test_cut_off_between_two_writes_the_step_that_was_not_kept_runs_again_and_ends_after_the_other(face: Face) -> None:
    journal = Table()

    def die() -> None:
        journal.after("b")()
        raise ThrottlingError

    journal.before = {"a": die}
    shop = Shop(journal)
    with pytest.raises(ThrottlingError):
        shop.run(face).replay()
    assert (list(journal.steps), shop.given) == (["b"], []), "the code has seen neither"

    journal.before = {}
    assert output_of(shop.run(face).replay(cut_off=True)) == ["b", "a"]
    assert shop.ran == ["a", "b", "a", "c"]
    assert journal.steps["b"].ended_order < journal.steps["a"].ended_order  # type: ignore[operator]
    assert output_of(shop.run(face).replay()) == ["b", "a"]
    assert shop.ran == ["a", "b", "a", "c"]


def test_a_race_that_was_cut_off_between_two_writes_has_one_winner_at_each_replay(face: Face) -> None:
    journal = Table()

    def die() -> None:
        journal.after("b")()
        raise ThrottlingError

    won: list[str] = []

    async def ship(ctx: Context) -> Any:
        def body(name: str) -> str:
            if name == "b":
                journal.arrived["a"].wait(PATIENCE)
            return name

        won.append(await ctx.group.race([lambda n=n: ctx.step.run(n, body, n) for n in "ab"]))  # type: ignore[misc]
        await ctx.step.wait_for_event("last", event="last", timeout="1d")
        return won[-1]

    journal.before = {"a": die}
    run = MemoryRun(durable(face(ship)), journal)
    with pytest.raises(ThrottlingError):
        run.replay()
    assert won == []
    journal.before = {}
    assert run.replay(cut_off=True) == Paused()
    assert output_of(run.receive("last")) == "b"
    assert won == ["b", "b"]


def test_when_a_write_fails_those_beside_it_are_waited_for_and_nothing_is_given(face: Face) -> None:
    journal = Table()
    failed = threading.Event()

    def fail() -> None:
        journal.arrived["b"].wait(PATIENCE)
        failed.set()
        raise ThrottlingError

    def take_long() -> None:
        failed.wait(PATIENCE)
        time.sleep(0.05)

    journal.before = {"a": fail, "b": take_long}
    shop = Shop(journal)
    with pytest.raises(ThrottlingError):
        shop.run(face).replay()
    assert list(journal.steps) == ["b"], "no write is left for the next invocation to meet"
    assert shop.given == []


def test_a_body_that_ends_once_the_replay_is_over_is_not_kept_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conclusion, "FAREWELL", 0.05)

    async def ship(ctx: Context) -> str:
        async def stubborn() -> str:
            try:
                await asyncio.sleep(PATIENCE)
            finally:
                return "stubborn"  # noqa: B012 - that is what makes it stubborn

        late = asyncio.create_task(ctx.step.run("stubborn", stubborn))
        await ctx.step.run("first", int)
        assert late.cancel()
        return "done"

    journal = Table()
    assert output_of(MemoryRun(durable(ship), journal).replay()) == "done"
    assert list(journal.steps) == ["first"]


@pytest.mark.parametrize("fails", [False, True])
def test_a_function_has_ended_once_the_writes_under_way_have(fails: bool) -> None:
    def take_long() -> None:
        time.sleep(0.05)
        if fails:
            raise ThrottlingError

    journal = Table({"late": take_long})

    async def ship(ctx: Context) -> str:
        tasks = [asyncio.create_task(ctx.step.run("late", int)), asyncio.create_task(ctx.step.run("never", forever))]
        await asyncio.to_thread(journal.arrived["late"].wait, PATIENCE)
        return f"done before {sum(task.cancel() for task in tasks)} steps"

    run = MemoryRun(durable(ship), journal)
    if fails:
        with pytest.raises(ThrottlingError):
            run.replay()
    else:
        assert output_of(run.replay()) == "done before 2 steps"
    assert list(journal.steps) == ([] if fails else ["late"])


async def forever() -> None:
    await asyncio.sleep(3600)


def test_a_step_that_its_branch_cancels_while_it_is_kept_holds_up_no_other() -> None:
    journal = Table()
    cancelled = threading.Event()
    journal.before = {"a": partial(cancelled.wait, PATIENCE)}

    async def ship(ctx: Context) -> str:
        doomed = asyncio.create_task(ctx.step.run("a", journal.after("first")))
        other = asyncio.create_task(ctx.step.run("b", journal.arrived["a"].wait, PATIENCE))
        await ctx.step.run("first", int)
        await asyncio.to_thread(journal.arrived["a"].wait, PATIENCE)
        doomed.cancel()
        cancelled.set()
        await other
        return "done"

    assert output_of(MemoryRun(durable(ship), journal).replay()) == "done"
    assert {step.status for step in journal.steps.values()} == {Status.DONE}
    assert output_of(MemoryRun(durable(ship), journal).replay()) == "done"


def test_if_such_a_write_fails_it_ends_the_invocation_all_the_same() -> None:
    journal = Table()
    cancelled = threading.Event()

    def fail() -> None:
        cancelled.wait(PATIENCE)
        raise ThrottlingError

    journal.before = {"a": fail}

    async def ship(ctx: Context) -> None:
        doomed = asyncio.create_task(ctx.step.run("a", int))
        other = asyncio.create_task(ctx.step.run("b", forever))
        await asyncio.to_thread(journal.arrived["a"].wait, PATIENCE)
        doomed.cancel()
        cancelled.set()
        await other

    with pytest.raises(ThrottlingError):
        MemoryRun(durable(ship), journal).replay()


async def hurried(journal: Table, ctx: Context) -> str:
    async def nap() -> None:
        await asyncio.to_thread(journal.arrived["fast"].wait, PATIENCE)
        await ctx.step.sleep("nap", "1h")

    await ctx.group.race([lambda: ctx.step.run("fast", int), nap, lambda: ctx.step.run("never", forever)])
    return "done"


def hurried_sync(journal: Table, ctx: ContextSync) -> str:
    def nap() -> None:
        journal.arrived["fast"].wait(PATIENCE)
        ctx.step.sleep("nap", "1h")

    ctx.group.race([lambda: ctx.step.run("fast", int), nap])
    return "done"


@pytest.mark.parametrize("code", [hurried, hurried_sync])
def test_a_losers_sleep_that_is_on_its_way_into_the_journal_is_withdrawn(code: Callable[[Table, Any], Any]) -> None:
    journal = Table()

    def before_the_nap() -> None:
        if journal.steps.get("nap") is None:
            journal.after("fast")()

    def before_the_end() -> None:
        journal.arrived["nap"].wait(PATIENCE)

    journal.before = {"nap": before_the_nap, "fast": before_the_end}
    assert output_of(MemoryRun(durable(partial(code, journal)), journal).replay()) == "done"
    assert [(step.key, step.status) for step in journal.writes] == [
        ("fast", Status.DONE),
        ("nap", Status.SLEEPING),
        ("nap", Status.WITHDRAWN),
    ]

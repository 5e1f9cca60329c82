"""A step begins when its first attempt began, of which nothing may have been kept."""

import asyncio
import threading

from tarry import Context
from tarry_backend.model.position import Position
from tarry_backend.replay import Failed, Paused, Step
from tests.unit.replay.faces import Face
from tests.unit.replay.memory import NOON, MemoryJournal, MemoryRun, durable

MINUTE = 60_000


class DyingError(Exception):
    """What ends an invocation."""


class DyingJournal(MemoryJournal):
    """A journal that loses the write of one step, once; each body takes a minute."""

    def __init__(self, lost: str) -> None:
        super().__init__()
        self._lost = lost

    def work(self) -> None:
        self.clock += MINUTE

    def keep(self, step: Step) -> None:
        if step.key == self._lost:
            self._lost = ""
            raise DyingError
        super().keep(step)


def redelivered(run: MemoryRun) -> None:
    """The executor dies; a quarter of an hour later another has the message."""
    try:
        run.replay()
    except DyingError:
        run.attempt_since = NOON
        run.journal.clock += 15 * MINUTE
        run.replay(cut_off=True)


def test_w36_a_step_whose_attempt_was_lost_began_when_the_step_before_it_had_ended(face: Face) -> None:
    journal = DyingJournal("ask")

    async def ship(ctx: Context) -> None:
        await ctx.step.run("bill", journal.work)
        await ctx.step.run("ask", journal.work)
        await ctx.step.wait_for_event("paid", event="paid", timeout="1h")

    run = MemoryRun(durable(face(ship)), journal)
    redelivered(run)
    assert run.step("ask").began == NOON + MINUTE == run.step("bill").ended
    assert run.since("paid") == Position(NOON + MINUTE)
    assert run.step("paid").due == journal.clock + 60 * MINUTE, "its time counts from the call that is kept"


def test_w05_a_step_behind_one_that_was_lost_began_after_that_was_kept(face: Face) -> None:
    journal = DyingJournal("ask")

    async def ship(ctx: Context) -> None:
        await ctx.step.run("ask", journal.work)
        await ctx.step.run("bill", journal.work)
        await ctx.step.wait_for_event("paid", event="paid", timeout="1h")

    run = MemoryRun(durable(face(ship)), journal)
    redelivered(run)
    assert run.step("ask").began == NOON
    assert run.since("paid") == Position(NOON + 17 * MINUTE)


def test_w36_a_sleep_whose_beginning_was_lost_ends_as_if_it_had_been_kept(face: Face) -> None:
    journal = DyingJournal("rest")

    async def ship(ctx: Context) -> None:
        await ctx.step.sleep("rest", "1m")
        await ctx.step.wait_for_event("paid", event="paid", timeout="1h")

    run = MemoryRun(durable(face(ship)), journal)
    redelivered(run)
    assert run.since("paid") == Position(NOON + MINUTE)


def test_a_retry_keeps_the_beginning_of_the_first_attempt(face: Face) -> None:
    journal = MemoryJournal()

    async def ship(ctx: Context) -> None:
        def ask() -> None:
            journal.clock += MINUTE
            if ctx.attempt == 0:
                raise ConnectionError

        await ctx.step.run("ask", ask)
        await ctx.step.wait_for_event("paid", event="paid", timeout="1h")

    run = MemoryRun(durable(face(ship), backoff=["10m"]), journal)
    assert run.replay() == Paused()
    run.attempt_since = NOON + MINUTE  # its executor died when it made the second attempt
    assert run.wake_after("15m") == Paused()
    assert run.since("paid") == Position(NOON)


def test_w36_a_step_that_was_under_way_when_its_function_failed_began_then() -> None:
    """branch 1    ask ┄┄┄ (not kept)            ask, kept ── wait
    branch 2           raises ── 1 h ── again
    """
    journal = MemoryJournal()

    async def ship(ctx: Context) -> None:
        begun = threading.Event()

        async def ask() -> None:
            begun.set()
            if run.attempt == 0:
                await asyncio.sleep(60)

        async def fails() -> None:
            await asyncio.to_thread(begun.wait)
            if run.attempt == 0:
                raise ConnectionError

        async def asks() -> None:
            await ctx.step.run("ask", ask)
            await ctx.step.wait_for_event("paid", event="paid", timeout="1h")

        await asyncio.gather(asks(), fails())

    run = MemoryRun(durable(ship), journal)
    failed = run.replay()
    assert isinstance(failed, Failed)
    assert failed.unkept_since == NOON
    run.attempt, run.attempt_since = 1, failed.unkept_since
    assert run.wake_after("1h") == Paused()
    assert run.since("paid") == Position(NOON)


def test_a_function_that_fails_with_all_its_steps_kept_leaves_none_under_way(face: Face) -> None:
    async def ship(ctx: Context) -> None:
        await ctx.step.run("ask", int)
        raise ConnectionError

    failed = MemoryRun(durable(face(ship))).replay()
    assert isinstance(failed, Failed)
    assert failed.unkept_since is None

"""``ctx.logger``: what a function logs outside of its steps is logged once, however often its code runs again."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator

import pytest

from tarry import Context, StepError
from tarry_backend.replay import Paused, Step
from tests.unit.replay.faces import Face
from tests.unit.replay.memory import MemoryJournal, MemoryRun, durable, output_of


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], list[str]]]:
    """The lines that were logged since this was asked before."""

    def lines() -> list[str]:
        found = [record.getMessage() for record in caplog.records if record.name == "tarry.run.ship"]
        caplog.clear()
        return found

    with caplog.at_level(logging.INFO):
        yield lines


Lines = Callable[[], list[str]]


def test_each_line_is_logged_once_over_all_replays(face: Face, logged: Lines) -> None:
    async def ship(ctx: Context) -> str:
        ctx.logger.info("begins")
        await ctx.step.run("reserve", lambda: None)
        ctx.logger.info("reserved")
        await ctx.step.wait_for_event("paid", event="paid", timeout="1d")
        ctx.logger.info("paid")
        await ctx.step.sleep("overnight", "8h")
        ctx.logger.info("rested")
        return "shipped"

    run = MemoryRun(durable(face(ship)))
    run.replay()
    assert logged() == ["begins", "reserved"]
    run.receive("paid")
    assert logged() == ["paid"]
    run.wake_after("7h")
    assert logged() == []
    assert output_of(run.wake_after("1h")) == "shipped"
    assert logged() == ["rested"]


def test_what_follows_a_wait_is_logged_though_no_step_follows_it(face: Face, logged: Lines) -> None:
    async def ship(ctx: Context) -> None:
        paid = await ctx.step.wait_for_event("paid", event="paid", timeout="1d")
        ctx.logger.info("paid by %s", paid and paid.id)

    run = MemoryRun(durable(face(ship)))
    run.replay()
    run.receive("paid", "e7")
    assert logged() == ["paid by e7"]


def test_a_body_logs_at_each_attempt_and_the_code_around_it_once(face: Face, logged: Lines) -> None:
    async def ship(ctx: Context) -> None:
        ctx.logger.info("begins")

        def charge() -> None:
            ctx.logger.info("attempt %s", ctx.attempt)
            raise ConnectionError

        try:
            await ctx.step.run("charge", charge)
        except StepError:
            ctx.logger.info("given up")

    run = MemoryRun(durable(face(ship), retries=1, backoff=["1m"]))
    run.replay()
    assert logged() == ["begins", "attempt 0"]
    run.wake_after("2m")
    assert logged() == ["attempt 1", "given up"]


def test_branches_log_once_whichever_goes_on(face: Face, logged: Lines) -> None:
    async def ship(ctx: Context) -> None:
        async def await_payment(name: str) -> None:
            ctx.logger.info("asks %s", name)
            await ctx.step.run(f"ask {name}", lambda: None)
            ctx.logger.info("awaits %s", name)
            await ctx.step.wait_for_event(name, event=name, timeout="1d")
            ctx.logger.info("had %s", name)

        async def rest() -> None:
            await ctx.step.sleep("overnight", "8h")
            ctx.logger.info("rested")

        await ctx.group.parallel([lambda: await_payment("card"), lambda: await_payment("bank"), rest])
        ctx.logger.info("all")

    run = MemoryRun(durable(face(ship)))
    run.replay()
    assert sorted(logged()) == ["asks bank", "asks card", "awaits bank", "awaits card"]
    run.receive("bank", "e1")
    assert logged() == ["had bank"]
    run.wake_after("9h")
    assert logged() == ["rested"]
    run.receive("card", "e2")
    assert logged() == ["had card", "all"]


def test_two_waits_that_ended_while_nothing_ran_are_both_news(face: Face, logged: Lines) -> None:
    async def ship(ctx: Context) -> None:
        async def await_payment(name: str) -> None:
            await ctx.step.wait_for_event(name, event=name, timeout="1d")
            ctx.logger.info("had %s", name)

        await ctx.group.parallel([lambda: await_payment("card"), lambda: await_payment("bank")])

    run = MemoryRun(durable(face(ship)))
    run.replay()
    for name in ("card", "bank"):
        run.journal.time_out(name)
    run.replay()
    assert logged() == ["had card", "had bank"]


def test_an_invocation_that_stopped_between_two_steps_leaves_nothing_to_repeat(face: Face, logged: Lines) -> None:
    async def ship(ctx: Context) -> None:
        await ctx.step.run("pack", setattr, run.journal, "is_out_of_time", True)
        ctx.logger.info("packed")
        await ctx.step.run("send", lambda: ctx.logger.info("sends"))

    run = MemoryRun(durable(face(ship)))
    assert run.replay() == Paused(out_of_time=True)
    assert logged() == ["packed"]
    run.journal.is_out_of_time = False
    run.replay()
    assert logged() == ["sends"]


def test_after_a_crash_a_line_comes_twice_rather_than_never(face: Face, logged: Lines) -> None:
    async def ship(ctx: Context) -> None:
        ctx.logger.info("begins")
        await ctx.step.run("pack", lambda: None)
        ctx.logger.info("packed")

    run = MemoryRun(durable(face(ship)))
    run.replay()
    assert logged() == ["begins", "packed"]
    run.replay(cut_off=True)
    assert logged() == ["packed"]


def test_so_does_a_line_after_each_of_several_results_that_were_kept_side_by_side(face: Face, logged: Lines) -> None:
    """The executor dies when all are durable, and none is given yet."""

    class Mortal(MemoryJournal):
        is_mortal = True

        def keep(self, step: Step) -> None:
            if self.is_mortal and step.key == "card":
                both.wait(10)
            super().keep(step)
            if self.is_mortal and step.key == "card":
                raise ConnectionError
            both.set()

    both, begun = threading.Event(), threading.Barrier(2)

    async def ship(ctx: Context) -> None:
        async def ask(name: str) -> None:
            await ctx.step.run(name, begun.wait, 10)
            ctx.logger.info("asked %s", name)

        await ctx.group.parallel([lambda: ask("card"), lambda: ask("bank")])

    run = MemoryRun(durable(face(ship)), journal := Mortal())
    with pytest.raises(ConnectionError):
        run.replay()
    journal.is_mortal = False
    logged()
    run.replay(cut_off=True)
    assert sorted(logged()) == ["asked bank", "asked card"]


def test_a_function_that_is_tried_again_logs_from_its_newest_result_on(face: Face, logged: Lines) -> None:
    async def ship(ctx: Context) -> None:
        ctx.logger.info("begins")
        await ctx.step.run("pack", lambda: None)
        ctx.logger.info("attempt %s", ctx.attempt)
        raise ConnectionError

    run = MemoryRun(durable(face(ship)))
    run.replay()
    run.attempt = 1
    logged()
    run.replay()
    assert logged() == ["attempt 1"]


def test_a_finally_block_logs_at_its_end_and_not_at_each_rest(face: Face, logged: Lines) -> None:
    async def ship(ctx: Context) -> None:
        try:
            await ctx.step.wait_for_event("paid", event="paid", timeout="1d")
        finally:
            ctx.logger.info("over")

    run = MemoryRun(durable(face(ship)))
    run.replay()
    assert logged() == []
    run.receive("paid")
    assert logged() == ["over"]


def test_a_race_logs_what_its_winner_did_once(logged: Lines) -> None:
    async def ship(ctx: Context) -> None:
        waits = [
            asyncio.ensure_future(ctx.step.wait_for_event(name, event=name, timeout="1d")) for name in ("card", "bank")
        ]
        done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        ctx.logger.info("had %s", [await one for one in done])
        await ctx.step.sleep("overnight", "8h")
        ctx.logger.info("rested")

    run = MemoryRun(durable(ship))
    run.replay()
    run.receive("bank")
    assert len(logged()) == 1
    run.wake_after("9h")
    assert logged() == ["rested"]


def test_a_race_of_a_group_and_what_follows_it_are_logged_once(face: Face, logged: Lines) -> None:
    async def ship(ctx: Context) -> None:
        async def await_payment(name: str) -> str:
            await ctx.step.wait_for_event(name, event=name, timeout="1d")
            ctx.logger.info("had %s", name)
            return name

        won = await ctx.group.race([lambda: await_payment("card"), lambda: await_payment("bank")])
        ctx.logger.info("%s won", won)
        await ctx.step.sleep("overnight", "8h")
        ctx.logger.info("rested")

    run = MemoryRun(durable(face(ship)))
    run.replay()
    run.receive("bank")
    assert logged() == ["had bank", "bank won"]
    run.wake_after("9h")
    assert logged() == ["rested"]


def test_what_is_left_out_is_not_even_formatted(face: Face, logged: Lines) -> None:
    class Costly:
        def __str__(self) -> str:
            formatted.append(threading.get_ident())
            return "costly"

    formatted: list[int] = []

    async def ship(ctx: Context) -> None:
        ctx.logger.info("%s", Costly())
        await ctx.step.wait_for_event("paid", event="paid", timeout="1d")

    run = MemoryRun(durable(face(ship)))
    run.replay()
    logged()
    formatted.clear()
    run.receive("paid")
    assert formatted == []

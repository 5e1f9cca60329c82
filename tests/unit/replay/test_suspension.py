"""R8 and R9: a function is suspended whatever it catches, and its ``finally`` blocks run."""

import asyncio
import gc
import logging
import threading
import time
from collections.abc import Callable

import pytest

from tarry import Context, ContextSync, UsageError
from tarry_backend.replay import Finished, Paused, conclusion
from tests.unit.replay.endless import lasting
from tests.unit.replay.faces import Face
from tests.unit.replay.memory import MemoryRun, durable, output_of


async def wait_for_payment(ctx: Context) -> str:
    paid = await ctx.step.wait_for_event("paid", event="paid", timeout="1d")
    return paid.id if paid else "nobody"


def test_r8_except_exception_does_not_catch_a_suspension(face: Face, caplog: pytest.LogCaptureFixture) -> None:
    caught: list[Exception] = []

    async def ship(ctx: Context) -> str:
        try:
            return await wait_for_payment(ctx)
        except Exception as error:
            caught.append(error)
            raise

    run = MemoryRun(durable(face(ship)))
    assert run.replay() == Paused()
    assert output_of(run.receive("paid", "e1")) == "e1"
    assert caught == []
    assert caplog.messages == []


def test_r9_a_bare_except_is_suspended_all_the_same_and_a_log_line_teaches(
    face: Face, caplog: pytest.LogCaptureFixture
) -> None:
    ran: list[str] = []

    async def ship(ctx: Context) -> str:
        try:
            return await wait_for_payment(ctx)
        except:  # noqa: E722
            ran.append("swallowed")
        return "shipped unpaid"

    run = MemoryRun(durable(face(ship)))
    assert run.replay() == Paused()
    assert ran == ["swallowed"]
    [line] = caplog.messages
    assert line.startswith("function ship caught its suspension. ")
    assert "\n" not in line
    assert "  " not in line
    assert "ship caught its suspension" in caplog.text
    assert "Write ``except Exception:`` instead" in caplog.text
    assert output_of(run.receive("paid", "e1")) == "e1"


def test_r9_what_follows_a_swallowed_suspension_begins_no_step(face: Face) -> None:
    ran: list[str] = []

    async def ship(ctx: Context) -> None:
        try:
            await wait_for_payment(ctx)
        except BaseException:
            ran.append("swallowed")
        await ctx.step.run("send", ran.append, "send")
        ran.append("went on")

    run = MemoryRun(durable(face(ship)))
    assert run.replay() == Paused()
    assert ran == ["swallowed"]
    assert list(run.journal.steps) == ["paid"]


def test_r9_in_a_branch_the_run_is_suspended_and_the_other_branches_are_kept(face: Face) -> None:
    async def swallowing(ctx: Context) -> str:
        try:
            return await wait_for_payment(ctx)
        except BaseException:
            return "swallowed"

    async def ship(ctx: Context) -> tuple[str, str]:
        paid, packed = await ctx.group.parallel([lambda: swallowing(ctx), lambda: ctx.step.run("pack", lambda: "box")])
        return paid, packed

    run = MemoryRun(durable(face(ship)))
    assert run.replay() == Paused()
    assert set(run.journal.steps) == {"paid", "pack"}
    assert output_of(run.receive("paid", "e1")) == ["e1", "box"]


def test_finally_blocks_of_all_branches_run_but_no_step_in_them(face: Face) -> None:
    ran: list[str] = []

    async def branch(ctx: Context, name: str) -> None:
        try:
            await ctx.step.wait_for_event(name, event=name, timeout="1d")
        finally:
            ran.append(name)
            await ctx.step.run(f"after {name}", ran.append, "step")

    async def ship(ctx: Context) -> None:
        try:
            await ctx.group.parallel([lambda: branch(ctx, "paid"), lambda: branch(ctx, "packed")])
        finally:
            ran.append("ship")

    assert MemoryRun(durable(face(ship))).replay() == Paused()
    assert sorted(ran) == ["packed", "paid", "ship"]


def test_a_step_in_a_finally_block_is_suspended_and_raises_nothing_that_except_exception_catches(face: Face) -> None:
    caught: list[Exception] = []

    async def ship(ctx: Context) -> None:
        try:
            await wait_for_payment(ctx)
        finally:
            try:
                await ctx.step.run("clean up", int)
            except Exception as error:
                caught.append(error)

    assert MemoryRun(durable(face(ship))).replay() == Paused()
    assert caught == []


def test_a_finally_block_may_await() -> None:
    closed: list[str] = []

    async def ship(ctx: Context) -> None:
        try:
            await wait_for_payment(ctx)
        finally:
            await asyncio.sleep(0.01)
            closed.append(await asyncio.to_thread(lambda: "closed"))

    assert MemoryRun(durable(ship)).replay() == Paused()
    assert closed == ["closed"]


def test_a_function_that_catches_cancellation_and_raises_it_again_is_not_taught(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def ship(ctx: Context) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(wait_for_payment(ctx))
            try:
                await asyncio.shield(ctx.step.sleep("pause", "1d"))
            except asyncio.CancelledError:
                raise

    assert MemoryRun(durable(ship)).replay() == Paused()
    assert caplog.messages == []


@pytest.mark.parametrize("ends", ["failed", "finished", "failed beside a branch"])
def test_a_function_that_has_not_been_suspended_is_not_taught(
    face: Face, ends: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def ship(ctx: Context) -> None:
        await ctx.step.run("pack", int)
        if ends == "failed":
            raise LookupError("no shelf")
        if ends == "failed beside a branch":
            await ctx.group.parallel([lambda: ctx.step.run("break", fail), lambda: wait_for_payment(ctx)])

    def fail() -> None:
        raise UsageError("no such shelf")

    MemoryRun(durable(face(ship), retries=0)).replay()
    assert caplog.messages == []


def test_the_first_end_of_a_replay_counts_unless_the_journal_then_fails() -> None:
    """A write that was under way has failed: then the function's end must have no effect either."""
    loop = asyncio.new_event_loop()
    end = conclusion.Conclusion(loop)
    assert not end.is_reached
    end.conclude(Paused())
    end.conclude(Finished("1"))
    assert (end.is_reached, end.ending) == (True, Paused())
    end.conclude(first := ConnectionError("no table"))
    end.conclude(ConnectionError("again"))
    end.conclude(Finished("1"))
    assert end.ending is first
    loop.close()


def test_an_interrupt_of_a_coroutine_is_told_from_one_that_comes_from_outside() -> None:
    """Ctrl-C while the loop waits must reach ``tarry dev``. What a function raises itself ends its run alone."""

    async def inside() -> None:
        raise KeyboardInterrupt

    def outside() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as own:
        inside().send(None)
    with pytest.raises(KeyboardInterrupt) as pressed:
        outside()
    assert conclusion.came_out_of_a_task(own.value)
    assert not conclusion.came_out_of_a_task(pressed.value)


# Functions that go on for ever are left behind.


async def swallow_at_steps(ctx: Context) -> None:
    goes_on = lasting()
    while goes_on():
        try:
            await wait_for_payment(ctx)
        except BaseException:
            continue


async def swallow_in_groups(ctx: Context) -> None:
    goes_on = lasting()
    while goes_on():
        try:
            await ctx.group.parallel([lambda: wait_for_payment(ctx)])
        except BaseException:
            continue


async def swallow_and_sleep(ctx: Context) -> None:
    goes_on = lasting()
    while goes_on():
        try:
            await wait_for_payment(ctx)
        except BaseException:
            await asyncio.sleep(3600)


def swallow_at_steps_in_a_def(ctx: ContextSync) -> None:
    goes_on = lasting()
    while goes_on():
        try:
            ctx.step.wait_for_event("paid", event="paid", timeout="1d")
        except BaseException:
            continue


def swallow_in_groups_in_a_def(ctx: ContextSync) -> None:
    goes_on = lasting()
    while goes_on():
        try:
            ctx.group.parallel([lambda: ctx.step.wait_for_event("paid", event="paid", timeout="1d")])
        except BaseException:
            continue


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "swallower",
    [
        swallow_at_steps,
        swallow_in_groups,
        swallow_and_sleep,
        swallow_at_steps_in_a_def,
        swallow_in_groups_in_a_def,
    ],
)
def test_a_function_that_swallows_for_ever_is_left_behind(
    swallower: Callable[..., object], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(conclusion, "FAREWELL", 0.05)
    began = time.monotonic()
    assert MemoryRun(durable(swallower)).replay() == Paused()
    assert time.monotonic() - began < 60
    line = "function ship still runs 0.05 s after its suspension; the executor leaves it behind"
    assert [message for message in caplog.messages if "leaves it behind" in message] == [line]
    with caplog.at_level(logging.CRITICAL):  # asyncio says that a task was destroyed
        gc.collect()


def test_threads_left_behind_do_not_keep_a_process_from_ending(face: Face) -> None:
    where: list[threading.Thread] = []

    async def ship(ctx: Context) -> None:
        await ctx.step.run("work", lambda: where.append(threading.current_thread()))

    MemoryRun(durable(face(ship))).replay()
    assert [thread.daemon for thread in where] == [True]
    wait_until(lambda: not where[0].is_alive())


def wait_until(holds: Callable[[], bool]) -> None:
    for _ in range(500):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("not within 5 s")

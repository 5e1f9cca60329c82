"""Steps side by side: ``ctx.group.parallel``, and for an ``async def`` whatever asyncio offers."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

import pytest

from tarry import Context, ContextSync, NonRetriableError, StepError
from tarry_backend.replay import Paused, Status
from tests.unit.replay.faces import Face
from tests.unit.replay.memory import MemoryRun, durable, error_of, output_of

Branch = Callable[[], Coroutine[Any, Any, Any]]
Join = Callable[[Context, list[Branch]], Awaitable[list[Any]]]


async def by_group(ctx: Context, branches: list[Branch]) -> list[Any]:
    return list(await ctx.group.parallel(branches))


async def by_gather(ctx: Context, branches: list[Branch]) -> list[Any]:
    return list(await asyncio.gather(*(branch() for branch in branches)))


async def by_task_group(ctx: Context, branches: list[Branch]) -> list[Any]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(branch()) for branch in branches]
    return [task.result() for task in tasks]


async def by_wait(ctx: Context, branches: list[Branch]) -> list[Any]:
    tasks = [asyncio.create_task(branch()) for branch in branches]
    await asyncio.wait(tasks)
    return [task.result() for task in tasks]


async def by_nesting(ctx: Context, branches: list[Branch]) -> list[Any]:
    if len(branches) < 2:
        return await by_gather(ctx, branches)
    left, right = branches[: len(branches) // 2], branches[len(branches) // 2 :]
    halves = await asyncio.gather(by_nesting(ctx, left), by_task_group(ctx, right))
    return [result for half in halves for result in half]


joins = pytest.mark.parametrize("join", [by_group, by_gather, by_task_group, by_wait, by_nesting])


def shipping(join: Join, ran: list[str]) -> Callable[[Context], Coroutine[Any, Any, list[Any]]]:
    """One branch waits between two steps, one fails once, one sleeps, one has two steps."""

    async def ship(ctx: Context) -> list[Any]:
        async def body(name: str) -> str:
            ran.append(name)
            if name == "charge" and ran.count("charge") == 1:
                raise OSError("no connection")
            return name

        async def pay() -> str:
            await ctx.step.run("ask", body, "ask")
            paid = await ctx.step.wait_for_event("paid", event="paid", timeout="1d")
            return await ctx.step.run("thank", body, paid.id if paid else "nobody")

        async def pack() -> str:
            first = await ctx.step.run("pick", body, "pick")
            return first + await ctx.step.run("pack", body, "pack")

        async def rest() -> str:
            await ctx.step.sleep("pause", "1h")
            return await ctx.step.run("rise", body, "rise")

        return await join(ctx, [pay, pack, rest, lambda: ctx.step.run("charge", body, "charge")])

    return ship


def is_shipped_step_by_step(run: MemoryRun, ran: list[str]) -> None:
    """The story that all joins have in common."""
    assert run.replay() == Paused()
    assert sorted(ran) == ["ask", "charge", "pack", "pick"], "the others run to their own end or wait"
    done = [step.key for step in run.journal.steps.values() if step.status is Status.DONE]
    assert sorted(done) == ["ask", "pack", "pick"], "in the order of their writes, of which two are side by side"
    assert done.index("pick") < done.index("pack")
    assert run.wake_after("1m") == Paused()
    assert ran[4:] == ["charge"]
    assert run.receive("paid", "e1") == Paused()
    assert ran[5:] == ["e1"]
    assert output_of(run.wake_after("1h")) == ["e1", "pickpack", "rise", "charge"]
    assert ran[6:] == ["rise"]


@joins
def test_while_one_branch_waits_the_others_run_to_their_own_end_and_are_kept(join: Join) -> None:
    ran: list[str] = []
    is_shipped_step_by_step(MemoryRun(durable(shipping(join, ran))), ran)


def test_while_one_branch_waits_the_others_run_to_their_own_end_and_are_kept_in_a_def(face: Face) -> None:
    ran: list[str] = []
    is_shipped_step_by_step(MemoryRun(durable(face(shipping(by_group, ran)))), ran)


def test_ten_plain_steps_run_side_by_side(face: Face) -> None:
    gate = threading.Barrier(10)

    async def ship(ctx: Context) -> list[Any]:
        return list(await ctx.group.parallel([lambda: ctx.step.run("meet", gate.wait, 10)] * 10))

    run = MemoryRun(durable(face(ship)))
    assert sorted(output_of(run.replay())) == list(range(10))


@joins
def test_ten_async_steps_run_side_by_side(join: Join) -> None:
    async def ship(ctx: Context) -> list[Any]:
        gate = asyncio.Barrier(10)

        async def meet() -> int:
            async with asyncio.timeout(10):
                return await gate.wait()

        return await join(ctx, [lambda: ctx.step.run("meet", meet)] * 10)

    assert sorted(output_of(MemoryRun(durable(ship)).replay())) == list(range(10))


def test_five_hundred_branches_of_a_def_have_room() -> None:
    def ship(ctx: ContextSync) -> int:
        return sum(ctx.group.parallel([lambda: ctx.step.run("count", lambda: 1)] * 500))

    assert output_of(MemoryRun(durable(ship)).replay()) == 500


def test_more_branches_of_a_def_are_an_error_that_names_the_limit_and_the_way_out() -> None:
    def ship(ctx: ContextSync) -> None:
        def inner() -> object:
            return ctx.group.parallel([lambda: None] * 499)

        ctx.group.parallel([inner])
        ctx.group.parallel([inner, lambda: None])

    error = error_of(MemoryRun(durable(ship)).replay())
    assert error.name == "LimitError"
    assert error.message.startswith("group.parallel needs a thread for each branch of a def, at most 500 at a time")
    assert "at most 500 at a time: use an async def" in error.message


def test_groups_may_be_nested(face: Face) -> None:
    async def ship(ctx: Context) -> object:
        async def inner(name: str) -> list[str]:
            pair = [lambda: ctx.step.run(name, lambda: name), lambda: ctx.step.run(name, lambda: name + "!")]
            return list(await ctx.group.parallel(pair))

        a, b = await ctx.group.parallel([lambda: inner("a"), lambda: inner("b")])
        return [a, b, await ctx.group.parallel([])]

    run = MemoryRun(durable(face(ship)))
    assert output_of(run.replay()) == [["a", "a!"], ["b", "b!"], []]
    assert output_of(run.replay()) == [["a", "a!"], ["b", "b!"], []]


def test_branches_that_use_the_same_ids_get_their_own_results_back_at_each_replay(face: Face) -> None:
    async def ship(ctx: Context) -> list[int]:
        async def branch(n: int) -> int:
            first = await ctx.step.run("read", lambda: n)
            await ctx.step.sleep("pause", "1h")
            return first * 10 + await ctx.step.run("write", lambda: n)

        return list(await ctx.group.parallel([partial(branch, n) for n in range(5)]))

    run = MemoryRun(durable(face(ship)))
    assert run.replay() == Paused()
    assert output_of(run.wake_after("1h")) == [0, 11, 22, 33, 44]


def test_branches_of_a_def_ask_for_steps_in_the_same_order_though_one_takes_its_time() -> None:
    """Each has a thread; were they left to themselves, the fast one would get the slow one's result."""
    replays: list[int] = []

    def ship(ctx: ContextSync) -> tuple[str, ...]:
        replays.append(len(replays))

        def branch(name: str) -> str:
            if name == "slow" and len(replays) == 2:
                time.sleep(0.05)
            read: str = ctx.step.run("read", lambda: name)
            ctx.step.sleep("pause", "1h")
            return read

        return ctx.group.parallel([lambda: branch("slow"), lambda: branch("fast")])

    run = MemoryRun(durable(ship))
    assert run.replay() == Paused()
    assert output_of(run.wake_after("1h")) == ["slow", "fast"]


def test_branches_of_a_def_go_on_in_the_order_of_their_results_though_one_takes_its_time() -> None:
    replays: list[int] = []

    def ship(ctx: ContextSync) -> tuple[str, ...]:
        replays.append(len(replays))

        def branch(name: str) -> str:
            ctx.step.wait_for_event(name, event=name, timeout="1d")
            if name == "slow" and len(replays) == 3:
                time.sleep(0.05)
            written: str = ctx.step.run("write", lambda: name)
            ctx.step.sleep("pause", "1h")
            return written

        return ctx.group.parallel([lambda: branch("slow"), lambda: branch("fast")])

    run = MemoryRun(durable(ship))
    run.replay()
    run.journal.clock += 1000
    run.journal.time_out("slow")
    run.journal.time_out("fast")
    assert run.replay() == Paused()
    assert output_of(run.wake_after("1h")) == ["slow", "fast"]


# Races.


def race(names: list[str], *, cancels: bool) -> Callable[[Context], Coroutine[Any, Any, list[str]]]:
    """Waits for any of the events, then for another one."""

    async def ship(ctx: Context) -> list[str]:
        waits = {
            asyncio.create_task(ctx.step.wait_for_event(name, event=name, timeout="1d"), name=name) for name in names
        }
        done, left = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for loser in left if cancels else []:
            loser.cancel()
        winners = sorted(task.get_name() for task in done)
        kept = await ctx.step.run("keep", lambda: winners)
        await ctx.step.wait_for_event("end", event="end", timeout="1d")
        return winners + kept

    return ship


@pytest.mark.parametrize("cancels", [False, True])
@pytest.mark.parametrize("winner", ["a", "b", "c"])
def test_a_race_is_won_by_the_same_branch_at_each_replay_though_the_others_come_in_later(
    winner: str, cancels: bool
) -> None:
    run = MemoryRun(durable(race(["a", "b", "c"], cancels=cancels)))
    assert run.replay() == Paused()
    assert run.receive(winner, "e1") == Paused()
    for loser in {"a", "b", "c"} - {winner}:
        assert run.receive(loser, f"late {loser}") == Paused()
    assert output_of(run.receive("end")) == [winner, winner]


def test_of_two_events_that_came_before_the_replay_the_earlier_wins_at_each_replay() -> None:
    run = MemoryRun(durable(race(["a", "b"], cancels=False)))
    assert run.replay() == Paused()
    run.journal.clock += 1000
    run.journal.time_out("b")
    run.journal.time_out("a")
    assert run.replay() == Paused()
    assert output_of(run.receive("end")) == ["b", "b"]


def test_a_race_of_steps_is_won_by_the_same_step_at_each_replay() -> None:
    async def ship(ctx: Context) -> list[str]:
        async def after(hundredths: int, name: str) -> str:
            await asyncio.sleep(hundredths / 100)
            return name

        tasks = [asyncio.create_task(ctx.step.run(f"after {n}", after, n, str(n))) for n in (30, 10, 20)]
        order = [await task for task in asyncio.as_completed(tasks)]
        await ctx.step.wait_for_event("end", event="end", timeout="1d")
        return order

    run = MemoryRun(durable(ship))
    assert run.replay() == Paused()
    assert output_of(run.receive("end")) == ["10", "20", "30"]


def test_a_step_that_its_branch_cancels_is_not_kept_and_cancelled_at_the_next_replay_before_it_begins() -> None:
    begun: list[str] = []

    async def ship(ctx: Context) -> str:
        async def endless() -> None:
            begun.append("endless")
            await asyncio.sleep(3600)

        task = asyncio.create_task(ctx.step.run("endless", endless))
        await ctx.step.run("pack", asyncio.sleep, 0)
        task.cancel()
        await ctx.step.wait_for_event("paid", event="paid", timeout="1d")
        return "paid"

    run = MemoryRun(durable(ship))
    assert run.replay() == Paused()
    assert output_of(run.receive("paid")) == "paid"
    assert "endless" not in run.journal.steps
    assert begun == ["endless"]


# Errors in branches.


def test_the_first_failure_in_the_order_of_the_branches_is_raised_once_all_have_ended(face: Face) -> None:
    async def ship(ctx: Context) -> str:
        async def failing(name: str) -> None:
            raise NonRetriableError(name)

        async def pay() -> None:
            await ctx.step.wait_for_event("paid", event="paid", timeout="1d")
            await ctx.step.run("charge", failing, "charge")

        try:
            await ctx.group.parallel([pay, lambda: ctx.step.run("pack", failing, "pack")])
        except StepError as error:
            return error.step_id
        return "nothing failed"

    run = MemoryRun(durable(face(ship)))
    assert run.replay() == Paused(), "the failure is not raised while the other branch waits"
    assert output_of(run.receive("paid")) == "charge"


def test_a_branch_that_has_failed_does_not_hide_that_the_others_are_suspended(face: Face) -> None:
    """Else the function would handle the error at a pause, and a second time once the others have ended."""
    handled: list[str] = []

    async def ship(ctx: Context) -> list[str]:
        async def fails() -> None:
            raise LookupError("no shelf")

        async def waits() -> None:
            await ctx.step.wait_for_event("paid", event="paid", timeout="1d")

        try:
            await ctx.group.parallel([fails, waits, fails])
        except Exception as error:
            handled.append(type(error).__name__)
        return handled

    run = MemoryRun(durable(face(ship)))
    assert run.replay() == Paused()
    assert handled == []
    assert output_of(run.receive("paid")) == ["LookupError"]


def test_failures_in_a_task_group_are_an_exception_group_and_final(face: Face) -> None:
    async def ship(ctx: Context) -> None:
        def fail() -> None:
            raise NonRetriableError("no such card")

        async with asyncio.TaskGroup() as group:
            group.create_task(ctx.step.run("charge", fail))
            group.create_task(ctx.step.wait_for_event("paid", event="paid", timeout="1d"))

    error = error_of(MemoryRun(durable(ship)).replay())
    assert error.name == "ExceptionGroup"
    assert "no such card" in error.stack


def test_a_function_that_handles_its_exception_group_goes_on() -> None:
    async def ship(ctx: Context) -> str:
        def fail() -> None:
            raise NonRetriableError("no such card")

        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(ctx.step.wait_for_event("paid", event="paid", timeout="1d"))
                group.create_task(ctx.step.run("charge", fail))
        except* StepError:
            pass
        await ctx.step.wait_for_event("again", event="again", timeout="1d")
        return "sent an invoice"

    run = MemoryRun(durable(ship))
    assert run.replay() == Paused()
    assert run.receive("paid") == Paused(), "an event for the wait that was cancelled changes nothing"
    assert output_of(run.receive("again", "e2")) == "sent an invoice"

"""How async bodies end on the loop that they share: by a result, an error, a cancellation, or not at all."""

import asyncio
import gc
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar

import anyio
import pytest

from tarry import Context
from tarry_backend.replay import Paused, conclusion, engine
from tests.unit.replay.faces import Face
from tests.unit.replay.memory import MemoryRun, durable, error_of, output_of


def loop_of_a_body() -> asyncio.AbstractEventLoop:
    """The loop on which a body is now; a body runs, so it is at work."""
    seen: list[asyncio.AbstractEventLoop] = []

    async def look() -> None:
        seen.append(asyncio.get_running_loop())

    async def ship(ctx: Context) -> None:
        await ctx.step.run("look", look)

    assert output_of(MemoryRun(durable(ship)).replay()) is None
    return seen[0]


async def leave_at_once() -> None:
    sys.exit(3)


async def leave_in_a_task() -> None:
    await asyncio.gather(asyncio.create_task(leave_at_once()))


async def interrupt() -> None:
    raise KeyboardInterrupt("stop")


async def stop_the_loop() -> None:
    asyncio.get_running_loop().stop()
    await asyncio.sleep(0.01)
    raise OSError("stopped")


async def cancel_all_tasks() -> None:
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    await asyncio.sleep(0.01)
    raise OSError("all others are cancelled")


WRECKERS = [
    (leave_at_once, "SystemExit", "3"),
    (leave_in_a_task, "SystemExit", "3"),
    (interrupt, "KeyboardInterrupt", "stop"),
    (stop_the_loop, "OSError", "stopped"),
    (cancel_all_tasks, "OSError", "all others are cancelled"),
]


@pytest.mark.parametrize(("body", "name", "message"), WRECKERS, ids=lambda each: getattr(each, "__name__", ""))
def test_a_body_that_would_end_its_loop_ends_its_step_alone(
    face: Face, body: Callable[[], object], name: str, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = loop_of_a_body()

    async def ship(ctx: Context) -> None:
        await ctx.step.run("wreck", body)

    error = error_of(MemoryRun(durable(face(ship), retries=0)).replay())
    assert (error.name, error.message) == (name, message)
    assert f"in {body.__name__}" in error.stack
    assert loop_of_a_body() is before
    assert caplog.messages == []


def test_an_interrupt_in_a_plain_body_ends_its_step_alone(face: Face) -> None:
    def body() -> None:
        raise KeyboardInterrupt

    async def ship(ctx: Context) -> None:
        await ctx.step.run("wreck", body)

    assert error_of(MemoryRun(durable(face(ship), retries=0)).replay()).name == "KeyboardInterrupt"


def test_a_body_has_the_context_variables_of_its_caller_and_keeps_its_own(face: Face) -> None:
    tenant: ContextVar[str] = ContextVar("tenant", default="nobody")

    async def body() -> str:
        found = tenant.get()
        tenant.set("changed by the body")
        return found

    async def ship(ctx: Context) -> list[str]:
        async def branch(name: str) -> str:
            tenant.set(name)
            return await ctx.step.run(name, body) + " " + tenant.get()

        return list(await ctx.group.parallel([lambda: branch("a"), lambda: branch("b")]))

    assert output_of(MemoryRun(durable(face(ship))).replay()) == ["a a", "b b"]


def test_a_plain_body_has_the_context_variables_of_its_caller_as_well(face: Face) -> None:
    tenant: ContextVar[str] = ContextVar("tenant", default="nobody")

    async def ship(ctx: Context) -> str:
        tenant.set("a")
        return await ctx.step.run("look", tenant.get)

    assert output_of(MemoryRun(durable(face(ship))).replay()) == "a"


def test_what_asyncio_and_anyio_offer_works_in_a_body(face: Face) -> None:
    async def body() -> list[object]:
        task = asyncio.current_task()
        async with asyncio.TaskGroup() as tasks:
            child = tasks.create_task(asyncio.to_thread(threading.current_thread))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await asyncio.sleep(10)
        with anyio.move_on_after(0.01) as scope:
            await anyio.sleep(10)
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.to_thread.run_sync, time.monotonic)
        return [task is not None, child.result().daemon, scope.cancelled_caught]

    async def ship(ctx: Context) -> list[object]:
        return await ctx.step.run("work", body)

    assert output_of(MemoryRun(durable(face(ship))).replay()) == [True, True, True]


def test_a_body_may_give_a_task_that_the_function_has_begun() -> None:
    async def ship(ctx: Context) -> str:
        task = asyncio.create_task(asyncio.sleep(0.01, "fetched"))
        return await ctx.step.run("fetch", lambda: task)

    assert output_of(MemoryRun(durable(ship)).replay()) == "fetched"


# Cancellation.


def test_a_body_that_loses_a_race_is_cancelled_and_awaited_until_it_has_cleaned_up(face: Face) -> None:
    book: list[str] = []

    async def slow() -> None:
        try:
            book.append("slow begins")
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0.05)
            book.append("slow has cleaned up")

    async def fast() -> str:
        while not book:  # noqa: ASYNC110 - whichever comes first
            await asyncio.sleep(0.001)
        return "fast"

    async def ship(ctx: Context) -> str:
        won: str = await ctx.group.race([lambda: ctx.step.run("slow", slow), lambda: ctx.step.run("fast", fast)])
        book.append("the function goes on")
        return won

    run = MemoryRun(durable(face(ship)))
    assert output_of(run.replay()) == "fast"
    assert book == ["slow begins", "slow has cleaned up", "the function goes on"]
    assert "slow" not in run.journal.steps


@pytest.mark.parametrize("kind", ["asyncio", "anyio"])
def test_a_timeout_around_a_step_cancels_its_body_and_a_shielded_clean_up_is_left_alone(kind: str) -> None:
    book: list[str] = []

    async def slow() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(0.05)
                book.append("cleaned up")

    async def ship(ctx: Context) -> str:
        if kind == "asyncio":
            try:
                async with asyncio.timeout(0.05):
                    await ctx.step.run("slow", slow)
            except TimeoutError:
                return "too slow"
        else:
            with anyio.move_on_after(0.05):
                await ctx.step.run("slow", slow)
        return "too slow" if book else "in time"

    assert output_of(MemoryRun(durable(ship)).replay()) == "too slow"
    assert book == ["cleaned up"]


def test_a_body_that_answers_its_cancellation_by_a_result_has_that_result() -> None:
    async def stubborn() -> str:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            return "done all the same"
        return "not cancelled"

    async def ship(ctx: Context) -> str:
        task = asyncio.create_task(ctx.step.run("work", stubborn))
        await asyncio.sleep(0.05)
        task.cancel()
        return await task

    assert output_of(MemoryRun(durable(ship)).replay()) == "done all the same"


def test_a_cancellation_that_comes_too_late_for_the_body_still_cancels_its_caller() -> None:
    """The body ends while the function's loop is held up; then the loop cancels before it is told of the end."""
    ended = threading.Event()

    async def quick() -> str:
        ended.set()
        return "quick"

    async def ship(ctx: Context) -> str:
        task = asyncio.create_task(ctx.step.run("work", quick))
        await asyncio.sleep(0)
        while not task.done():
            await asyncio.sleep(0)
            if ended.wait(1):
                time.sleep(0.05)  # noqa: ASYNC251 - the loop is held up
                task.cancel()
                break
        try:
            return await task
        except asyncio.CancelledError:
            return "cancelled"

    assert output_of(MemoryRun(durable(ship)).replay()) == "cancelled"


# Bodies that are left behind.


left_behind = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


async def never_mind() -> None:
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            continue


@left_behind
def test_a_body_that_is_left_behind_holds_up_neither_its_run_nor_the_next(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(conclusion, "FAREWELL", 0.2)
    before = loop_of_a_body()

    async def ship(ctx: Context) -> str:
        begun = asyncio.create_task(ctx.step.run("work", never_mind))
        await asyncio.sleep(0.05)
        begun.cancel()
        return "without it"

    began = time.monotonic()
    assert output_of(MemoryRun(durable(ship)).replay()) == "without it"
    assert loop_of_a_body() is before, "the body waits, and so lets others run"
    assert time.monotonic() - began < 60
    forget(caplog)


@left_behind
def test_a_body_that_blocks_its_loop_and_is_left_behind_does_not_block_the_next_invocation(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(conclusion, "FAREWELL", 0.2)
    before, release = loop_of_a_body(), threading.Event()

    async def blocking() -> None:
        release.wait(300)

    async def ship(ctx: Context) -> str:
        begun = asyncio.create_task(ctx.step.run("work", blocking))
        await asyncio.sleep(0.05)
        begun.cancel()
        return "without it"

    began = time.monotonic()
    assert output_of(MemoryRun(durable(ship)).replay()) == "without it"
    assert loop_of_a_body() is not before
    assert time.monotonic() - began < 60
    release.set()
    forget(caplog)


def forget(caplog: pytest.LogCaptureFixture) -> None:
    """Collects what a replay has left behind, of which asyncio says that it was destroyed."""
    with caplog.at_level(logging.CRITICAL):
        gc.collect()


def test_a_run_that_waits_is_suspended_though_a_body_has_left_a_task_and_a_thread_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Such as a client's reader: it lives on, for the next step."""
    monkeypatch.setattr(engine, "GRACE", 120)
    monkeypatch.setattr(engine, "LAST_GRACE", 120)
    tasks: list[asyncio.Task[object]] = []

    async def connect() -> None:
        tasks.append(asyncio.create_task(asyncio.Event().wait()))
        await anyio.to_thread.run_sync(int)

    async def disconnect() -> None:
        tasks[0].cancel()

    async def ship(ctx: Context) -> None:
        await ctx.step.run("connect", connect)
        await ctx.step.wait_for_event("paid", event="paid", timeout="1d")
        await ctx.step.run("disconnect", disconnect)

    run = MemoryRun(durable(ship))
    began = time.monotonic()
    assert run.replay() == Paused()
    assert time.monotonic() - began < 60
    assert not tasks[0].done()
    assert output_of(run.receive("paid")) is None


PROCESS = """
import asyncio, os, time
from tarry_backend.replay.body_loop import BodyLoop, RunningBody

async def body():
    asyncio.create_task(asyncio.to_thread(time.sleep, 60))
    return asyncio.get_running_loop()

def loop_of_a_body():
    return asyncio.run(RunningBody(body).result())

first = loop_of_a_body()
assert loop_of_a_body() is first is BodyLoop.current()
if not (child := os.fork()):
    second = loop_of_a_body()
    assert second is not first
    assert second is loop_of_a_body()
    os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert loop_of_a_body() is first
print("ends")
"""


def test_a_fork_has_a_loop_of_its_own_and_nothing_on_the_loop_keeps_a_process_from_ending() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-W", "ignore", "-c", PROCESS]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("ends\n", "", 0)

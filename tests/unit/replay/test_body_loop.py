"""Async bodies of steps share an event loop that outlives each replay: a client of a module lives as long."""

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

import pytest

from tarry import Context, StepError
from tarry_backend.replay import Paused, block_watch, body_loop
from tarry_backend.replay.body_loop import BodyLoop, RunningBody
from tests.unit.replay.faces import Face
from tests.unit.replay.memory import MemoryRun, durable, output_of
from tests.unit.replay.till import AnyioClient, Bank, Client, HttpxClient, Pool, bank


@pytest.fixture
def till() -> Iterator[Bank]:
    with bank() as opened:
        yield opened


@pytest.fixture(params=[Pool, HttpxClient, AnyioClient])
def client(request: pytest.FixtureRequest, till: Bank) -> Iterator[Client]:
    """A client as a module has it: made once, outside of all functions."""
    made: Client = request.param(till.port)
    yield made

    async def ship(ctx: Context) -> None:
        await ctx.step.run("close", made.close)

    assert output_of(MemoryRun(durable(ship)).replay()) is None


def test_a_client_of_a_module_outlives_the_replay_and_each_request_is_sent_once(
    face: Face, till: Bank, client: Client
) -> None:
    async def ship(ctx: Context) -> list[str]:
        first = await ctx.step.run("charge", client.post, "/charge")
        await ctx.step.wait_for_event("packed", event="packed", timeout="1d")
        return [first, await ctx.step.run("deliver", lambda: client.post("/deliver"))]

    run = MemoryRun(durable(face(ship)))
    assert run.replay() == Paused()
    assert output_of(run.receive("packed")) == ["paid", "paid"]
    assert till.seen == {"/charge": 1, "/deliver": 1}


def test_runs_side_by_side_share_a_client_of_a_module(face: Face, till: Bank, client: Client) -> None:
    together = threading.Barrier(4)

    async def ship(ctx: Context) -> list[str]:
        await ctx.step.run("meet", together.wait, 10)
        paths = [f"/{ctx.event.data['order']}/{number}" for number in range(5)]
        return [await ctx.step.run(path, client.post, path) for path in paths]

    def replay(number: int) -> None:
        outputs.append(output_of(MemoryRun(durable(face(ship))).replay()))

    outputs: list[list[str]] = []
    runs = [threading.Thread(target=replay, args=[number]) for number in range(4)]
    for run in runs:
        run.start()
    for run in runs:
        run.join(30)
    assert outputs == [["paid"] * 5] * 4
    assert set(till.seen.values()) == {4}
    assert len(till.seen) == 5


def test_bodies_of_all_runs_are_on_one_loop_and_the_function_is_on_its_own() -> None:
    bodies: list[asyncio.AbstractEventLoop] = []
    functions: list[asyncio.AbstractEventLoop] = []

    async def body() -> None:
        bodies.append(asyncio.get_running_loop())

    async def ship(ctx: Context) -> None:
        functions.append(asyncio.get_running_loop())
        await ctx.step.run("pack", body)
        await ctx.step.run("label", lambda: body())

    for _ in range(2):
        MemoryRun(durable(ship)).replay()
    assert len({id(loop) for loop in bodies}) == 1
    assert len({id(loop) for loop in [*functions, bodies[0]]}) == 3


def test_the_loop_forgets_a_body_that_has_ended(face: Face) -> None:
    """It holds those that run, so that Python does not close them. Were they held for ever, a Lambda would fill up."""
    seen: list[int] = []

    async def body(fails: bool) -> None:
        seen.append(len(BodyLoop.current().running))
        if fails:
            raise LookupError("no shelf")

    async def ship(ctx: Context) -> None:
        for number in range(3):
            with suppress(StepError):
                await ctx.step.with_options(retries=0).run(f"pack {number}", body, number == 1)

    before = len(BodyLoop.current().running)
    MemoryRun(durable(face(ship))).replay()
    assert seen == [before + 1] * 3


def test_a_body_that_ends_after_its_replay_wakes_no_one_and_raises_nothing() -> None:
    """The replay has closed its loop, or has left the body behind."""
    home = asyncio.new_event_loop()
    ended = home.create_task(asyncio.sleep(0))
    home.run_until_complete(ended)
    home.close()
    body = RunningBody(lambda: asyncio.sleep(0))
    body._wake = partial(home.call_soon_threadsafe, int)
    body._end(ended)
    body.leave()
    body._end(ended)


def test_the_loop_counts_its_turns_for_the_watch() -> None:
    """If it did not, the watch would take a body that goes on from turn to turn for one that blocks."""

    async def ship(ctx: Context) -> list[int]:
        selector = BodyLoop.current()._selector_of_turns
        before = selector.turns
        await ctx.step.run("rest", asyncio.sleep, 0)
        return [before, selector.turns]

    before, after = output_of(MemoryRun(durable(ship)).replay())
    assert after > before
    watched = block_watch._watch.standing[BodyLoop.current()._thread.ident or 0]
    assert watched.selector is BodyLoop.current()._selector_of_turns
    assert watched.what == "the event loop of all async bodies of steps"


def test_a_body_may_bring_an_executor_of_its_own(face: Face) -> None:
    async def body() -> list[str]:
        with ThreadPoolExecutor(1, thread_name_prefix="mine") as mine:
            loop = asyncio.get_running_loop()
            return [await loop.run_in_executor(each, named, "in ") for each in (mine, None)]

    def named(words: str) -> str:
        return words + threading.current_thread().name

    async def ship(ctx: Context) -> list[str]:
        return await ctx.step.run("work", body)

    own, ours = output_of(MemoryRun(durable(face(ship))).replay())
    assert own.startswith("in mine")
    assert ours.startswith("in tarry-")


def test_the_loops_thread_is_a_daemon_that_no_run_takes_for_a_stranger() -> None:
    """A foreign thread may have an answer for a function, so that a replay waits for it."""
    thread = BodyLoop.current()._thread
    assert thread.daemon
    assert thread.name.startswith("tarry-")


def test_a_fork_takes_over_neither_the_loop_nor_what_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of the threads that serve them is in a fork, and what they held stays held."""
    loop, lock, watch = BodyLoop.current(), body_loop._lock, block_watch._watch
    for module, name, value in (
        (body_loop, "_current", loop),
        (body_loop, "_lock", lock),
        (block_watch, "_watch", watch),
    ):
        monkeypatch.setattr(module, name, value)  # put back after the test
    body_loop._forked()
    block_watch._forked()
    assert body_loop._current is None
    assert body_loop._lock is not lock
    with body_loop._lock:
        assert block_watch._watch is not watch
    assert (block_watch._watch.standing, block_watch._watch.replays) == ({}, {})


def test_a_loop_that_is_given_up_is_no_longer_watched_and_the_next_body_has_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = BodyLoop.current()
    number = loop._thread.ident
    assert number is not None
    monkeypatch.setattr(body_loop, "_current", loop)  # put back after the test
    standing = block_watch._watch.standing
    end = time.monotonic() + 20
    while number not in standing and time.monotonic() < end:
        time.sleep(0.01)
    monkeypatch.setitem(standing, number, standing[number])
    loop.retire()
    assert number not in standing
    assert body_loop._current is None
    monkeypatch.setattr(body_loop, "_current", other := object())
    loop.retire()
    assert body_loop._current is other, "another loop has taken its place already"


def test_a_body_hears_of_each_cancellation_once_however_often_its_message_is_repeated() -> None:
    """AnyIO repeats a cancellation, with its message, until the task ends. All without a message count."""
    messages = ["a", "a", "b", "a", "b", None, None]
    heard: list[str] = []
    hears = threading.Semaphore(0)

    async def body() -> str:
        while len(heard) < 4:
            try:
                await asyncio.sleep(300)
            except asyncio.CancelledError:
                heard.append("cancelled")
                hears.release()
        return "done"

    async def ship(ctx: Context) -> list[int]:
        task = asyncio.ensure_future(ctx.step.run("work", body))
        await asyncio.sleep(0.05)
        counts: list[int] = []
        for message, is_new in zip(messages, [True, False, True, False, False, True, True], strict=True):
            task.cancel(message) if message else task.cancel()
            if is_new:
                assert await asyncio.to_thread(hears.acquire, timeout=20)
            await asyncio.sleep(0.02)
            counts.append(len(heard))
        assert await task == "done"
        return counts

    assert output_of(MemoryRun(durable(ship)).replay()) == [1, 1, 2, 2, 2, 3, 4]

"""Code that blocks an event loop is named in the log, by file and line; nothing else is."""

import asyncio
import logging
import os
import selectors
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import tarry_backend
from tarry import Context, ContextSync
from tarry_backend.replay import block_watch
from tests.unit.replay.memory import MemoryRun, durable, output_of

REAL_PAUSE = block_watch._PAUSE

PAUSE = 0.05
"""Seconds between two samples in these tests."""

BLOCKED = 8 * PAUSE
"""Seconds after which a blocked loop has been noticed: the watch says so after 4 to 5 pauses."""

NOTICED = threading.Event()
"""Set by each notice. A test that expects one waits for it, however busy the machine is."""


def blocks(seconds: float = 60) -> None:
    NOTICED.wait(seconds)


LINE = blocks.__code__.co_firstlineno + 1


class Observer(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if "has blocked" in record.getMessage():
            NOTICED.set()


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(block_watch, "_PAUSE", PAUSE)
    NOTICED.clear()
    observer = Observer()
    logging.getLogger().addHandler(observer)
    yield
    logging.getLogger().removeHandler(observer)


def test_a_loop_is_blocked_after_a_second() -> None:
    """The notice says so. The other tests take their samples sooner."""
    assert REAL_PAUSE * (block_watch._SAMPLES - 1) == 1


def notices(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "has blocked" in record.getMessage()]


def test_a_function_that_sleeps_between_its_steps_is_named_with_file_and_line(caplog: pytest.LogCaptureFixture) -> None:
    async def late(ctx: Context) -> str:
        first: str = await ctx.step.run("first", lambda: "a")
        blocks()
        return first

    assert output_of(MemoryRun(durable(late)).replay()) == "a"
    [notice] = notices(caplog)
    assert notice.startswith(f"{__file__} line {LINE}, in blocks, has blocked function ")
    assert "asyncio.to_thread" in notice


def test_an_async_body_that_sleeps_is_named_too(caplog: pytest.LogCaptureFixture) -> None:
    async def body() -> None:
        blocks()

    async def late(ctx: Context) -> None:
        await ctx.step.run("slow", body)

    MemoryRun(durable(late)).replay()
    [notice] = notices(caplog)
    assert notice.startswith(f"{__file__} line {LINE}, in blocks, has blocked the event loop of all async bodies")


def test_a_library_that_blocks_is_named_by_the_line_that_calls_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def late(ctx: Context) -> None:
        import subprocess

        ours, theirs = os.pipe()

        def end_it() -> None:
            NOTICED.wait(60)
            os.close(theirs)

        threading.Thread(target=end_it).start()
        await ctx.step.run("slow", _as_async(lambda: subprocess.run(["cat"], stdin=ours, check=True)))
        os.close(ours)

    MemoryRun(durable(late)).replay()
    [notice] = notices(caplog)
    assert f"{__file__} line " in notice
    assert "in <lambda>" in notice


def test_the_same_line_is_named_once_a_run(caplog: pytest.LogCaptureFixture) -> None:
    async def late(ctx: Context) -> None:
        for seconds in (60, BLOCKED):
            NOTICED.clear()
            blocks(seconds)
            await ctx.step.run("a", lambda: None)

    MemoryRun(durable(late)).replay()
    assert len(notices(caplog)) == 1


def test_what_blocks_no_loop_is_not_named(caplog: pytest.LogCaptureFixture) -> None:
    async def body() -> None:
        await asyncio.sleep(BLOCKED)

    async def waits(ctx: Context) -> None:
        await asyncio.gather(ctx.step.run("plain", blocks, BLOCKED), ctx.step.run("async", body))

    def plain(ctx: ContextSync) -> None:
        blocks(BLOCKED)
        ctx.step.run("plain", blocks, BLOCKED)

    MemoryRun(durable(waits)).replay()
    MemoryRun(durable(plain)).replay()
    assert notices(caplog) == []


def test_work_of_tarrys_own_is_not_named(caplog: pytest.LogCaptureFixture) -> None:
    """The journal may open a wait on the loop, under the function's own frames; a slow store blocks, not the user."""

    async def waits(ctx: Context) -> None:
        await ctx.step.wait_for_event("w", event="e", timeout="1h")

    run = MemoryRun(durable(waits))
    code = compile(
        "def open_wait(sleep, seconds):\n    sleep(seconds)", Path(tarry_backend.__file__).parent / "x.py", "exec"
    )
    slow: dict[str, Any] = {}
    exec(code, slow)
    opened = run.journal.open_wait

    def open_wait(*args: Any) -> Any:
        slow["open_wait"](time.sleep, BLOCKED)
        return opened(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run.journal, "open_wait", open_wait)
        run.replay()
    assert notices(caplog) == []


def test_a_lambda_that_was_frozen_takes_one_sample_late_and_has_no_false_alarm() -> None:
    """No clock counts, only samples: between two of them a day may have passed."""
    loop = block_watch._Watched(block_watch.TurnSelector(), "x", set())
    loop.selector.select(0)
    assert [loop.is_blocked() for _ in range(4)] == [False] * 4  # the next sample would be the fifth of this turn
    loop.selector.select(0)  # thawed, the loop goes on
    assert [loop.is_blocked() for _ in range(6)] == [False, False, False, False, True, False]
    loop.selector.waits = True
    assert not any(loop.is_blocked() for _ in range(6))


def test_the_watch_ends_with_the_last_replay(caplog: pytest.LogCaptureFixture) -> None:
    async def quick(ctx: Context) -> None:
        await ctx.step.run("a", lambda: None)

    for _ in range(3):
        MemoryRun(durable(quick)).replay()
    end = time.monotonic() + 5
    while (left := [t for t in threading.enumerate() if t.name == "tarry-watch"]) and time.monotonic() < end:
        time.sleep(0.05)
    assert left == []


def frame_in(filename: str, *inner: str) -> FrameType:
    """A frame of code in a file of that name, which has called code in the others; this function has called it."""
    call: Callable[[], FrameType] = sys._getframe
    for name in (*reversed(inner), filename):
        made: dict[str, Any] = {"call": call}
        exec(compile("def through():\n    return call()", name, "exec"), made)
        call = made["through"]
    return call()


def loop_of(seen: set[tuple[str, int]] | None) -> block_watch._Watched:
    return block_watch._Watched(block_watch.TurnSelector(), "the loop", seen)


@pytest.mark.parametrize("debugger", ["bdb.py", "pdb.py", "pydevd.py"])
def test_code_that_stands_at_a_breakpoint_is_not_named(debugger: str, caplog: pytest.LogCaptureFixture) -> None:
    for frame in (frame_in(f"/lib/{debugger}"), frame_in(f"/lib/{debugger}", "/lib/cmd.py")):
        block_watch._teach(loop_of(set()), frame)
    assert notices(caplog) == []
    block_watch._teach(loop_of(set()), frame_in(f"/lib/{debugger}.txt"))
    assert len(notices(caplog)) == 1


def test_a_notice_names_file_line_function_and_the_loop(caplog: pytest.LogCaptureFixture) -> None:
    block_watch._teach(loop_of(None), frame_in("/shop/late.py"))
    [notice] = notices(caplog)
    assert notice.startswith("/shop/late.py line 2, in through, has blocked the loop for a second.")


def test_a_loop_of_many_runs_has_a_line_named_each_time_and_a_function_once(caplog: pytest.LogCaptureFixture) -> None:
    bodies = loop_of(None)
    for _ in range(2):
        block_watch._teach(bodies, frame_in("/shop/late.py"))
    assert len(notices(caplog)) == 2
    caplog.clear()
    function = loop_of(set())
    for name in ("/shop/late.py", "/shop/late.py", "/shop/later.py", "/shop/later.py"):
        block_watch._teach(function, frame_in(name))
    assert [notice.partition(" ")[0] for notice in notices(caplog)] == ["/shop/late.py", "/shop/later.py"]


def test_a_thread_that_has_no_code_of_the_user_at_work_is_not_named(caplog: pytest.LogCaptureFixture) -> None:
    block_watch._teach(loop_of(set()), None)
    assert notices(caplog) == []


def test_one_thread_watches_all_loops_ends_with_the_last_and_is_begun_anew() -> None:
    def watchers() -> set[threading.Thread]:
        return {thread for thread in threading.enumerate() if thread.name == "tarry-watch"} - before

    before = {thread for thread in threading.enumerate() if thread.name == "tarry-watch"}
    watch = block_watch._Watch()
    watch.begin(loop_of(set()))
    [first] = watchers()
    assert first.daemon, "it would keep the process from ending"
    other = threading.Thread(target=watch.begin, args=[loop_of(set())])
    other.start()
    other.join()
    assert watchers() == {first}
    watch.end()
    first.join(4 * PAUSE)
    assert first.is_alive(), "the other thread's loop is still watched"
    assert other.ident is not None
    watch.replays.pop(other.ident)
    first.join(10)
    assert not first.is_alive()
    watch.begin(loop_of(set()))
    assert len(watchers()) == 1
    watch.end()


def test_a_loop_that_is_watched_no_longer_is_gone_and_an_unknown_one_is_no_error() -> None:
    me = threading.get_ident()
    block_watch.standing_watch(block_watch.TurnSelector(), "the loop")
    watched = block_watch._watch.standing[me]
    assert (watched.what, watched.seen) == ("the loop", None)
    block_watch.unwatch(None)
    assert me in block_watch._watch.standing
    block_watch.unwatch(me)
    block_watch.unwatch(me)
    assert me not in block_watch._watch.standing
    block_watch._watch.end()


def test_a_selector_tells_that_it_waits_and_counts_its_turns() -> None:
    selector = block_watch.TurnSelector()
    one, other = socket.socketpair()
    selector.register(one, selectors.EVENT_READ)
    thread = threading.Thread(target=selector.select, args=[10])
    thread.start()
    end = time.monotonic() + 10
    while not selector.waits and time.monotonic() < end:
        time.sleep(0.01)
    assert (selector.waits, selector.turns) == (True, 1)
    other.send(b"x")
    thread.join(10)
    assert (selector.waits, selector.turns) == (False, 1)
    assert [key.fileobj for key, _ in selector.select(0)] == [one]
    assert (selector.waits, selector.turns) == (False, 2)
    for each in (selector, one, other):
        each.close()


def _as_async(call: Callable[[], object]) -> Callable[[], Awaitable[None]]:
    async def body() -> None:
        call()

    return body

"""When a run rests: exactly when nothing can happen any more, but for what is waited for."""

import asyncio
import importlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import anyio.to_thread
import pytest

from tarry import Context
from tarry_backend.replay import Paused
from tests.unit.replay.memory import MemoryRun, durable, error_of, output_of

engine = importlib.import_module("tarry_backend.replay.engine")


@dataclass
class Line:
    """A connection: the function has one end, the test the other."""

    near: socket.socket
    far: socket.socket

    async def listen(self) -> str:
        """What comes on the line."""
        reader, writer = await asyncio.open_connection(sock=self.near)
        try:
            return (await reader.readline()).decode().strip()
        finally:
            writer.close()

    def say_after(self, seconds: float, text: str) -> None:
        """The other side answers."""
        threading.Timer(seconds, self.far.sendall, [f"{text}\n".encode()]).start()


@pytest.fixture
def line() -> Iterator[Line]:
    near, far = socket.socketpair()
    near.setblocking(False)
    with near, far:
        yield Line(near, far)


async def wait_for_payment(ctx: Context) -> str:
    paid = await ctx.step.wait_for_event("paid", event="paid", timeout="1d")
    return paid.id if paid else "nobody"


def test_an_idle_connection_does_not_keep_a_run_from_suspending(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "GRACE", 0.05)

    async def ship(ctx: Context) -> str:
        _, writer = await asyncio.open_connection(sock=line.near)
        try:
            return await wait_for_payment(ctx)
        finally:
            writer.close()

    began = time.monotonic()
    assert MemoryRun(durable(ship)).replay() == Paused()
    assert time.monotonic() - began >= 0.05


def test_an_answer_on_its_way_is_not_cut_off_while_another_branch_waits(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "GRACE", 120)
    heard: list[str] = []

    async def ask() -> None:
        line.say_after(0.1, "in stock")
        heard.append(await line.listen())

    async def ship(ctx: Context) -> None:
        await asyncio.gather(wait_for_payment(ctx), ask())

    began = time.monotonic()
    assert MemoryRun(durable(ship)).replay() == Paused()
    assert heard == ["in stock"]
    assert time.monotonic() - began < 60, "the grace is over once the line is closed"


def test_a_slow_answer_is_waited_for_when_nothing_else_is(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "GRACE", 0.01)

    async def ship(ctx: Context) -> str:
        line.say_after(0.1, "in stock")
        return await line.listen()

    assert output_of(MemoryRun(durable(ship)).replay()) == "in stock"


def test_a_slow_answer_before_a_kept_step_is_waited_for(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "GRACE", 0.01)
    calls: list[str] = []

    async def ship(ctx: Context) -> str:
        if calls:
            line.say_after(0.1, "in stock")
            calls.append(await line.listen())
        calls.append("first")
        await ctx.step.run("pack", int)
        return await wait_for_payment(ctx)

    run = MemoryRun(durable(ship))
    assert run.replay() == Paused()
    assert output_of(run.receive("paid", "e1")) == "e1"
    assert calls == ["first", "in stock", "first"]


def test_a_body_that_listens_is_not_cut_off_however_long_it_takes(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "GRACE", 0.01)

    async def ship(ctx: Context) -> None:
        line.say_after(0.1, "in stock")
        await asyncio.gather(wait_for_payment(ctx), ctx.step.run("ask", line.listen))

    run = MemoryRun(durable(ship))
    assert run.replay() == Paused()
    assert run.step("ask").output == '"in stock"'


def test_a_function_that_awaits_what_nobody_brings_fails_with_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "LAST_GRACE", 0.05)

    async def ship(ctx: Context) -> None:
        await ctx.step.run("pack", int)
        await asyncio.Event().wait()

    run = MemoryRun(durable(ship))
    error = error_of(run.replay())
    assert error.name == "UsageError"
    assert "awaits something that no step, timer or connection can complete" in error.message
    assert list(run.journal.steps) == ["pack"]


def test_a_function_that_awaits_what_nobody_brings_fails_in_spite_of_an_idle_connection(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "LAST_GRACE", 0.05)

    async def ship(ctx: Context) -> None:
        await line.listen()

    assert "awaits something" in error_of(MemoryRun(durable(ship)).replay()).message


def test_the_answer_of_a_thread_that_is_not_the_loops_is_waited_for() -> None:
    async def ship(ctx: Context) -> str:
        async def ask() -> str:
            answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            threading.Timer(0.1, answer.get_loop().call_soon_threadsafe, [answer.set_result, "in stock"]).start()
            return await answer

        first = await ask()
        return first + await ctx.step.run("pack", lambda: ", packed")

    run = MemoryRun(durable(ship))
    assert output_of(run.replay()) == "in stock, packed"
    assert output_of(run.replay()) == "in stock, packed"


def test_what_another_branch_brings_is_awaited() -> None:
    async def ship(ctx: Context) -> str:
        packed = asyncio.Event()

        async def pack() -> None:
            await wait_for_payment(ctx)
            await ctx.step.run("pack", int)
            packed.set()

        async def send() -> str:
            await packed.wait()
            return await ctx.step.run("send", lambda: "sent")

        _, sent = await asyncio.gather(pack(), send())
        return sent

    run = MemoryRun(durable(ship))
    assert run.replay() == Paused()
    assert output_of(run.receive("paid")) == "sent"


def test_timers_of_the_function_are_waited_for() -> None:
    async def ship(ctx: Context) -> list[str]:
        async def slow(name: str) -> str:
            await asyncio.sleep(0.02)
            first = await ctx.step.run(name, lambda: name)
            await asyncio.sleep(0.02)
            return first + await ctx.step.run(f"{name} again", lambda: "!")

        return list(await asyncio.gather(slow("pack"), slow("label"), wait_for_payment(ctx)))

    run = MemoryRun(durable(ship))
    assert run.replay() == Paused()
    assert set(run.journal.steps) == {"pack", "label", "pack again", "label again", "paid"}
    assert output_of(run.receive("paid", "e1")) == ["pack!", "label!", "e1"]


def test_a_timeout_of_asyncio_around_a_wait_is_kept_to() -> None:
    async def ship(ctx: Context) -> str:
        try:
            async with asyncio.timeout(0.02):
                return await wait_for_payment(ctx)
        except TimeoutError:
            return await ctx.step.run("give up", lambda: "too late")

    run = MemoryRun(durable(ship))
    assert output_of(run.replay()) == "too late"
    assert output_of(run.replay()) == "too late"


def test_threads_of_the_function_are_waited_for() -> None:
    async def ship(ctx: Context) -> str:
        async def in_a_thread() -> str:
            await asyncio.to_thread(time.sleep, 0.05)
            return await ctx.step.run("pack", lambda: "packed")

        packed, _ = await asyncio.gather(in_a_thread(), wait_for_payment(ctx))
        return packed

    run = MemoryRun(durable(ship))
    assert run.replay() == Paused()
    assert run.step("pack").output == '"packed"'


def test_threads_of_anyio_are_waited_for_while_a_step_waits() -> None:
    async def ship(ctx: Context) -> str:
        async def in_a_thread() -> str:
            await anyio.to_thread.run_sync(time.sleep, 0.1)
            return await ctx.step.run("pack", lambda: "packed")

        packed, _ = await asyncio.gather(in_a_thread(), wait_for_payment(ctx))
        return packed

    run = MemoryRun(durable(ship))
    assert run.replay() == Paused()
    assert run.step("pack").output == '"packed"'
    assert output_of(run.receive("paid")) == "packed"


def test_threads_of_anyio_are_waited_for_as_long_as_they_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "LAST_GRACE", 0.01)

    async def ship(ctx: Context) -> list[str]:
        called: list[str] = []
        for name in ("pack", "label"):
            await anyio.to_thread.run_sync(time.sleep, 0.1)
            called.append(await ctx.step.run(name, lambda name=name: name))
        return called

    run = MemoryRun(durable(ship))
    assert output_of(run.replay()) == ["pack", "label"]
    assert output_of(run.replay()) == ["pack", "label"]


def test_beside_a_new_step_a_thread_of_anyio_that_will_ask_for_a_kept_one_is_waited_for() -> None:
    async def ship(ctx: Context) -> str:
        async def in_a_thread() -> str:
            await anyio.to_thread.run_sync(time.sleep, 0.1)
            return await ctx.step.run("pack", lambda: "packed")

        packed, labelled = await asyncio.gather(in_a_thread(), ctx.step.run("label", lambda: ", labelled"))
        return packed + labelled

    run = MemoryRun(durable(ship))
    run.replay()
    del run.journal.steps["label"]  # the Lambda had died before it was kept
    assert output_of(run.replay(cut_off=True)) == "packed, labelled"


def test_an_idle_thread_of_anyio_keeps_no_run_from_suspending(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "GRACE", 120)
    monkeypatch.setattr(engine, "LAST_GRACE", 120)

    async def ship(ctx: Context) -> str:
        await anyio.to_thread.run_sync(int)
        await ctx.step.run("ask", lambda: anyio.to_thread.run_sync(int))
        return await wait_for_payment(ctx)

    began = time.monotonic()
    run = MemoryRun(durable(ship))
    assert run.replay() == Paused()
    assert output_of(run.receive("paid", "e1")) == "e1"
    assert time.monotonic() - began < 60


def test_a_def_may_take_its_time_between_steps() -> None:
    def ship(ctx: object) -> str:
        time.sleep(0.05)
        return "slow"

    assert output_of(MemoryRun(durable(ship)).replay()) == "slow"

"""R10: a step where no step can be called is a clear error."""

import asyncio
import gc
import logging
import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

import pytest

from tarry import Context, ContextSync, Event, StepCallError
from tarry_backend.replay import Paused, conclusion
from tests.unit.replay.faces import Face
from tests.unit.replay.memory import MemoryRun, durable, error_of


def message_of(call: Callable[[], object]) -> str:
    """What the ``StepCallError`` says that ``call`` raises; what it gives, if it raises none."""
    try:
        return f"no error: {call()}"
    except StepCallError as error:
        return str(error)


Call = Callable[[Context], Any]
CALLS: list[Call] = [
    lambda ctx: ctx.step.run("inner", int),
    lambda ctx: ctx.step.sleep("inner", "1d"),
    lambda ctx: ctx.step.wait_for_event("inner", event="paid", timeout="1d"),
    lambda ctx: ctx.step.send_event("inner", Event("sent")),
    lambda ctx: ctx.step.invoke_by_id("inner", function_id="pack"),
]


@pytest.mark.parametrize("call", CALLS, ids=["run", "sleep", "wait", "send", "invoke"])
def test_r10_a_step_inside_a_step_fails_that_step_without_another_attempt(face: Face, call: Call) -> None:
    async def ship(ctx: Context) -> object:
        async def body() -> object:
            return await call(ctx)

        return await ctx.step.run("outer", body)

    run = MemoryRun(durable(face(ship)))
    error = error_of(run.replay())
    assert error.name == "StepCallError"
    assert "step 'inner' was called inside step 'outer'" in error.message
    assert list(run.journal.steps) == ["outer"]
    assert run.journal.sent == []


def test_r10_a_step_inside_a_step_in_a_thread_is_told_so() -> None:
    def ship(ctx: ContextSync) -> object:
        return ctx.step.run("outer", lambda: ctx.step.run("inner", int))

    assert "step 'inner' was called inside step 'outer'" in error_of(MemoryRun(durable(ship)).replay()).message


def test_r10_a_step_in_a_task_that_a_body_has_begun_is_told_so() -> None:
    async def ship(ctx: Context) -> str:
        begun: list[asyncio.Task[int]] = []

        async def body() -> None:
            begun.append(asyncio.ensure_future(ctx.step.run("inner", int)))

        await ctx.step.run("outer", body)
        with pytest.raises(StepCallError) as caught:
            await begun[0]
        return str(caught.value)

    assert "inside step 'outer'" in error_of(MemoryRun(durable(ship)).replay()).message


def test_r10_a_group_inside_a_step_fails_that_step(face: Face) -> None:
    async def ship(ctx: Context) -> object:
        async def body() -> object:
            return await ctx.group.parallel([lambda: ctx.step.run("inner", int)])

        return await ctx.step.run("outer", body)

    assert "group.parallel was called inside step 'outer'" in error_of(MemoryRun(durable(face(ship))).replay()).message


def test_r10_a_step_from_a_thread_of_the_functions_own_is_told_so() -> None:
    messages: list[str] = []

    def ship(ctx: ContextSync) -> list[str]:
        targets: list[Callable[[], object]] = [lambda: ctx.step.run("stray", int), lambda: ctx.group.parallel([])]
        for target in targets:
            thread = threading.Thread(target=lambda call=target: messages.append(message_of(call)))
            thread.start()
            thread.join()
        return messages

    run = MemoryRun(durable(ship))
    error = error_of(run.replay())
    step, group = messages
    assert "step 'stray' was called outside its run" in step
    assert "group.parallel was called outside its run" in group
    assert (error.name, error.message) == ("StepCallError", step)
    assert run.journal.steps == {}


def test_r10_a_thread_that_has_taken_the_functions_context_with_it_is_told_so() -> None:
    messages: list[str] = []

    def ship(ctx: ContextSync) -> list[str]:
        variables = copy_context()
        call = lambda: messages.append(message_of(lambda: ctx.step.run("stray", int)))  # noqa: E731
        thread = threading.Thread(target=variables.run, args=[call])
        thread.start()
        thread.join()
        return messages

    assert error_of(MemoryRun(durable(ship)).replay()).message == messages[0]
    assert "step 'stray' was called outside its run" in messages[0]


def test_r10_a_step_on_another_event_loop_is_told_so() -> None:
    async def ship(ctx: Context) -> str:
        async def stray() -> int:
            return await ctx.step.run("stray", int)

        return await asyncio.to_thread(message_of, lambda: asyncio.run(stray()))

    run = MemoryRun(durable(ship))
    assert "step 'stray' was called outside its run" in error_of(run.replay()).message
    assert run.journal.steps == {}


def test_r10_a_step_with_the_context_of_another_run_is_told_so(face: Face) -> None:
    kept: list[Context] = []

    async def first(ctx: Context) -> None:
        kept.append(ctx)

    async def second(ctx: Context) -> object:
        return await kept[0].step.run("stray", int)

    MemoryRun(durable(face(first))).replay()
    run = MemoryRun(durable(face(second)))
    error = error_of(run.replay())
    assert error.name == "StepCallError"
    assert "step 'stray' was called outside its run" in error.message


def test_r10_a_step_after_the_function_has_returned_is_told_so() -> None:
    messages: list[str] = []

    async def ship(ctx: Context) -> str:
        async def straggler() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                try:
                    await ctx.step.run("stray", int)
                except StepCallError as error:
                    messages.append(str(error))

        task = asyncio.ensure_future(straggler())
        await ctx.step.run("pack", int)
        return task.get_name() and "packed"

    run = MemoryRun(durable(ship))
    assert error_of(run.replay()).message == messages[0]
    assert messages[0].startswith("step 'stray' was called after its function had ended: await every step (")
    assert list(run.journal.steps) == ["pack"]


def test_r10_a_step_outside_of_any_run_is_told_so() -> None:
    kept: list[ContextSync] = []

    def ship(ctx: ContextSync) -> None:
        kept.append(ctx)

    MemoryRun(durable(ship)).replay()
    assert "was called outside its run" in message_of(lambda: kept[0].step.run("stray", int))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_straggler_that_calls_steps_for_ever_does_not_hang_the_run(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(conclusion, "FAREWELL", 0.05)

    async def ship(ctx: Context) -> str:
        async def straggler() -> None:
            while True:
                try:
                    await ctx.step.wait_for_event("stray", event="stray", timeout="1d")
                except BaseException:
                    continue

        task = asyncio.ensure_future(straggler())
        await ctx.step.run("pack", int)
        task.cancel()
        return "packed"

    assert (
        "step 'stray' was called after its function had ended: await every step"
        in error_of(MemoryRun(durable(ship)).replay()).message
    )
    with caplog.at_level(logging.CRITICAL):  # asyncio says that a task was destroyed
        gc.collect()


def test_the_idempotency_key_is_one_for_each_step_of_a_run_and_the_same_at_each_attempt(face: Face) -> None:
    keys: list[str] = []

    async def ship(ctx: Context) -> None:
        def charge() -> None:
            keys.append(ctx.step.idempotency_key)
            if len(keys) < 3:
                raise OSError("no connection")

        await ctx.step.run("charge", charge)
        await ctx.step.run("charge", charge)

    run = MemoryRun(durable(face(ship)))
    while run.wake_after("1h") == Paused():
        pass
    assert keys == ["run-1/charge"] * 3 + ["run-1/charge:1"]


def test_the_idempotency_key_outside_of_a_step_is_an_error(face: Face) -> None:
    async def ship(ctx: Context) -> str:
        return ctx.step.idempotency_key

    error = error_of(MemoryRun(durable(face(ship))).replay())
    assert error.name == "StepCallError"
    assert "was used outside of a step" in error.message

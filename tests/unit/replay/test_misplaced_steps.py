"""R19: a step called where no step can be fails its run, whatever user code catches."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from tarry import Context, ContextSync, Middleware, NonRetriableError, StepCallError, StepInfo
from tarry_backend.replay import Failed, Outcome, Paused, Status, Step
from tests.unit.replay.faces import Face
from tests.unit.replay.memory import MemoryJournal, MemoryRun, durable, error_of

HERE = str(Path(__file__).parent)


def refused(outcome: Outcome, *words: str) -> None:
    """The run has failed for good by a ``StepCallError`` that has these words, and names file and line of the call."""
    error = error_of(outcome)
    assert isinstance(outcome, Failed)
    assert (error.name, outcome.final) == ("StepCallError", True)
    assert [word for word in (*words, HERE, ", line ") if word not in error.message] == []


async def caught(call: Any) -> Any:
    try:
        return await call()
    except Exception as error:
        return str(error)


def caught_sync(call: Any) -> Any:
    try:
        return call()
    except Exception as error:
        return str(error)


def test_r19_a_step_inside_a_steps_body_cannot_be_swallowed(face: Face) -> None:
    after: list[str] = []

    async def ship(ctx: Context) -> str:
        async def body() -> Any:
            return await caught(lambda: ctx.step.run("inner", int))

        await ctx.step.run("outer", body)
        await ctx.step.run("after", after.append, "after")
        return "shipped"

    run = MemoryRun(durable(face(ship)))
    refused(run.replay(), "step 'inner' was called inside step 'outer'")
    assert (list(run.journal.steps), run.step("outer").status, after) == (["outer"], Status.FAILED, [])


@pytest.mark.parametrize("group", ["parallel", "race"])
def test_r19_a_group_inside_a_steps_body_is_refused_by_its_name(face: Face, group: str) -> None:
    async def ship(ctx: Context) -> None:
        async def body() -> None:
            await getattr(ctx.group, group)([lambda: ctx.step.run("inner", int)])

        await ctx.step.run("outer", body)

    refused(MemoryRun(durable(face(ship))).replay(), f"group.{group} was called inside step 'outer'")


def test_r19_a_body_that_swallows_it_and_fails_by_another_error_is_not_tried_again(face: Face) -> None:
    async def ship(ctx: Context) -> Any:
        async def body() -> None:
            await caught(lambda: ctx.step.run("inner", int))
            raise OSError("another")

        return await caught(lambda: ctx.step.run("outer", body))

    run = MemoryRun(durable(face(ship)))
    refused(run.replay(), "step 'inner' was called inside step 'outer'")
    step = run.step("outer")
    assert step.error is not None
    assert (step.status, step.error.name) == (Status.FAILED, "StepCallError")


def test_r19_in_the_thread_of_a_plain_body() -> None:
    def ship(ctx: ContextSync) -> Any:
        return ctx.step.run("outer", caught_sync, lambda: ctx.step.run("inner", int))

    run = MemoryRun(durable(ship))
    refused(run.replay(), "step 'inner' was called inside step 'outer'")
    assert run.step("outer").status is Status.FAILED


def test_r19_in_a_thread_that_a_body_has_begun() -> None:
    async def ship(ctx: Context) -> str:
        async def body() -> str:
            return await asyncio.to_thread(caught_sync, lambda: asyncio.run(caught(lambda: ctx.step.run("in", int))))

        return await ctx.step.run("outer", body)

    refused(MemoryRun(durable(ship)).replay(), "step 'in' was called inside step 'outer'")


def test_r19_a_body_that_calls_steps_for_ever_fails_its_run() -> None:
    async def ship(ctx: Context) -> str:
        async def body() -> None:
            while True:
                await caught(lambda: ctx.step.run("inner", int))

        await ctx.step.run("outer", body)
        return "shipped"

    refused(MemoryRun(durable(ship)).replay(), "step 'inner' was called inside step 'outer'")


def test_r19_beside_a_branch_that_waits(face: Face) -> None:
    async def ship(ctx: Context) -> str:
        async def body() -> Any:
            return await caught(lambda: ctx.step.run("inner", int))

        async def wait() -> None:
            await ctx.step.wait_for_event("paid", event="paid", timeout="1d")

        await ctx.group.parallel([wait, lambda: ctx.step.run("outer", body)])
        return "shipped"

    refused(MemoryRun(durable(face(ship))).replay(), "step 'inner' was called inside step 'outer'")


@pytest.mark.parametrize(
    "hook", ["transform_input", "before_execution", "restore_output", "transform_output", "after_execution"]
)
def test_r19_a_step_called_in_a_middleware_cannot_be_swallowed(hook: str) -> None:
    async def calls(self: Any, *args: Any) -> Any:
        await caught(lambda: contexts[0].step.run("hooked", int))
        return args[0] if hook in ("restore_output", "transform_output") else None

    contexts: list[Context] = []

    class First(Middleware):
        def transform_input(self, ctx: Any, function: Any) -> None:
            contexts.append(ctx)

    async def ship(ctx: Context) -> str:
        await ctx.step.sleep("rest", 0)
        return "shipped"

    run = MemoryRun(durable(ship, middleware=[First, type("Calling", (Middleware,), {hook: calls})]))
    refused(run.replay(), "step 'hooked' was called in a middleware")


def test_r19_a_step_called_in_a_hook_around_a_step_cannot_be_swallowed(face: Face) -> None:
    contexts: list[Any] = []

    class Calling(Middleware):
        def transform_input(self, ctx: Any, function: Any) -> None:
            contexts.append(ctx)

        async def after_step(self, step: StepInfo, output: Any, error: BaseException | None) -> None:
            async def call() -> Any:
                answer = contexts[0].step.run("hooked", int)
                return answer if isinstance(answer, int) else await answer

            await caught(call)

    async def ship(ctx: Context) -> str:
        await ctx.step.run("pack", int)
        return "shipped"

    run = MemoryRun(durable(face(ship), middleware=[Calling]))
    refused(run.replay(), "step 'hooked' was called inside step 'pack'")


def test_r19_a_step_from_a_thread_without_the_runs_context_fails_the_run_whose_tools_it_uses() -> None:
    async def ship(ctx: Context) -> str:
        def call() -> None:
            asyncio.run(caught(lambda: ctx.step.run("stray", int)))

        thread = threading.Thread(target=call)
        thread.start()
        await asyncio.to_thread(thread.join)
        await ctx.step.wait_for_event("paid", event="paid", timeout="1d")
        return "shipped"

    run = MemoryRun(durable(ship))
    refused(run.replay(), "step 'stray' was called outside its run")


def test_r19_the_context_of_another_run_fails_the_run_that_calls_and_not_the_other(face: Face) -> None:
    kept: list[Any] = []

    async def first(ctx: Context) -> None:
        kept.append(ctx)
        await ctx.step.wait_for_event("paid", event="paid", timeout="1d")

    async def second(ctx: Context) -> Any:
        return await caught(lambda: kept[0].step.run("stray", int))

    assert MemoryRun(durable(face(first))).replay() == Paused()
    refused(MemoryRun(durable(face(second))).replay(), "step 'stray' was called outside its run")


def test_r19_a_step_in_a_task_that_outlives_its_function_fails_the_run() -> None:
    async def ship(ctx: Context) -> str:
        async def straggler() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                await caught(lambda: ctx.step.run("clean up", int))

        task = asyncio.ensure_future(straggler())
        await ctx.step.run("pack", int)
        return task.get_name() and "packed"

    refused(MemoryRun(durable(ship)).replay(), "step 'clean up' was called after its function had ended")


def test_r19_a_step_in_a_finally_block_does_not_hide_why_the_run_has_failed() -> None:
    told: list[str] = []

    async def ship(ctx: Context) -> None:
        async def cleaning() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                told.append(await caught(lambda: ctx.step.run("clean up", int)))

        task = asyncio.ensure_future(cleaning())
        await ctx.step.run("pack", int)
        raise LookupError(f"no shelf for {bool(task)}")

    assert error_of(MemoryRun(durable(ship)).replay()).name == "LookupError"
    assert told == ["step 'clean up' was called after its function had ended: await every step"]


def fails_beside_a_misplaced_step(failure: Exception) -> Outcome:
    """The function raises the error while the body that has made the call still runs."""
    called = threading.Event()

    async def ship(ctx: Context) -> None:
        async def body() -> None:
            await caught(lambda: ctx.step.run("inner", int))
            called.set()
            await asyncio.sleep(300)

        outer = asyncio.ensure_future(ctx.step.run("outer", body))
        await asyncio.to_thread(called.wait, 20)
        assert not outer.done()
        raise failure

    return MemoryRun(durable(ship)).replay()


def test_r19_a_misplaced_step_does_not_hide_an_error_that_is_final() -> None:
    error = error_of(fails_beside_a_misplaced_step(NonRetriableError("no shelf")))
    assert (error.name, error.message) == ("NonRetriableError", "no shelf")


def test_r19_a_misplaced_step_outweighs_an_error_that_another_attempt_could_mend() -> None:
    refused(fails_beside_a_misplaced_step(LookupError("no shelf")), "step 'inner' was called inside step 'outer'")


def test_r19_a_misplaced_step_does_not_hide_an_error_of_the_journal(face: Face) -> None:
    class Unreachable(MemoryJournal):
        def keep(self, step: Step) -> None:
            raise ConnectionError("no table")

    async def ship(ctx: Context) -> None:
        async def body() -> Any:
            return await caught(lambda: ctx.step.run("inner", int))

        await ctx.step.run("outer", body)

    with pytest.raises(ConnectionError, match="no table"):
        MemoryRun(durable(face(ship)), Unreachable()).replay()


def test_r19_the_first_of_two_misplaced_steps_is_the_error(face: Face) -> None:
    async def ship(ctx: Context) -> None:
        async def body() -> None:
            await caught(lambda: ctx.step.run("first", int))
            await caught(lambda: ctx.step.run("second", int))

        await ctx.step.run("outer", body)

    refused(MemoryRun(durable(face(ship))).replay(), "step 'first' was called inside step 'outer'")


def test_r19_the_idempotency_key_outside_of_a_step_cannot_be_swallowed(face: Face) -> None:
    async def ship(ctx: Context) -> str:
        try:
            return ctx.step.idempotency_key
        except StepCallError:
            return "no key"

    refused(MemoryRun(durable(face(ship))).replay(), "was used outside of a step")


def test_r19_once_the_run_has_ended_a_line_of_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    kept: list[ContextSync] = []

    def ship(ctx: ContextSync) -> None:
        kept.append(ctx)

    MemoryRun(durable(ship)).replay()
    assert "step 'stray' was called outside its run" in caught_sync(lambda: kept[0].step.run("stray", int))
    [line] = [record.getMessage() for record in caplog.records]
    assert "step 'stray' was called outside its run" in line
    assert "its run had already ended" in line

"""R19: code that goes on for ever after its misplaced call fails its run, and holds up neither it nor the next."""

import asyncio
import gc
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from inspect import iscoroutinefunction
from typing import Any

import pytest

from tarry import Context, ContextSync, Middleware, Suspended
from tarry_backend.replay import Failed, Outcome, Paused, admission, conclusion
from tests.unit.replay.endless import lasting
from tests.unit.replay.faces import Face
from tests.unit.replay.memory import MemoryRun, durable, error_of, output_of

left_behind = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def in_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is left behind is left soon, and no test hangs. The bound is wide: a busy machine is not a fault."""
    monkeypatch.setattr(conclusion, "FAREWELL", 0.2)
    monkeypatch.setattr(admission, "_PAUSE", 0.1)
    began = time.monotonic()
    yield
    assert time.monotonic() - began < 60


def failed_by_the_first(outcome: Outcome, words: str = "") -> None:
    """The run has failed for good by its first misplaced call, ``c0``."""
    error = error_of(outcome)
    assert isinstance(outcome, Failed)
    assert (error.name, outcome.final) == ("StepCallError", True)
    assert error.message.startswith(f"step 'c0' was called {words}")


def answers_at_once() -> bool:
    """Whether another run's async body gets the body loop soon."""

    async def ship(ctx: Context) -> str:
        return await ctx.step.run("look", asyncio.sleep, 0, "here")

    began = time.monotonic()
    return output_of(MemoryRun(durable(ship)).replay()) == "here" and time.monotonic() - began < 60


async def call_for_ever(ctx: Any, kind: type[BaseException] = Exception) -> None:
    """Calls step after step; ``kind`` is what it catches."""
    number, goes_on = 0, lasting()
    while goes_on():
        with suppress(kind):
            number += 1
            await ctx.step.run(f"c{number - 1}", int)


def call_for_ever_in_a_thread(ctx: Any, kind: type[BaseException] = Exception) -> None:
    """The same, where nothing is awaited."""
    number, goes_on = 0, lasting()
    while goes_on():
        with suppress(kind):
            number += 1
            ctx.step.run(f"c{number - 1}", int)


@left_behind
@pytest.mark.parametrize("kind", [Exception, BaseException])
def test_r19_an_async_body_that_goes_on_for_ever_fails_its_run_by_its_first_fault(kind: type[BaseException]) -> None:
    async def ship(ctx: Context) -> None:
        await ctx.step.run("outer", call_for_ever, ctx, kind)

    failed_by_the_first(MemoryRun(durable(ship)).replay(), "inside step 'outer'")
    assert answers_at_once()


@pytest.mark.parametrize("kind", [Exception, BaseException])
def test_r19_a_plain_body_that_goes_on_for_ever_fails_its_run_by_its_first_fault(kind: type[BaseException]) -> None:
    def ship(ctx: ContextSync) -> None:
        ctx.step.run("outer", call_for_ever_in_a_thread, ctx, kind)

    failed_by_the_first(MemoryRun(durable(ship)).replay(), "inside step 'outer'")
    assert answers_at_once()


@left_behind
@pytest.mark.parametrize("kind", [Exception, BaseException])
def test_r19_an_async_body_of_a_def_likewise(kind: type[BaseException]) -> None:
    async def body(ctx: ContextSync) -> None:
        call_for_ever_in_a_thread(ctx, kind)

    def ship(ctx: ContextSync) -> None:
        ctx.step.run("outer", body, ctx)

    failed_by_the_first(MemoryRun(durable(ship)).replay(), "inside step 'outer'")
    assert answers_at_once()


def test_r19_a_thread_of_a_body_that_is_left_behind_ends_unless_it_catches_everything() -> None:
    ended = threading.Event()

    def plain(ctx: Any, call: Callable[[Any], None]) -> None:
        try:
            call(ctx)
        finally:
            ended.set()

    def ship(ctx: ContextSync) -> None:
        ctx.step.run("outer", plain, ctx, call_for_ever_in_a_thread)

    async def ship_beside(ctx: Context) -> None:
        await ctx.step.run("outer", asyncio.to_thread, plain, ctx, lambda ctx: asyncio.run(call_for_ever(ctx)))

    for function in (ship, ship_beside):
        ended.clear()
        failed_by_the_first(MemoryRun(durable(function)).replay(), "inside step 'outer'")
        assert ended.wait(3)


@pytest.mark.parametrize(
    "hook", ["before_execution", "before_step", "after_step", "restore_output", "transform_output", "after_execution"]
)
def test_r19_a_hook_that_goes_on_for_ever_fails_its_run_by_its_first_fault(face: Face, hook: str) -> None:
    contexts: list[Any] = []

    async def calls(*_: Any) -> None:
        await call_for_ever(contexts[0])

    def calls_plainly(*_: Any) -> None:
        call_for_ever_in_a_thread(contexts[0])

    async def ship(ctx: Context) -> None:
        await ctx.step.run("pack", int)

    class First(Middleware):
        def transform_input(self, ctx: Any, function: Any) -> None:
            contexts.append(ctx)

    handler = face(ship)
    endless = type("Endless", (Middleware,), {hook: calls if iscoroutinefunction(handler) else calls_plainly})
    made = durable(handler, middleware=[First, endless])
    failed_by_the_first(MemoryRun(made).replay())
    assert answers_at_once()


def test_r19_a_key_that_is_asked_for_for_ever_fails_its_run(face: Face) -> None:
    async def ship(ctx: Context) -> None:
        while True:
            with suppress(Exception):
                str(ctx.step.idempotency_key)

    error = error_of(MemoryRun(durable(face(ship))).replay())
    assert (error.name, "was used outside of a step" in error.message) == ("StepCallError", True)


def test_r19_a_thread_without_the_runs_context_that_goes_on_for_ever_fails_it_and_does_not_starve_it() -> None:
    async def ship(ctx: Context) -> None:
        def call() -> None:
            asyncio.run(call_for_ever(ctx))

        threading.Thread(target=call, daemon=True).start()
        await asyncio.sleep(0.5)
        await ctx.step.wait_for_event("paid", event="paid", timeout="1d")

    failed_by_the_first(MemoryRun(durable(ship)).replay(), "outside its run")
    assert answers_at_once()


def test_r19_the_context_of_a_run_that_is_over_called_for_ever_fails_the_run_that_calls(face: Face) -> None:
    kept: list[Any] = []

    async def first(ctx: Context) -> None:
        kept.append(ctx)

    async def second(ctx: Context) -> None:
        await call_for_ever(kept[0])

    MemoryRun(durable(face(first))).replay()
    for _ in range(2):
        failed_by_the_first(MemoryRun(durable(face(second))).replay(), "outside its run")


def test_r19_each_run_has_its_own_patience_also_where_all_use_one_context() -> None:
    """So a step is kept, as failed by its fault, however often others have called the same tools."""
    kept: list[ContextSync] = []

    def ship(ctx: ContextSync) -> None:
        ctx.step.run("outer", call, 60)

    def call(times: int) -> None:
        for number in range(times):
            with suppress(Exception):
                kept[0].step.run(f"c{number}", int)

    MemoryRun(durable(lambda ctx: kept.append(ctx))).replay()
    for _ in range(3):
        run = MemoryRun(durable(ship))
        failed_by_the_first(run.replay(), "inside step 'outer'")
        assert list(run.journal.steps) == ["outer"]


def test_r19_a_run_that_is_over_says_once_that_it_is(caplog: pytest.LogCaptureFixture) -> None:
    kept: list[ContextSync] = []
    MemoryRun(durable(lambda ctx: kept.append(ctx))).replay()
    for number in range(50):
        with suppress(Exception):
            kept[0].step.run(f"c{number}", int)
    [line] = caplog.messages
    assert line.startswith("step 'c0' was called outside its run")


def test_r18_a_suspension_that_a_hook_raises_at_the_end_fails_the_run_and_not_the_executor(face: Face) -> None:
    class Leaving(Middleware):
        def after_execution(self, *_: Any) -> None:
            raise Suspended("by a hook")

    async def ship(ctx: Context) -> None:
        await ctx.step.run("pack", int)

    assert error_of(MemoryRun(durable(face(ship), middleware=[Leaving])).replay()).name == "Suspended"


@pytest.mark.parametrize("where", ["function", "body"])
def test_r19_code_that_an_earlier_run_left_behind_fails_no_other_run_when_it_is_collected(where: str) -> None:
    over: list[bool] = []

    async def stubborn(ctx: Context) -> None:
        while not over:
            with suppress(BaseException):
                try:
                    await asyncio.Event().wait()
                finally:
                    if not over:
                        await ctx.step.run("c0", int)

    async def ship(ctx: Context) -> None:
        beside = asyncio.ensure_future(stubborn(ctx) if where == "function" else ctx.step.run("outer", stubborn, ctx))
        await asyncio.sleep(0.05)
        raise LookupError(f"no shelf for {bool(beside)}")

    async def other(ctx: Context) -> str:
        gc.collect()
        await ctx.step.run("plain", gc.collect)
        await ctx.step.run("async", collect)
        return "shipped"

    async def collect() -> None:
        gc.collect()

    assert error_of(MemoryRun(durable(ship)).replay()).name in ("LookupError", "StepCallError")
    assert output_of(MemoryRun(durable(other)).replay()) == "shipped"
    over.append(True)


def test_what_outlives_its_replay_and_can_be_closed_is_closed_at_once(caplog: pytest.LogCaptureFixture) -> None:
    book: list[str] = []

    async def slow() -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            try:
                await asyncio.sleep(3600)
            finally:
                book.append("closed")

    async def ship(ctx: Context) -> str:
        task = asyncio.ensure_future(slow())
        await asyncio.sleep(0)
        return f"without {bool(task)}"

    assert output_of(MemoryRun(durable(ship)).replay()) == "without True"
    assert book == ["closed"]
    gc.collect()
    assert caplog.messages == []


def test_a_task_that_a_finally_block_begins_is_not_destroyed_while_it_is_pending(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def ship(ctx: Context) -> None:
        try:
            await ctx.step.wait_for_event("paid", event="paid", timeout="1d")
        finally:
            begun = asyncio.ensure_future(asyncio.sleep(3600))
            del begun

    assert MemoryRun(durable(ship)).replay() == Paused()
    gc.collect()
    assert caplog.messages == []


@left_behind
def test_a_branch_that_lost_its_race_and_fails_later_is_no_error_that_python_reports(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def ship(ctx: Context) -> Any:
        over = asyncio.Event()

        async def loser() -> None:
            try:
                await asyncio.sleep(3600)
            finally:
                while not over.is_set():  # it outlives what the winner waits for
                    with suppress(asyncio.CancelledError):
                        await over.wait()
                raise OSError("too late")

        won = await ctx.group.race([loser, lambda: ctx.step.run("quick", lambda: "quick")])
        over.set()
        await asyncio.sleep(0.01)  # the loser ends
        return won

    assert output_of(MemoryRun(durable(ship)).replay()) == "quick"
    gc.collect()
    assert caplog.messages == []


@left_behind
@pytest.mark.parametrize("is_async", [True, False], ids=["async", "def"])
def test_a_branch_that_lost_its_race_and_goes_on_for_ever_holds_up_no_winner(is_async: bool) -> None:
    async def ship(ctx: Context) -> Any:
        async def endless() -> None:
            await call_for_ever(ctx, BaseException)

        async def quick() -> str:
            return "quick"

        async def loser() -> None:
            await ctx.step.sleep("rest", "1d")

        return await ctx.group.race([lambda: lost(loser, endless), lambda: ctx.step.run("quick", quick)])

    async def lost(first: Callable[[], Any], then: Callable[[], Any]) -> None:
        try:
            await first()
        except BaseException:
            await then()

    def ship_plainly(ctx: ContextSync) -> Any:
        def loser() -> None:
            try:
                ctx.step.sleep("rest", "1d")
            except BaseException:
                call_for_ever_in_a_thread(ctx, BaseException)

        return ctx.group.race([loser, lambda: ctx.step.run("quick", lambda: "quick")])

    assert output_of(MemoryRun(durable(ship if is_async else ship_plainly)).replay()) == "quick"

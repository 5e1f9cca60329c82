"""R16 to R18: errors that misbehave, come in groups, or are no ``Exception``, are recorded and tried again as any."""

import asyncio
import concurrent.futures
import json
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tarry import Context, ContextSync, Middleware, NonRetriableError, RetryAfterError, StepError, StepInfo
from tarry._engine.interruption import Death
from tarry.durations import MAX_DURATION
from tarry_backend.replay import Failed, Failure, Paused, Status
from tests.unit.replay.faces import Face
from tests.unit.replay.memory import NOON, MemoryRun, durable, error_of, output_of
from tests.unit.replay.odd_errors import ODD, LateError, wide


class OwnError(BaseException):
    """What is no ``Exception``."""


def storable(error: Failure | None) -> Failure:
    assert error is not None
    assert all(type(text) is str for text in (*error.document().values(), *error.kinds))
    assert len(json.dumps(error.stored(), ensure_ascii=False).encode()) < 700_000
    return error


@pytest.mark.parametrize("is_async", [False, True], ids=["plain body", "async body"])
@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_r16_a_steps_error_is_recorded_and_retried_whatever_it_does_when_looked_at(
    face: Face, odd: Callable[[], BaseException], is_async: bool
) -> None:
    calls: list[int] = []

    def plain() -> str:
        calls.append(1)
        if len(calls) < 3:
            raise odd()
        return "charged"

    async def body() -> str:
        return plain()

    async def ship(ctx: Context) -> str:
        return await ctx.step.run("charge", body if is_async else plain)

    run = MemoryRun(durable(face(ship)))
    for _ in range(2):
        assert run.replay() == Paused()
        storable(run.step("charge").error)
        assert run.step("charge").status is Status.RETRYING
        run.journal.clock += 3_600_000
    assert output_of(run.replay()) == "charged"


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_r16_a_functions_error_is_recorded_and_no_reason_to_stop_trying(
    face: Face, odd: Callable[[], BaseException]
) -> None:
    async def ship(ctx: Context) -> None:
        await ctx.step.run("pack", int)
        raise odd()

    outcome = MemoryRun(durable(face(ship))).replay()
    storable(error_of(outcome))
    assert isinstance(outcome, Failed)
    assert outcome.final is issubclass(type(outcome.cause), StepError)


def test_r16_a_long_message_is_cut_and_says_so_and_the_stack_keeps_its_end() -> None:
    failure = Failure.of(ValueError("ä" * 3_000_000))
    assert len(failure.message) == 50_000
    assert failure.message.endswith("… (cut; 3,000,000 characters)")
    assert len(failure.stack) == 100_000


def test_r16_a_groups_stack_names_the_errors_inside_and_one_without_end_its_own() -> None:
    assert "KeyError: 'sku'" in Failure.of(ExceptionGroup("two", [OSError("one"), KeyError("sku")])).stack
    try:
        raise wide()
    except Exception as error:
        stack = Failure.of(error).stack
    assert "raise wide()" in stack
    assert "group (2 sub-exceptions)" in stack


def test_r16_a_hook_of_a_middleware_whose_error_misbehaves_fails_what_it_is_around(face: Face) -> None:
    for hook in ("transform_input", "before_execution", "before_step", "after_step", "transform_output"):
        for odd in ODD.values():

            def raises(*_: object, odd: Callable[[], BaseException] = odd) -> None:
                raise odd()

            async def ship(ctx: Context) -> None:
                await ctx.step.run("pack", int)

            made = type("Odd", (Middleware,), {hook: raises})
            run = MemoryRun(durable(face(ship), retries=0, middleware=[made]))
            storable(error_of(run.replay()))


OBJECTS: dict[str, Callable[[Context, Any], Any]] = {
    "sleep": lambda ctx, odd: ctx.step.sleep("s", odd),
    "timeout": lambda ctx, odd: ctx.step.wait_for_event("s", event="e", timeout=odd),
    "lookback": lambda ctx, odd: ctx.step.wait_for_event("s", event="e", timeout="1d", lookback=odd),
    "signal": lambda ctx, odd: ctx.step.wait_for_signal("s", signal="e", timeout=odd),
    "data": lambda ctx, odd: ctx.step.invoke_by_id("s", function_id="pack", data={"a": odd}),
    "user": lambda ctx, odd: ctx.step.invoke_by_id("s", function_id="pack", data={}, user={"a": odd}),
}


class Odd:
    def __repr__(self) -> str:
        raise ValueError("no words")

    def model_dump(self, **_: object) -> None:
        raise LookupError("no dump")


@pytest.mark.parametrize("call", OBJECTS.values(), ids=OBJECTS)
def test_r16_what_a_step_is_given_may_misbehave_and_the_run_fails_naming_the_step(
    face: Face, call: Callable[[Context, Any], Any]
) -> None:
    async def ship(ctx: Context) -> None:
        await call(ctx, Odd())

    error = error_of(MemoryRun(durable(face(ship))).replay())
    assert error.name == "UsageError"
    assert error.message.startswith("step 's': ")


OTHERS: dict[str, Callable[[], BaseException]] = {
    "a cancellation": lambda: asyncio.CancelledError("the client gave up"),
    "a future's cancellation": lambda: concurrent.futures.CancelledError("the client gave up"),
    "an interrupt": lambda: KeyboardInterrupt("stop"),
    "a generator's end": lambda: GeneratorExit("end"),
    "the process's end": lambda: SystemExit(3),
    "one of its own": lambda: OwnError("own"),
    "a group": lambda: BaseExceptionGroup("group", [OwnError("own"), KeyboardInterrupt()]),
}


def names(raised: Callable[[], BaseException]) -> set[str]:
    """How it may be called: a ``GeneratorExit`` cannot come out of a thread."""
    error = raised()
    return {type(error).__name__} | ({"RuntimeError"} if isinstance(error, GeneratorExit) else set())


@pytest.mark.parametrize("is_async", [False, True], ids=["plain body", "async body"])
@pytest.mark.parametrize("raised", OTHERS.values(), ids=OTHERS)
def test_r18_whatever_comes_out_of_a_body_that_nobody_cancelled_is_an_error_of_that_step(
    face: Face, raised: Callable[[], BaseException], is_async: bool
) -> None:
    def plain() -> None:
        raise raised()

    async def body() -> None:
        plain()

    async def ship(ctx: Context) -> str:
        try:
            await ctx.step.run("charge", body if is_async else plain)
        except StepError as error:
            return f"{error.step_id}: {error.name}"
        return "charged"

    run = MemoryRun(durable(face(ship), retries=1))
    assert run.replay() == Paused()
    assert run.step("charge").status is Status.RETRYING
    assert output_of(run.wake_after("1h")) in {f"charge: {name}" for name in names(raised)}


@pytest.mark.parametrize("raised", OTHERS.values(), ids=OTHERS)
def test_r18_whatever_a_task_of_an_async_body_raises_is_an_error_of_that_step(
    raised: Callable[[], BaseException],
) -> None:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise raised()

    async def body() -> None:
        await asyncio.gather(fail(), asyncio.sleep(0.01))

    async def ship(ctx: Context) -> str:
        beside = asyncio.ensure_future(ctx.step.run("beside", lambda: "beside"))
        try:
            await ctx.step.run("charge", body)
        except StepError as error:
            return f"{await beside} {error.name}"
        return "charged"

    run = MemoryRun(durable(ship, retries=1))
    assert run.replay() == Paused()
    assert output_of(run.wake_after("1h")) == f"beside {type(raised()).__name__}"


@pytest.mark.parametrize("raised", OTHERS.values(), ids=OTHERS)
def test_r18_whatever_comes_out_of_a_function_is_its_failure_and_named(
    face: Face, raised: Callable[[], BaseException]
) -> None:
    async def ship(ctx: Context) -> None:
        await ctx.step.run("pack", int)
        raise raised()

    outcome = MemoryRun(durable(face(ship))).replay()
    assert error_of(outcome).name in names(raised)
    assert isinstance(outcome, Failed)
    assert not outcome.final


@pytest.mark.parametrize("raised", OTHERS.values(), ids=OTHERS)
def test_r18_whatever_comes_out_of_a_branch_is_its_functions_failure_and_named(
    face: Face, raised: Callable[[], BaseException]
) -> None:
    async def ship(ctx: Context) -> None:
        async def branch() -> None:
            await ctx.step.run("pack", int)
            raise raised()

        await ctx.group.parallel([branch, lambda: ctx.step.run("other", int)])

    assert error_of(MemoryRun(durable(face(ship))).replay()).name in names(raised)


@pytest.mark.parametrize("raised", OTHERS.values(), ids=OTHERS)
def test_r18_whatever_comes_out_of_a_hook_fails_what_it_is_around(
    face: Face, raised: Callable[[], BaseException]
) -> None:
    for hook in ("before_execution", "before_step", "after_step", "restore_output", "after_execution"):

        def raises(*_: object) -> None:
            raise raised()

        async def ship(ctx: Context) -> None:
            await ctx.step.run("pack", int)

        made = type("Odd", (Middleware,), {hook: raises})
        run = MemoryRun(durable(face(ship), retries=0, middleware=[made]))
        assert error_of(run.replay()).name in names(raised) | {"MiddlewareError"}


def test_r18_after_step_hears_of_a_cancellation_that_nobody_asked_for() -> None:
    heard: list[BaseException | None] = []

    class Listening(Middleware):
        def after_step(self, step: StepInfo, output: Any, error: BaseException | None) -> None:
            heard.append(error)

    async def body() -> None:
        raise asyncio.CancelledError

    async def ship(ctx: Context) -> None:
        await ctx.step.run("charge", body)

    assert MemoryRun(durable(ship, middleware=[Listening])).replay() == Paused()
    assert [type(error) for error in heard] == [asyncio.CancelledError]


def test_r18_a_body_that_is_cancelled_by_a_timeout_around_it_keeps_no_step() -> None:
    async def ship(ctx: Context) -> str:
        try:
            async with asyncio.timeout(0.01):
                await ctx.step.run("slow", asyncio.sleep, 60)
        except TimeoutError:
            return "gave up"
        return "slept"

    run = MemoryRun(durable(ship))
    assert output_of(run.replay()) == "gave up"
    assert run.journal.steps == {}


def test_r18_a_function_that_once_caught_a_cancellation_has_its_bodies_errors_kept_all_the_same() -> None:
    async def body() -> None:
        raise asyncio.CancelledError("the client gave up")

    async def ship(ctx: Context) -> str:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_later(0.01, task.cancel)
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        try:
            await ctx.step.run("charge", body)
        except StepError as error:
            return error.message
        return "charged"

    assert output_of(MemoryRun(durable(ship, retries=0)).replay()) == "the client gave up"


def test_r18_a_branch_that_lost_a_race_in_a_body_keeps_no_step(face: Face) -> None:
    async def ship(ctx: Context) -> Any:
        return await ctx.group.race(
            [lambda: ctx.step.run("slow", asyncio.sleep, 5, "slow"), lambda: ctx.step.run("quick", lambda: "quick")]
        )

    run = MemoryRun(durable(face(ship)))
    assert output_of(run.replay()) == "quick"
    assert run.journal.steps.keys() == {"quick"}


def test_r18_a_death_passes_also_out_of_a_group(face: Face) -> None:
    for error in (Death("dead"), BaseExceptionGroup("group", [OSError(), BaseExceptionGroup("in", [Death("dead")])])):

        def body(error: BaseException = error) -> None:
            raise error

        async def in_step(ctx: Context, body: Callable[[], None] = body) -> None:
            await ctx.step.run("charge", body)

        async def outside(ctx: Context, body: Callable[[], None] = body) -> None:
            body()

        for handler in (in_step, outside):
            run = MemoryRun(durable(face(handler)))
            with pytest.raises(type(error)):
                run.replay()
            assert run.journal.writes == []


@pytest.mark.parametrize("hook", ["before_execution", "after_execution"])
def test_r18_a_death_in_a_hook_around_the_function_passes(face: Face, hook: str) -> None:
    def dies(*_: object) -> None:
        raise Death("dead")

    async def ship(ctx: Context) -> None: ...

    with pytest.raises(Death):
        MemoryRun(durable(face(ship), middleware=[type("Dying", (Middleware,), {hook: dies})])).replay()


# R17: errors in groups.


def grouped(*errors: Exception) -> Exception:
    return ExceptionGroup("outer", [OSError("one"), ExceptionGroup("inner", list(errors))])


def test_r17_a_non_retriable_error_in_a_group_ends_the_attempts_of_its_step(face: Face) -> None:
    calls: list[int] = []

    def body() -> None:
        calls.append(1)
        raise grouped(NonRetriableError("no such card"), RetryAfterError("busy", 60))

    async def ship(ctx: Context) -> None:
        await ctx.step.run("charge", body)

    assert error_of(MemoryRun(durable(face(ship))).replay()).name == "ExceptionGroup"
    assert calls == [1]


def test_r17_in_a_task_group_of_an_async_body_likewise() -> None:
    async def fail() -> None:
        raise NonRetriableError("no such card")

    async def body() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
            group.create_task(asyncio.sleep(60))

    async def ship(ctx: Context) -> None:
        await ctx.step.run("charge", body)

    run = MemoryRun(durable(ship))
    assert "no such card" in error_of(run.replay()).stack
    assert run.step("charge").attempt == 0


AT = datetime.fromtimestamp(NOON / 1000, UTC) + timedelta(minutes=5)
LATEST: dict[str, tuple[Exception, int]] = {
    "one": (grouped(RetryAfterError("busy", 60)), 60_000),
    "a span and a later time": (grouped(RetryAfterError("busy", 60), RetryAfterError("busy", AT)), 300_000),
    "a time and a longer span": (grouped(RetryAfterError("busy", AT), RetryAfterError("busy", 900)), 900_000),
    "one that names none": (grouped(LateError("soon"), RetryAfterError("busy", 60)), 60_000),
    "past all measure": (RetryAfterError("busy", 1e300), MAX_DURATION),
    "at the end of time": (RetryAfterError("busy", datetime.max.replace(tzinfo=UTC)), MAX_DURATION),
}


@pytest.mark.parametrize(("error", "span"), LATEST.values(), ids=LATEST)
def test_r17_the_latest_time_that_the_errors_of_a_group_name_is_that_of_the_next_attempt(
    face: Face, error: Exception, span: int
) -> None:
    def body() -> None:
        raise error

    async def in_step(ctx: Context) -> None:
        await ctx.step.run("charge", body)

    async def outside(ctx: Context) -> None:
        body()

    run = MemoryRun(durable(face(in_step)))
    assert run.replay() == Paused()
    assert run.step("charge").due == NOON + span
    outcome = MemoryRun(durable(face(outside))).replay()
    assert isinstance(outcome, Failed)
    assert (outcome.pause(NOON), outcome.final) == (span, False)


def test_r17_in_a_group_out_of_a_hook_likewise() -> None:
    class Busy(Middleware):
        def before_step(self, step: StepInfo) -> None:
            raise grouped(RetryAfterError("busy", 60))

    async def ship(ctx: Context) -> None:
        await ctx.step.run("charge", int)

    run = MemoryRun(durable(ship, middleware=[Busy]))
    assert run.replay() == Paused()
    assert run.step("charge").due == NOON + 60_000


def test_an_interrupt_from_outside_ends_the_process() -> None:
    """Ctrl-C, while the loop waits."""

    def ship(ctx: ContextSync) -> None:
        time.sleep(0.1)
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, signal.SIGINT)
        time.sleep(0.1)

    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background has none
    try:
        with pytest.raises(KeyboardInterrupt):
            MemoryRun(durable(ship)).replay()
    finally:
        signal.signal(signal.SIGINT, handler)

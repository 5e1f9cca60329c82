"""``with_options(timeout=...)``: a body that takes too long is cut off, and its attempt fails in time."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from tarry import Context, ContextSync, LimitError, StepError, StepTimeoutError, UsageError
from tarry_backend.executor.message_delivery import invocation_room
from tarry_backend.replay import Failed, Paused, Status, body_loop, body_span
from tarry_backend.replay.body_loop import RunningBody
from tarry_backend.replay.body_span import BodySpan
from tests.unit.replay.faces import Face
from tests.unit.replay.memory import MemoryRun, durable, error_of, output_of

LONG = 300
"""Seconds that no test waits for."""

BOUND = 60
"""Seconds within which a machine does what should take none, however busy it is."""


async def forever() -> None:
    await asyncio.sleep(LONG)


def charging(body: Callable[..., Any], limit: str = "50ms", **options: Any) -> Callable[[Context], Any]:
    """A function of one step, which catches its error."""

    async def ship(ctx: Context) -> Any:
        try:
            return await ctx.step.with_options(timeout=limit, **options).run("charge", body)
        except StepError as error:
            return [error.name, error.is_a(StepTimeoutError), error.is_a(TimeoutError)]

    return ship


def test_an_async_body_is_cancelled_and_its_attempt_fails_and_is_retried(face: Face) -> None:
    ends: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(LONG)
        except asyncio.CancelledError:
            ends.append("cancelled")
            raise

    run = MemoryRun(durable(face(charging(work, retries=1))))
    began = time.monotonic()
    assert run.replay() == Paused()
    step = run.step("charge")
    assert step.status is Status.RETRYING
    assert step.error is not None
    assert step.error.name == "StepTimeoutError"
    assert "step 'charge': its body did not end within timeout='50ms'" in step.error.message
    assert output_of(run.wake_after("1h")) == ["StepTimeoutError", True, True]
    assert set(ends) == {"cancelled"}, "on a busy machine one may be cancelled before it begins"
    assert time.monotonic() - began < BOUND


def test_a_plain_body_is_left_behind_and_holds_up_neither_its_run_nor_the_next(face: Face) -> None:
    release, ended = threading.Event(), threading.Event()

    def work() -> str:
        release.wait(LONG)
        ended.set()
        return "too late"

    run = MemoryRun(durable(face(charging(work, retries=0))))
    began = time.monotonic()
    assert output_of(run.replay()) == ["StepTimeoutError", True, True]
    assert output_of(MemoryRun(durable(face(charging(lambda: 7, "4m")))).replay()) == 7
    assert not ended.is_set(), "the body still runs"
    assert time.monotonic() - began < BOUND
    release.set()
    assert ended.wait(BOUND)
    assert output_of(run.replay()) == ["StepTimeoutError", True, True], "the late result is dropped"


def test_a_run_pauses_while_a_body_that_is_left_behind_still_runs(face: Face) -> None:
    release = threading.Event()

    async def ship(ctx: Context) -> None:
        with contextlib.suppress(StepError):
            await ctx.step.with_options(timeout="50ms", retries=0).run("charge", release.wait, LONG)
        await ctx.step.sleep("rest", "1h")

    began = time.monotonic()
    assert MemoryRun(durable(face(ship))).replay() == Paused()
    assert time.monotonic() - began < BOUND
    release.set()


def test_a_body_that_ends_in_time_is_not_touched(face: Face) -> None:
    async def ship(ctx: Context) -> list[object]:
        tools = ctx.step.with_options(timeout="5m")
        return [await tools.run("a", str, 7), await tools.run("b", asyncio.sleep, 0, "slept")]

    assert output_of(MemoryRun(durable(face(ship))).replay()) == ["7", "slept"]


def test_a_body_that_answers_its_end_with_a_result_or_an_error_of_its_own_has_decided(face: Face) -> None:
    async def save() -> str:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(LONG)
        return "saved"

    async def fall() -> None:
        try:
            await asyncio.sleep(LONG)
        finally:
            raise ConnectionError

    async def both(ctx: Context) -> Any:
        one, other = charging(save, "1s"), charging(fall, "1s", retries=0)
        return list(await ctx.group.parallel([lambda: one(ctx), lambda: other(ctx)]))

    saved, fell = output_of(MemoryRun(durable(face(both))).replay())
    assert saved == "saved"
    assert fell[0] == "ConnectionError"


def test_a_body_has_all_of_its_last_seconds_to_clean_up(face: Face, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_loop, "FAREWELL", 0.9)
    book: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(LONG)
        finally:
            await asyncio.sleep(0.02)
            book.append("cleaned up")

    assert output_of(MemoryRun(durable(face(charging(work, "10ms", retries=0)))).replay())[0] == "StepTimeoutError"
    assert book == ["cleaned up"]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What time it is for the spans of bodies, in seconds."""
    now = [0.0]
    monkeypatch.setattr(body_span, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_a_body_is_waited_for_until_its_last_second_is_over(clock: list[float]) -> None:
    body = RunningBody(save_nothing, BodySpan("charge", "1m", 60, 0))
    assert body._left() == 60
    clock[0] = 59.5
    assert body._left() == 0.5


def test_a_caller_that_is_cancelled_waits_for_the_body_however_long_it_cleans_up(clock: list[float]) -> None:
    """So a branch that has lost its race ends by that, and not by a timeout."""
    book, begun = list[str](), threading.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.sleep(LONG)
        finally:
            await asyncio.sleep(0.01)
            book.append("cleaned up")

    async def call() -> None:
        task = asyncio.ensure_future(RunningBody(work, BodySpan("charge", "1m", 60, 0)).result())
        await asyncio.to_thread(begun.wait, BOUND)
        task.cancel()
        clock[0] = 3600
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(call())
    assert book == ["cleaned up"]


def test_a_body_that_cancels_itself_in_time_is_no_timeout(face: Face) -> None:
    async def work() -> None:
        raise asyncio.CancelledError

    assert output_of(MemoryRun(durable(face(charging(work, "4m", retries=0)))).replay())[0] == "CancelledError"


def test_a_body_that_does_not_hear_of_its_end_is_left_behind_after_seconds(
    face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body_loop, "FAREWELL", 0.2)
    release = threading.Event()

    async def block() -> None:
        release.wait(LONG)

    began = time.monotonic()
    assert output_of(MemoryRun(durable(face(charging(block, retries=0)))).replay())[0] == "StepTimeoutError"
    assert output_of(MemoryRun(durable(face(charging(save_nothing, "4m")))).replay()) is None, (
        "the next one has another loop"
    )
    assert time.monotonic() - began < BOUND
    release.set()


async def save_nothing() -> None:
    await asyncio.sleep(0)


def test_the_time_covers_an_awaitable_that_a_plain_body_returns(face: Face) -> None:
    assert (
        output_of(MemoryRun(durable(face(charging(lambda: forever(), "300ms", retries=0)))).replay())[0]
        == "StepTimeoutError"
    )


def test_a_plain_body_that_ends_soon_after_its_time_has_failed_all_the_same(face: Face) -> None:
    work = charging(lambda: time.sleep(0.4), retries=0)
    assert output_of(MemoryRun(durable(face(work))).replay()) == ["StepTimeoutError", True, True]


def test_the_time_covers_a_task_that_the_function_has_begun() -> None:
    async def ship(ctx: Context) -> list[object]:
        task = asyncio.create_task(forever())
        try:
            await ctx.step.with_options(timeout="50ms", retries=0).run("fetch", lambda: task)
        except StepError as error:
            await asyncio.wait([task])
            return [error.name, task.cancelled()]
        return []

    assert output_of(MemoryRun(durable(ship)).replay()) == ["StepTimeoutError", True]


def test_a_branch_that_loses_its_race_while_its_body_has_time_left_is_no_timeout(face: Face) -> None:
    async def ship(ctx: Context) -> str:
        async def slow() -> str:
            await ctx.step.with_options(timeout="1m").run("slow", forever)
            return "slow"

        async def quick() -> str:
            return await ctx.step.run("quick", str, "quick")

        return str(await ctx.group.race([slow, quick]))

    run = MemoryRun(durable(face(ship)))
    assert output_of(run.replay()) == "quick"
    assert "slow" not in run.journal.steps


def test_several_bodies_each_have_their_own_time(face: Face) -> None:
    async def ship(ctx: Context) -> list[str]:
        async def branch(name: str, limit: str) -> str:
            try:
                await ctx.step.with_options(timeout=limit, retries=0).run(name, asyncio.sleep, 0.3)
            except StepError as error:
                return error.name
            return "ended"

        return list(await ctx.group.parallel([lambda: branch("a", "10ms"), lambda: branch("b", "4m")]))

    assert output_of(MemoryRun(durable(face(ship))).replay()) == ["StepTimeoutError", "ended"]


def test_a_step_whose_time_is_more_than_is_left_begins_in_the_next_invocation(face: Face) -> None:
    async def ship(ctx: Context) -> int:
        await ctx.step.run("pack", str, "pack")
        return await ctx.step.with_options(timeout="4m").run("charge", int, 7)

    run = MemoryRun(durable(face(ship)))
    run.journal.room = 239_999
    assert run.replay() == Paused(out_of_time=True)
    assert [step.key for step in run.journal.writes] == ["pack"]
    run.journal.room = 240_000
    assert output_of(run.replay()) == 7


def test_the_first_step_of_an_invocation_begins_in_any_case_so_that_it_is_not_handed_on_for_ever(face: Face) -> None:
    run = MemoryRun(durable(face(charging(lambda: 7, "4m"))))
    run.journal.room = 1
    assert output_of(run.replay()) == 7


def test_a_retry_that_is_not_due_asks_for_no_further_invocation(face: Face) -> None:
    run = MemoryRun(durable(face(charging(forever, retries=1))))
    assert run.replay() == Paused()
    run.journal.room = 10
    assert run.replay() == Paused()


@pytest.mark.parametrize(("timeout", "fits"), [(120_000, True), (120_001, False)])
def test_a_timeout_longer_than_the_executors_own_less_a_fifth_fails_the_run(timeout: int, fits: bool) -> None:
    async def ship(ctx: Context) -> str:
        return await ctx.step.with_options(timeout=timeout).run("charge", str, "paid")

    run = MemoryRun(durable(ship))
    _, has_room, _ = invocation_room(lambda: 149_990)
    setattr(run.journal, "has_room", has_room)  # noqa: B010 - mypy takes no method's place
    outcome = run.replay()
    if fits:
        assert output_of(outcome) == "paid"
        return
    assert isinstance(outcome, Failed)
    assert outcome.final
    assert error_of(outcome).name == LimitError.__name__
    message = error_of(outcome).message
    assert message.startswith("step 'charge': its timeout of 120.001 s is too long: the executor's Lambda has 150 s")
    assert "test_step_timeouts.py" in message, "the error names the line"


def test_an_invocation_has_room_for_a_body_until_half_of_its_reserve_would_be_needed() -> None:
    left = 150_000
    out_of_time, has_room, _ = invocation_room(lambda: left)
    assert has_room(120_000)
    left = 134_999
    assert not has_room(120_000)
    assert has_room(119_999)
    assert not out_of_time()
    left = 29_999
    assert out_of_time()


@pytest.mark.parametrize("timeout", [0, "0s", "-1s", "16m", "soon"])
def test_a_timeout_is_more_than_nothing_and_at_most_what_a_lambda_has(timeout: Any) -> None:
    async def ship(ctx: Context) -> None:
        await ctx.step.with_options(timeout=timeout).run("charge", str, 7)

    outcome = MemoryRun(durable(ship)).replay()
    assert isinstance(outcome, Failed)
    assert outcome.final


def test_a_timeout_and_at_most_once_are_for_run_alone(face: Face) -> None:
    async def sleep(ctx: Context) -> None:
        await ctx.step.with_options(timeout="1m").sleep("rest", "1d")

    async def send(ctx: Context) -> None:
        await ctx.step.with_options(at_most_once=True).send_event("tell", [])

    asleep = error_of(MemoryRun(durable(face(sleep))).replay())
    assert "with_options(timeout=...) is for step.run and step.send_event" in asleep.message
    sent = error_of(MemoryRun(durable(face(send))).replay())
    assert "with_options(at_most_once=...) is for step.run alone" in sent.message


def test_later_options_override_earlier_ones_and_keep_the_others() -> None:
    def ship(ctx: ContextSync) -> Any:
        tools = ctx.step.with_options(retries=3, timeout="50ms").with_options(retries=0)
        try:
            return tools.run("charge", forever)
        except StepError as error:
            return error.name

    assert output_of(MemoryRun(durable(ship)).replay()) == "StepTimeoutError"


def test_a_step_has_a_backoff_of_its_own(face: Face) -> None:
    def fail() -> None:
        raise ConnectionError

    async def ship(ctx: Context) -> None:
        await ctx.step.with_options(retries=3, backoff=["1m", "2h"]).run("charge", fail)

    run, pauses = MemoryRun(durable(face(ship), backoff=["1s"])), list[int]()
    while run.replay() == Paused():
        due = run.step("charge").due
        assert due is not None
        pauses.append((due - run.journal.clock) // 60_000)
        run.journal.clock = due
    assert pauses[0] == 1
    assert [120 <= pause <= 132 for pause in pauses[1:]] == [True, True]


@pytest.mark.parametrize("backoff", [[], "15s", ["-1s"], ["soon"]])
def test_a_backoff_is_a_list_of_pauses(backoff: Any) -> None:
    async def ship(ctx: Context) -> None:
        with pytest.raises(UsageError):
            ctx.step.with_options(backoff=backoff)

    assert output_of(MemoryRun(durable(ship)).replay()) is None

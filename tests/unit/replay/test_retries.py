"""R4 and R5: steps that fail, are tried again, and work or fail for good."""

import asyncio
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from tarry import Context, DurationError, NonRetriableError, RetryAfterError, StepError
from tarry_backend.replay import Failed, Outcome, Paused, Status
from tests.unit.replay.faces import Face
from tests.unit.replay.memory import NOON, MemoryRun, durable, error_of, output_of


class Flaky:
    """A body that fails so often, then works."""

    def __init__(self, failures: int, error: Callable[[], BaseException] = lambda: OSError("no connection")) -> None:
        self.calls = 0
        self._failures = failures
        self._error = error

    def __call__(self) -> int:
        self.calls += 1
        if self.calls <= self._failures:
            raise self._error()
        return self.calls


def to_its_end(run: MemoryRun) -> tuple[Outcome, list[int]]:
    """Wakes the run when each of its retries is due. How it ends, and the pauses in milliseconds."""
    pauses: list[int] = []
    while (outcome := run.replay()) == Paused():
        dues = [step.due for step in run.journal.steps.values() if step.due]
        pauses.append(min(dues) - run.journal.clock)
        run.journal.clock = min(dues)
    return outcome, pauses


def test_r4_a_step_that_fails_twice_works_at_its_third_attempt(face: Face) -> None:
    attempts: list[tuple[int, int]] = []
    flaky = Flaky(failures=2)

    async def ship(ctx: Context) -> int:
        def charge() -> int:
            attempts.append((ctx.attempt, flaky.calls))
            return flaky()

        charged = await ctx.step.run("charge", charge)
        attempts.append((ctx.attempt, -1))
        return charged

    run = MemoryRun(durable(face(ship)))
    outcome, pauses = to_its_end(run)
    assert output_of(outcome) == 3
    assert attempts == [(0, 0), (1, 1), (2, 2), (0, -1)]
    assert [step.attempt for step in run.journal.writes] == [1, 2, 2]
    assert run.step("charge").due is None
    assert 15_000 <= pauses[0] <= 16_500
    assert 30_000 <= pauses[1] <= 33_000


def test_r4_the_pauses_are_15_s_30_s_1_min_and_2_min_and_up_to_a_tenth(face: Face) -> None:
    async def ship(ctx: Context) -> None:
        await ctx.step.run("charge", Flaky(failures=99))

    _, pauses = to_its_end(MemoryRun(durable(face(ship))))
    bases = [15_000, 30_000, 60_000, 120_000]
    assert [base for base, pause in zip(bases, pauses, strict=True) if not base <= pause <= base * 1.1] == []


def test_the_pauses_of_different_steps_differ_and_those_of_one_step_are_the_same_after_a_crash(face: Face) -> None:
    async def ship(ctx: Context) -> None:
        await ctx.group.parallel([partial(ctx.step.run, f"charge {n}", Flaky(failures=1)) for n in range(20)])

    dues = []
    for _ in range(2):
        run = MemoryRun(durable(face(ship)))
        run.replay()
        dues.append({step.key: step.due for step in run.journal.steps.values()})
    assert dues[0] == dues[1]
    assert len(set(dues[0].values())) > 10


def test_a_backoff_of_ones_own_repeats_its_last_pause(face: Face) -> None:
    async def ship(ctx: Context) -> None:
        await ctx.step.run("charge", Flaky(failures=99))

    outcome, pauses = to_its_end(MemoryRun(durable(face(ship), retries=3, backoff=["100s", timedelta(seconds=200)])))
    assert error_of(outcome).name == "OSError"
    assert [pause // 100_000 for pause in pauses] == [1, 2, 2]


def test_a_step_is_not_tried_again_before_its_time(face: Face) -> None:
    flaky = Flaky(failures=1)

    async def ship(ctx: Context) -> int:
        return await ctx.step.run("charge", flaky)

    run = MemoryRun(durable(face(ship)))
    assert run.replay() == Paused()
    assert run.wake_after("14s") == Paused()
    assert flaky.calls == 1
    assert len(run.journal.writes) == 1, "to wake it too early writes nothing"


def test_without_retries_the_first_failure_is_the_last(face: Face) -> None:
    flaky = Flaky(failures=1)

    async def ship(ctx: Context) -> int:
        return await ctx.step.run("charge", flaky)

    run = MemoryRun(durable(face(ship), retries=0))
    assert "no connection" in error_of(run.replay()).message
    assert flaky.calls == 1


def test_r5_a_step_that_fails_for_good_fails_the_run_with_the_errors_type_message_and_stack(face: Face) -> None:
    async def ship(ctx: Context) -> None:
        await ctx.step.run("charge", Flaky(failures=99))

    run = MemoryRun(durable(face(ship)))
    outcome, pauses = to_its_end(run)
    assert len(pauses) == 4
    assert isinstance(outcome, Failed)
    assert outcome.final
    assert outcome.error == run.step("charge").error
    assert (outcome.error.name, outcome.error.message) == ("OSError", "no connection")
    assert "raise self._error()" in outcome.error.stack
    assert (run.step("charge").status, run.step("charge").due) == (Status.FAILED, None)


def test_r5_a_caught_step_error_lets_the_run_go_on_and_is_the_same_at_each_replay(face: Face) -> None:
    seen: list[tuple[str, str, str, bool]] = []

    async def ship(ctx: Context) -> str:
        try:
            await ctx.step.run("charge", Flaky(failures=99, error=lambda: NonRetriableError("no such card")))
        except StepError as error:
            seen.append((error.step_id, error.name, error.message, "Flaky" in error.stack or "_error" in error.stack))
            await ctx.step.wait_for_event("paid", event="paid", timeout="1d")
            return await ctx.step.run("send", lambda: "paid otherwise")
        return "charged"

    run = MemoryRun(durable(face(ship)))
    assert run.replay() == Paused()
    assert output_of(run.receive("paid")) == "paid otherwise"
    assert seen == [("charge", "NonRetriableError", "no such card", True)] * 2


def test_r5_a_step_error_in_a_loop_names_its_own_key(face: Face) -> None:
    async def ship(ctx: Context) -> list[str]:
        failed = []
        for n in range(3):
            try:
                await ctx.step.run("charge", Flaky(failures=n, error=NonRetriableError))
            except StepError as error:
                failed.append(error.step_id)
        return failed

    assert output_of(MemoryRun(durable(face(ship))).replay()) == ["charge:1", "charge:2"]


def test_a_non_retriable_error_is_not_tried_again(face: Face) -> None:
    flaky = Flaky(failures=9, error=lambda: NonRetriableError("no such card"))

    async def ship(ctx: Context) -> None:
        await ctx.step.run("charge", flaky)

    assert error_of(MemoryRun(durable(face(ship))).replay()).message == "no such card"
    assert flaky.calls == 1


AFTER = [
    (90, 90_000),
    (0.5, 500),
    (-1, 0),
    (timedelta(minutes=2), 120_000),
    (datetime.fromtimestamp(NOON / 1000, UTC) + timedelta(hours=1), 3_600_000),
    (datetime.fromtimestamp(NOON / 1000, UTC) - timedelta(hours=1), 0),
]


@pytest.mark.parametrize(("after", "pause"), AFTER)
def test_retry_after_error_says_when_to_try_again(face: Face, after: float | timedelta | datetime, pause: int) -> None:
    flaky = Flaky(failures=1, error=lambda: RetryAfterError("busy", after))

    async def ship(ctx: Context) -> int:
        return await ctx.step.run("charge", flaky)

    run = MemoryRun(durable(face(ship)))
    assert run.replay() == Paused()
    assert run.step("charge").due == NOON + pause
    if pause:
        assert run.wake_after(pause - 1) == Paused()
    assert output_of(run.wake_after(1)) == 2


def test_retry_after_error_counts_as_an_attempt(face: Face) -> None:
    async def ship(ctx: Context) -> None:
        await ctx.step.run("charge", Flaky(failures=99, error=lambda: RetryAfterError("busy", 60)))

    outcome, pauses = to_its_end(MemoryRun(durable(face(ship), retries=2)))
    assert error_of(outcome).name == "RetryAfterError"
    assert pauses == [60_000, 60_000]


WRONG_AFTER: list[object] = ["10s", None, float("inf"), float("nan"), datetime(2026, 1, 1)]  # noqa: DTZ001


@pytest.mark.parametrize("after", WRONG_AFTER, ids=str)
def test_retry_after_error_with_no_time_fails_the_step_and_says_so(face: Face, after: float) -> None:
    async def ship(ctx: Context) -> None:
        await ctx.step.run("charge", Flaky(failures=1, error=lambda: RetryAfterError("busy", after)))

    error = error_of(MemoryRun(durable(face(ship))).replay())
    assert error.name == DurationError.__name__
    assert "RetryAfterError" in error.message


BODY_ERRORS: list[Callable[[], BaseException]] = [
    lambda: StopIteration("end"),
    lambda: SystemExit(3),
    lambda: RecursionError("deep"),
    lambda: TimeoutError("slow"),
    lambda: ExceptionGroup("many", [OSError("one")]),
]


@pytest.mark.parametrize("error", BODY_ERRORS, ids=lambda error: type(error()).__name__)
@pytest.mark.parametrize("is_async", [False, True], ids=["plain body", "async body"])
def test_whatever_a_body_raises_it_is_tried_again(
    face: Face, error: Callable[[], BaseException], is_async: bool
) -> None:
    flaky = Flaky(failures=1, error=error)

    async def body() -> int:
        return flaky()

    async def ship(ctx: Context) -> int:
        return await ctx.step.run("charge", body if is_async else flaky)

    outcome, pauses = to_its_end(MemoryRun(durable(face(ship))))
    assert output_of(outcome) == 2
    assert len(pauses) == 1


# Errors of the function itself.


def test_an_error_of_the_function_is_not_final(face: Face) -> None:
    async def ship(ctx: Context) -> None:
        await ctx.step.run("pack", int)
        raise LookupError("no such shelf")

    outcome = MemoryRun(durable(face(ship))).replay()
    assert isinstance(outcome, Failed)
    assert not outcome.final
    assert (outcome.error.name, outcome.error.message) == ("LookupError", "no such shelf")
    assert "in ship" in outcome.error.stack


def test_the_functions_own_attempt_is_seen_outside_of_steps(face: Face) -> None:
    async def ship(ctx: Context) -> list[int]:
        return [ctx.attempt, await ctx.step.run("pack", lambda: ctx.attempt), ctx.attempt]

    run = MemoryRun(durable(face(ship)))
    run.attempt = 2
    assert output_of(run.replay()) == [2, 0, 2]


@pytest.mark.parametrize(
    ("error", "final"),
    [
        (NonRetriableError("no"), True),
        (StepError("charge", "OSError", "no connection"), True),
        (RetryAfterError("busy", 60), False),
        (OSError("no connection"), False),
        (ExceptionGroup("many", [OSError("one"), ExceptionGroup("inner", [NonRetriableError("no")])]), True),
        (ExceptionGroup("many", [OSError("one"), ValueError("two")]), False),
    ],
)
def test_an_error_of_the_function_is_final_if_no_attempt_could_help(face: Face, error: Exception, final: bool) -> None:
    async def ship(ctx: Context) -> None:
        raise error

    outcome = MemoryRun(durable(face(ship))).replay()
    assert isinstance(outcome, Failed)
    assert outcome.final == final
    assert outcome.pause(NOON) == (60_000 if isinstance(error, RetryAfterError) else None)


@pytest.mark.parametrize("error", [SystemExit(3), StopIteration("end"), asyncio.CancelledError()], ids=repr)
def test_odd_errors_of_the_function_fail_it_too(face: Face, error: BaseException) -> None:
    async def ship(ctx: Context) -> None:
        await ctx.step.run("pack", int)
        if isinstance(error, SystemExit):
            sys.exit(3)
        raise error

    outcome = MemoryRun(durable(face(ship))).replay()
    assert isinstance(outcome, Failed)
    assert not outcome.final


def test_sys_exit_in_a_task_fails_the_function(caplog: pytest.LogCaptureFixture) -> None:
    async def ship(ctx: Context) -> None:
        async def leave() -> None:
            await ctx.step.run("pack", int)
            sys.exit(3)

        await asyncio.gather(leave(), ctx.step.wait_for_event("paid", event="paid", timeout="1d"))

    assert error_of(MemoryRun(durable(ship)).replay()).name == "SystemExit"
    assert caplog.messages == []

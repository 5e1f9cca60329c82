"""Waits for signals as replay sees them. Every test is made for both faces."""

from typing import Any

import pytest

from tarry import Context, DurationError, UsageError
from tarry_backend.replay import Paused, Status
from tests.unit.replay.faces import Face
from tests.unit.replay.memory import NOON, MemoryRun, durable, error_of, output_of


async def approve(ctx: Context) -> Any:
    return await ctx.step.wait_for_signal("approved", signal="approval/7", timeout="1h")


@pytest.mark.parametrize("data", [{"by": "ada"}, [], 0, False, "yes"])
def test_the_function_gets_the_data(face: Face, data: Any) -> None:
    run = MemoryRun(durable(face(approve)))
    assert run.replay() == Paused()
    step = run.step("approved")
    assert (step.kind, step.status, step.due) == ("signal", Status.WAITING, NOON + 3_600_000)
    run.journal.signal("approved", data)
    assert output_of(run.replay()) == data


def test_an_order_is_kept_free_for_the_end_that_a_signal_may_bring_at_once(face: Face) -> None:
    async def ship(ctx: Context) -> None:
        await ctx.step.run("pay", int)
        await ctx.group.parallel(
            [
                lambda: ctx.step.wait_for_signal("approved", signal="approval/7", timeout="1h"),
                lambda: ctx.step.sleep("pause", "1h"),
            ]
        )

    run = MemoryRun(durable(face(ship)))
    run.replay()
    assert [run.step("pay").begun_order, run.step("pay").ended_order] == [1, 2]
    assert [run.step("approved").begun_order, run.step("pause").begun_order] == [3, 5]


def test_at_the_deadline_it_gets_none(face: Face) -> None:
    run = MemoryRun(durable(face(approve)))
    run.replay()
    run.journal.signal("approved", None)
    assert output_of(run.replay()) is None


def test_a_signal_that_another_waits_for_fails_the_run_and_cannot_be_caught(face: Face) -> None:
    async def stubborn(ctx: Context) -> str:
        try:
            await approve(ctx)
        except Exception:
            return "caught"
        return "given"

    run = MemoryRun(durable(face(stubborn)))
    run.journal.taken.add("approval/7")
    assert "step 'approved': another waits for 'approval/7'" in error_of(run.replay()).message


@pytest.mark.parametrize(
    ("signal", "timeout", "error"),
    [
        ("", "1h", UsageError),
        ("x" * 513, "1h", UsageError),
        ("\ud800", "1h", UsageError),
        ("go", "367d", DurationError),
    ],
)
def test_what_cannot_be_waited_for_is_said_at_once(
    face: Face, signal: str, timeout: str, error: type[UsageError]
) -> None:
    async def wait(ctx: Context) -> Any:
        return await ctx.step.wait_for_signal("wait", signal=signal, timeout=timeout)

    assert error_of(MemoryRun(durable(face(wait))).replay()).name == error.__name__


@pytest.mark.parametrize("came", [True, False])
def test_w29_a_wait_for_a_signal_does_not_move_what_a_wait_for_an_event_behind_it_sees(face: Face, came: bool) -> None:
    async def then_wait(ctx: Context) -> Any:
        await approve(ctx)
        await ctx.step.wait_for_event("paid", event="paid", timeout="1d")

    run = MemoryRun(durable(face(then_wait)))
    run.replay()
    run.journal.clock += 900_000 if came else 3_601_000
    run.journal.signal("approved", {} if came else None, NOON + 600_000)
    assert run.replay() == Paused()
    since = run.since("paid")
    assert (since.received_at, since.event_id) == (NOON, "start")

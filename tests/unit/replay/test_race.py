"""``ctx.group.race``: the first branch that ends is the only one to go on."""

import asyncio
import threading
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from tarry import Context, Event, StepError
from tarry_backend.replay import Paused, Status
from tests.unit.replay.faces import Face, as_def
from tests.unit.replay.memory import MemoryRun, durable, error_of, output_of


async def reply(ctx: Context) -> str:
    event = await ctx.step.wait_for_event("reply", event="reply", timeout="1d")
    return event.id if event else "silence"


async def patience(ctx: Context) -> str:
    await ctx.step.sleep("patience", "1h")
    return "no patience left"


def racing(face: Face, ran: list[str]) -> MemoryRun:
    """A reply races against a sleep and a step that fails; then the run waits on."""

    async def ship(ctx: Context) -> Any:
        async def refuse() -> None:
            ran.append("refuse")
            raise OSError("no connection")

        async def deliver() -> str:
            await ctx.step.run("refuse", refuse)
            return "delivered"

        won = await ctx.group.race([lambda: reply(ctx), lambda: patience(ctx), deliver])
        await ctx.step.run("thank", ran.append, won)
        await ctx.step.wait_for_event("last", event="last", timeout="1d")
        return won

    return MemoryRun(durable(face(ship), backoff=["30m"]))


def test_the_first_branch_that_ends_gives_the_result_and_what_the_others_have_open_is_withdrawn_at_once(
    face: Face,
) -> None:
    ran: list[str] = []
    run = racing(face, ran)
    assert run.replay() == Paused()
    assert run.receive("reply", "r1") == Paused()
    assert ran == ["refuse", "r1"]
    states = {step.key: step.status for step in run.journal.steps.values()}
    withdrawn = Status.WITHDRAWN
    assert states == {
        "reply": Status.DONE,
        "patience": withdrawn,
        "refuse": withdrawn,
        "thank": Status.DONE,
        "last": Status.WAITING,
    }
    assert not any(run.step(key).is_open or run.step(key).is_due for key in ("patience", "refuse"))
    kept = [step.key for step in run.journal.writes]
    assert kept[-4:-2] == ["patience", "refuse"], "before the function goes on"
    assert kept[-2:] == ["thank", "last"]


def test_each_replay_has_the_same_winner_and_withdraws_nothing_twice(face: Face) -> None:
    ran: list[str] = []
    run = racing(face, ran)
    run.replay()
    run.receive("reply", "r1")
    writes = len(run.journal.writes)
    assert run.wake_after("2h") == Paused()
    assert len(run.journal.writes) == writes
    assert output_of(run.receive("last", "l1")) == "r1"
    assert ran == ["refuse", "r1"]


def test_a_race_that_was_decided_but_whose_losers_were_not_withdrawn_is_decided_alike(face: Face) -> None:
    """The executor dies between the two: the replay finds the losers open, or even ended meanwhile."""
    run = racing(face, [])
    run.replay()
    assert run.receive("reply", "r1") == Paused()
    for key in ("thank", "last"):
        del run.journal.steps[key]
    opened = {step.key: step for step in run.journal.writes if step.is_open}
    run.journal.steps["patience"] = opened["patience"]
    run.journal.steps["refuse"] = opened["refuse"]
    assert run.wake_after("5h") == Paused()
    assert run.step("thank").output == "null"
    assert {run.step(key).status for key in ("patience", "refuse")} == {Status.WITHDRAWN}


def test_a_result_that_came_too_late_is_noted_as_one_that_the_function_never_gets(face: Face) -> None:
    """Both events come before the replay.

    the log     first's event ── second's event
    replay                                        first wins ── second has ended, and not had its turn
    """

    async def ship(ctx: Context) -> Any:
        first, second = (
            partial(ctx.step.wait_for_event, name, event=name, timeout="1d") for name in ("first", "second")
        )
        won = await ctx.group.race([second, first, lambda: ctx.step.sleep("pause", "1h")])
        return won.name

    run = MemoryRun(durable(face(ship)))
    run.replay()
    run.journal.clock += 1000
    run.journal.receive(Event("first", id="f"))
    run.journal.receive(Event("second", id="s"))
    assert output_of(run.replay()) == "first"
    assert run.journal.lost == ["second"]
    assert run.step("pause").status is Status.WITHDRAWN


def test_a_withdrawn_step_keeps_the_error_of_its_last_attempt(face: Face) -> None:
    run = racing(face, [])
    run.replay()
    error = run.step("refuse").error
    run.receive("reply", "r1")
    assert error is not None
    assert run.step("refuse").error == error


def test_a_branch_that_fails_first_decides_the_race_by_its_error(face: Face) -> None:
    async def ship(ctx: Context) -> Any:
        def refuse() -> None:
            raise OSError("no connection")

        try:
            return await ctx.group.race([lambda: reply(ctx), lambda: ctx.step.run("refuse", refuse)])
        except StepError as error:
            return error.message

    run = MemoryRun(durable(face(ship), retries=0))
    assert output_of(run.replay()) == "no connection"
    assert run.step("reply").status is Status.WITHDRAWN


def test_a_body_that_loses_is_not_kept_and_does_not_run_again(face: Face) -> None:
    begun, release = threading.Event(), threading.Event()
    calls: list[str] = []

    async def ship(ctx: Context) -> Any:
        def slow() -> str:
            calls.append("slow")
            begun.set()
            release.wait(10)
            return "slow"

        def fast() -> str:
            begun.wait(10)
            return "fast"

        won = await ctx.group.race([lambda: ctx.step.run("slow", slow), lambda: ctx.step.run("fast", fast)])
        release.set()
        await ctx.step.wait_for_event("last", event="last", timeout="1d")
        return won

    run = MemoryRun(durable(face(ship)))
    assert run.replay() == Paused()
    assert "slow" not in run.journal.steps
    assert output_of(run.receive("last", "l1")) == "fast"
    assert calls == ["slow"]


def test_an_async_body_that_loses_is_cancelled() -> None:
    ended: list[str] = []
    begun = threading.Event()

    def fast() -> str:
        begun.wait(60)
        return "fast"

    async def ship(ctx: Context) -> Any:
        async def slow() -> None:
            try:
                begun.set()
                await asyncio.sleep(3600)
            finally:
                ended.append("slow")

        return await ctx.group.race([lambda: ctx.step.run("slow", slow), lambda: ctx.step.run("fast", fast)])

    assert output_of(MemoryRun(durable(ship)).replay()) == "fast"
    assert ended == ["slow"]


def test_no_step_follows_in_a_branch_that_has_lost(face: Face) -> None:
    """Not even where it catches everything."""
    caught: list[str] = []

    async def ship(ctx: Context) -> Any:
        async def stubborn() -> str:
            for _ in range(3):
                try:
                    await ctx.step.wait_for_event("never", event="never", timeout="1d")
                except BaseException as error:
                    caught.append(type(error).__name__)
            return "stubborn"

        won = await ctx.group.race([stubborn, lambda: reply(ctx)])
        await ctx.step.run("thank", caught.append, won)
        return won

    run = MemoryRun(durable(face(ship)))
    run.replay()
    caught.clear()
    assert output_of(run.receive("reply", "r1")) == "r1"
    assert len(caught) == 4
    assert caught[1:] == ["Suspended", "Suspended", "r1"]
    assert [key for key in run.journal.steps if key.startswith("never")] == ["never"]


def test_a_branch_that_has_lost_is_told_which_call_comes_too_late(face: Face) -> None:
    told: list[str] = []

    async def ship(ctx: Context) -> Any:
        async def stubborn() -> None:
            try:
                await patience(ctx)
            except BaseException:
                try:
                    await ctx.step.run("tidy", int)
                except BaseException as error:
                    told.append(str(error))

        return await ctx.group.race([stubborn, lambda: reply(ctx)])

    run = MemoryRun(durable(face(ship)))
    run.replay()
    told.clear()
    assert output_of(run.receive("reply", "r1")) == "r1"
    assert [text.partition(":")[0] for text in told] == [
        "step 'tidy' was called in a branch of group.race that has lost"
    ]


def test_all_that_have_lost_are_stopped_before_any_is_waited_for() -> None:
    """The second loser's result came after the winner's: while the first one takes its leave it is not given."""
    went_on: list[str] = []

    async def ship(ctx: Context) -> Any:
        async def lingering() -> None:
            try:
                await ctx.step.sleep("nap", "1h")
            finally:
                await asyncio.sleep(0.02)

        async def late() -> None:
            await ctx.step.wait_for_event("late", event="late", timeout="1d")
            went_on.append("late")

        return await ctx.group.race([lingering, late, lambda: reply(ctx)])

    run = MemoryRun(durable(ship))
    run.replay()
    run.journal.clock += 1000
    for name in ("reply", "late"):
        run.journal.receive(Event(name, id=name))
    assert output_of(run.replay()) == "reply"
    assert went_on == []


def test_a_race_within_a_race_ends_with_it(face: Face) -> None:
    async def ship(ctx: Context) -> Any:
        async def inner() -> Any:
            return await ctx.group.race(
                [lambda: patience(ctx), lambda: ctx.step.wait_for_event("never", event="never", timeout="1d")]
            )

        won = await ctx.group.race([inner, lambda: reply(ctx)])
        await ctx.step.wait_for_event("last", event="last", timeout="1d")
        return won

    run = MemoryRun(durable(face(ship)))
    run.replay()
    run.receive("reply", "r1")
    assert {run.step(key).status for key in ("patience", "never")} == {Status.WITHDRAWN}
    assert output_of(run.receive("last", "l1")) == "r1"


def test_parallel_branches_within_a_race_end_with_it(face: Face) -> None:
    async def ship(ctx: Context) -> Any:
        async def both() -> str:
            await ctx.group.parallel([lambda: patience(ctx), lambda: ctx.step.sleep("more", "2h")])
            return "both"

        return await ctx.group.race([both, lambda: reply(ctx)])

    run = MemoryRun(durable(face(ship)))
    run.replay()
    assert output_of(run.receive("reply", "r1")) == "r1"
    assert {run.step(key).status for key in ("patience", "more")} == {Status.WITHDRAWN}


def test_a_branch_without_a_step_wins_at_once(face: Face) -> None:
    async def ship(ctx: Context) -> Any:
        async def at_once() -> int:
            return 7

        return await ctx.group.race([lambda: reply(ctx), at_once])

    assert output_of(MemoryRun(durable(face(ship))).replay()) == 7


def test_the_next_wait_begins_where_the_winner_left_off(face: Face) -> None:
    async def ship(ctx: Context) -> list[str]:
        won = await ctx.group.race([lambda: reply(ctx), lambda: ctx.step.sleep("patience", "1h")])
        await ctx.step.run("thank", str)
        late = await ctx.step.wait_for_event("late", event="late", timeout="1d")
        return [str(won), late.id if late else "none"]

    run = MemoryRun(durable(face(ship)))
    run.replay()
    run.receive("late", "too early")
    run.receive("reply", "r1")
    since, began = run.step("late").wait, run.step("thank").began
    assert since is not None
    assert since.since.received_at == began


def test_a_def_that_has_too_many_branches_is_an_error() -> None:
    async def ship(ctx: Context) -> None:
        await ctx.group.race([lambda: reply(ctx)] * 501)

    error = error_of(MemoryRun(durable(as_def(ship), retries=0)).replay())
    assert error.name == "LimitError"
    assert "group.race needs a thread for each branch of a def, at most 500" in error.message


@pytest.mark.parametrize("first", ["reply", "patience"])
def test_a_race_of_two_is_won_by_whichever_comes_first(face: Face, first: str) -> None:
    async def ship(ctx: Context) -> Any:
        return await ctx.group.race([lambda: patience(ctx), lambda: reply(ctx)])

    run = MemoryRun(durable(face(ship)))
    run.replay()
    outcome = run.receive("reply", "r1") if first == "reply" else run.wake_after("1h")
    assert output_of(outcome) == ("r1" if first == "reply" else "no patience left")


def test_a_race_that_is_suspended_says_how_to_let_its_suspension_pass() -> None:
    told: list[str] = []

    async def swallowing(ctx: Context) -> None:
        with suppress(BaseException):
            await patience(ctx)

    async def ship(ctx: Context) -> Any:
        try:
            return await ctx.group.race([lambda: swallowing(ctx), lambda: reply(ctx)])
        except BaseException as error:
            told.append(str(error))
            raise

    assert MemoryRun(durable(as_def(ship))).replay() == Paused()
    assert [text.partition("Write ``except Exception:`` instead")[1] != "" for text in told] == [True], told


def test_a_race_that_is_suspended_raises_nothing_that_except_exception_catches(face: Face) -> None:
    caught: list[str] = []

    async def ship(ctx: Context) -> Any:
        try:
            return await ctx.group.race([lambda: patience(ctx), lambda: reply(ctx)])
        except Exception as error:
            caught.append(repr(error))

    run = MemoryRun(durable(face(ship)))
    assert run.replay() == Paused()
    assert caught == []
    assert output_of(run.receive("reply", "r1")) == "r1"
    assert caught == []

"""R7: a function whose code has changed, so that its steps no longer fit those that its run has kept."""

import asyncio

import pytest

from tarry import Context
from tarry_backend.replay import Failed, Paused
from tests.unit.replay.faces import Face, Text
from tests.unit.replay.memory import MemoryRun, durable, error_of, output_of


def deployed(before: MemoryRun, handler: Text, face: Face) -> MemoryRun:
    """The run, on new code."""
    return MemoryRun(durable(face(handler)), before.journal)


async def placed(ctx: Context) -> None:
    await ctx.step.run("reserve", int)
    await ctx.step.wait_for_event("paid", event="paid", timeout="1d")


@pytest.fixture
def run(face: Face) -> MemoryRun:
    """A run that has reserved, and waits."""
    run = MemoryRun(durable(face(placed)))
    assert run.replay() == Paused()
    return run


def test_r7_a_renamed_step_is_an_error_that_names_both_and_nothing_runs(run: MemoryRun, face: Face) -> None:
    ran: list[str] = []

    async def renamed(ctx: Context) -> None:
        await ctx.step.run("hold", ran.append, "hold")
        await ctx.step.run("more", ran.append, "more")

    outcome = deployed(run, renamed, face).replay()
    assert error_of(outcome).name == "ReplayError"
    assert "run step 'reserve'" in error_of(outcome).message
    assert "new step 'hold'" in error_of(outcome).message
    assert isinstance(outcome, Failed)
    assert outcome.final
    assert ran == []


def test_r7_a_wait_renamed_while_it_is_open_is_an_error_that_names_both(run: MemoryRun, face: Face) -> None:
    async def renamed(ctx: Context) -> None:
        await ctx.step.run("reserve", int)
        await ctx.step.wait_for_event("payment", event="paid", timeout="1d")

    message = error_of(deployed(run, renamed, face).replay()).message
    assert "wait step 'paid'" in message
    assert "new step 'payment'" in message
    assert "payment" not in run.journal.steps


@pytest.mark.parametrize("after_paid", [False, True], ids=["open", "ended"])
def test_r7_another_kind_under_the_same_id_is_an_error_that_names_both(
    run: MemoryRun, face: Face, after_paid: bool
) -> None:
    ran: list[str] = []

    async def changed(ctx: Context) -> None:
        await ctx.step.run("reserve", int)
        await ctx.step.run("paid", ran.append, "paid")
        await ctx.step.run("more", ran.append, "more")

    if after_paid:
        run.receive("paid")
    message = error_of(deployed(run, changed, face).replay()).message
    assert "wait step 'paid'" in message
    assert "run step 'paid'" in message
    assert ran == []


@pytest.mark.parametrize("kind", ["sleep", "send", "invoke"])
def test_r7_every_kind_of_step_is_told_from_a_run(run: MemoryRun, face: Face, kind: str) -> None:
    async def changed(ctx: Context) -> None:
        if kind == "sleep":
            await ctx.step.sleep("reserve", "1d")
        elif kind == "invoke":
            await ctx.step.invoke_by_id("reserve", function_id="pack")
        else:
            await ctx.step.send_event("reserve", [])

    message = error_of(deployed(run, changed, face).replay()).message
    assert "run step 'reserve'" in message
    assert f"{kind} step 'reserve'" in message
    assert (run.journal.sent, run.journal.invoked) == ([], [])


def test_r7_a_step_put_in_before_kept_ones_does_not_run(run: MemoryRun, face: Face) -> None:
    ran: list[str] = []

    async def grown(ctx: Context) -> None:
        await ctx.step.run("check", ran.append, "check")
        await placed(ctx)

    assert "new step 'check'" in error_of(deployed(run, grown, face).replay()).message
    assert ran == []


def test_r7_a_step_that_is_gone_is_an_error_when_the_function_ends_without_it(run: MemoryRun, face: Face) -> None:
    async def shrunk(ctx: Context) -> str:
        return "nothing to do"

    message = error_of(deployed(run, shrunk, face).replay()).message
    assert "run step 'reserve'" in message
    assert "its own end" in message


def test_r7_the_function_cannot_catch_it(run: MemoryRun, face: Face) -> None:
    async def renamed(ctx: Context) -> str:
        try:
            await ctx.step.sleep("reserve", "1d")
        except Exception:
            return "caught"
        return "slept"

    assert error_of(deployed(run, renamed, face).replay()).name == "ReplayError"


def test_r7_steps_put_in_after_the_kept_ones_run(run: MemoryRun, face: Face) -> None:
    async def grown(ctx: Context) -> str:
        await ctx.step.run("reserve", int)
        await ctx.step.wait_for_event("paid", event="paid", timeout="1d")
        return await ctx.step.run("more", lambda: "more")

    run.receive("paid")
    assert output_of(deployed(run, grown, face).replay()) == "more"


def test_r7_in_one_of_two_branches_the_error_names_both_and_no_branch_goes_on(face: Face) -> None:
    ran: list[str] = []

    def shipping(left: str, right: str) -> Text:
        async def one(ctx: Context, name: str) -> None:
            await ctx.step.run(name, int)
            await ctx.step.wait_for_event(f"{name} done", event="done", timeout="1d")
            await ctx.step.run(f"{name} more", ran.append, name)

        async def ship(ctx: Context) -> None:
            await ctx.group.parallel([lambda: one(ctx, left), lambda: one(ctx, right)])

        return ship

    run = MemoryRun(durable(face(shipping("left", "right"))))
    assert run.replay() == Paused()
    run.journal.time_out("left done")
    message = error_of(deployed(run, shipping("left", "wrong"), face).replay()).message
    assert "run step 'right'" in message
    assert "new step 'wrong'" in message
    assert ran == []


def test_r7_in_tasks_of_asyncio_no_task_goes_on() -> None:
    ran: list[str] = []

    def shipping(second: str) -> Text:
        async def ship(ctx: Context) -> None:
            first, other = (ctx.step.run(name, ran.append, name) for name in ("first", second))
            await asyncio.gather(first, other)
            await ctx.step.wait_for_event("paid", event="paid", timeout="1d")

        return ship

    run = MemoryRun(durable(shipping("second")))
    assert run.replay() == Paused()
    message = error_of(MemoryRun(durable(shipping("2nd")), run.journal).replay()).message
    assert "run step 'second'" in message
    assert "new step '2nd'" in message
    assert ran == ["first", "second"]


def test_r7_another_kind_in_one_of_two_branches_ends_the_other_before_it_begins_a_step(face: Face) -> None:
    ran: list[str] = []

    async def before(ctx: Context) -> None:
        await ctx.group.parallel([lambda: ctx.step.run("left", int), lambda: ctx.step.run("right", int)])
        await ctx.step.wait_for_event("paid", event="paid", timeout="1d")

    async def after(ctx: Context) -> None:
        async def left() -> None:
            await ctx.step.run("left", int)
            await ctx.step.run("more", ran.append, "more")

        await ctx.group.parallel([left, lambda: ctx.step.sleep("right", "1d")])

    run = MemoryRun(durable(face(before)))
    run.replay()
    assert "sleep step 'right'" in error_of(deployed(run, after, face).replay()).message
    assert ran == []


def test_other_errors_of_changed_code_are_its_own(run: MemoryRun, face: Face) -> None:
    async def broken(ctx: Context) -> None:
        raise KeyError("stock")

    assert error_of(deployed(run, broken, face).replay()).name == "KeyError"

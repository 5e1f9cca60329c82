"""What a run in flight makes of changed code: each line of the table in docs/upgrade.md that replay decides."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tarry import Context, ContextSync
from tarry_backend.replay import Finished, Outcome, Paused, Status
from tests.unit.replay.faces import Face, Text
from tests.unit.replay.memory import MemoryRun, durable, error_of, output_of

Program = Callable[[Context], Any]


async def old(ctx: Context) -> str:
    await ctx.step.run("pack", str, "pack")
    await ctx.step.run("label", str, "label")
    await ctx.step.sleep("rest", "1d")
    return await ctx.step.run("ship", str, "ship")


async def longer(ctx: Context) -> str:
    await old(ctx)
    return await ctx.step.run("thank", str, "thank")


async def added_before(ctx: Context) -> str:
    await ctx.step.run("pack", str, "pack")
    await ctx.step.run("check", str, "check")
    await ctx.step.run("label", str, "label")
    await ctx.step.sleep("rest", "1d")
    return await ctx.step.run("ship", str, "ship")


async def added_behind(ctx: Context) -> str:
    await ctx.step.run("pack", str, "pack")
    await ctx.step.run("label", str, "label")
    await ctx.step.sleep("rest", "1d")
    await ctx.step.run("check", str, "check")
    return await ctx.step.run("ship", str, "ship")


async def renamed(ctx: Context) -> str:
    await ctx.step.run("pack", str, "pack")
    await ctx.step.run("sticker", str, "label")
    await ctx.step.sleep("rest", "1d")
    return await ctx.step.run("ship", str, "ship")


async def removed(ctx: Context) -> str:
    await ctx.step.run("pack", str, "pack")
    await ctx.step.sleep("rest", "1d")
    return await ctx.step.run("ship", str, "ship")


async def removed_behind(ctx: Context) -> str:
    await ctx.step.run("pack", str, "pack")
    await ctx.step.run("label", str, "label")
    await ctx.step.sleep("rest", "1d")
    return "ship"


async def reordered(ctx: Context) -> str:
    await ctx.step.run("label", str, "label")
    await ctx.step.run("pack", str, "pack")
    await ctx.step.sleep("rest", "1d")
    return await ctx.step.run("ship", str, "ship")


async def of_another_kind(ctx: Context) -> str:
    await ctx.step.run("pack", str, "pack")
    await ctx.step.sleep("label", "1s")
    await ctx.step.sleep("rest", "1d")
    return await ctx.step.run("ship", str, "ship")


async def moved_into_a_branch(ctx: Context) -> str:
    await ctx.group.parallel(
        [lambda: ctx.step.run("label", str, "label"), lambda: ctx.step.run("pack", str, "pack")],
    )
    await ctx.step.sleep("rest", "1d")
    return await ctx.step.run("ship", str, "ship")


async def with_a_new_branch(ctx: Context) -> str:
    async def main() -> str:
        return await old(ctx)

    async def beside() -> str:
        return await ctx.step.run("mail", str, "mail")

    done = await ctx.group.parallel([main, beside])
    return str(done[0])


def waiting(face: Face, text: Text = old) -> MemoryRun:
    """A run of the old code, which rests."""
    run = MemoryRun(durable(face(text)))
    assert run.replay() == Paused()
    return run


def with_code(run: MemoryRun, face: Face, text: Text, **options: Any) -> MemoryRun:
    return MemoryRun(durable(face(text), **options), run.journal)


GOES_ON = {
    "added at the end": (longer, "thank"),
    "added behind the place at which it waits": (added_behind, "ship"),
    "removed behind the place at which it waits": (removed_behind, "ship"),
    "moved into branches": (moved_into_a_branch, "ship"),
    "a branch beside": (with_a_new_branch, "ship"),
}

FAILS = {
    "added before the place at which it waits": (added_before, "label"),
    "renamed": (renamed, "label"),
    "removed": (removed, "label"),
    "reordered": (reordered, "pack"),
    "of another kind": (of_another_kind, "label"),
}


@pytest.mark.parametrize("change", GOES_ON)
def test_a_run_that_waits_goes_on_with_the_new_code(face: Face, change: str) -> None:
    text, output = GOES_ON[change]
    assert output_of(with_code(waiting(face), face, text).wake_after("1d")) == output


@pytest.mark.parametrize("change", FAILS)
def test_a_run_that_is_past_the_change_fails_names_the_step_and_begins_nothing_new(face: Face, change: str) -> None:
    text, step = FAILS[change]
    run = waiting(face)
    before = list(run.journal.writes)
    error = error_of(with_code(run, face, text).replay())
    assert (error.name, repr(step) in error.message) == ("ReplayError", True), error
    assert run.journal.writes == before


@pytest.mark.parametrize("text", [text for text, _ in (*GOES_ON.values(), *FAILS.values())])
def test_a_run_that_has_not_begun_runs_the_new_code(face: Face, text: Text) -> None:
    run = MemoryRun(durable(face(text)))
    while (outcome := run.replay()) == Paused():
        run.journal.clock += 86_400_000
    assert isinstance(outcome, Finished)


def test_a_sleep_keeps_its_end(face: Face) -> None:
    async def shorter(ctx: Context) -> str:
        await ctx.step.run("pack", str, "pack")
        await ctx.step.run("label", str, "label")
        await ctx.step.sleep("rest", "1m")
        return await ctx.step.run("ship", str, "ship")

    run = with_code(waiting(face), face, shorter)
    assert run.wake_after("1h") == Paused()
    assert output_of(run.wake_after("23h")) == "ship"


def waits(timeout: str, if_exp: str) -> Text:
    async def order(ctx: Context) -> str | None:
        event = await ctx.step.wait_for_event("paid", event="paid", timeout=timeout, if_exp=if_exp)
        return event.id if event else None

    return order


def test_an_open_wait_keeps_its_deadline_and_its_expression(face: Face) -> None:
    run = waiting(face, waits("2d", "async.data.n > 1"))
    wait = run.step("paid").wait
    assert with_code(run, face, waits("1h", "async.data.n > 100")).wake_after("1d") == Paused()
    assert run.step("paid").wait == wait


def failing(retries: int | None = None, **options: Any) -> Text:
    async def order(ctx: Context) -> None:
        def fail() -> None:
            raise ConnectionError

        await ctx.step.with_options(retries=retries, **options).run("charge", fail)

    return order


def test_retries_and_backoff_are_those_of_the_code_that_makes_the_attempt(face: Face) -> None:
    run = waiting(face, failing(retries=5))
    again = with_code(run, face, failing(retries=5, backoff=["3h"]))
    assert again.wake_after("1h") == Paused()
    due = run.step("charge").due
    assert due is not None
    assert due - run.journal.clock >= 10_800_000
    assert error_of(with_code(run, face, failing(retries=1)).wake_after("4h")).name == "ConnectionError"
    assert run.step("charge").status is Status.FAILED


def test_a_function_may_become_a_plain_def_or_an_async_def() -> None:
    def plain(ctx: ContextSync) -> str:
        ctx.step.run("pack", str, "pack")
        ctx.step.run("label", str, "label")
        ctx.step.sleep("rest", "1d")
        return ctx.step.run("ship", str, "ship")

    run = MemoryRun(durable(old))
    assert run.replay() == Paused()
    as_def: Outcome = MemoryRun(durable(plain), run.journal).wake_after("1d")
    assert output_of(as_def) == "ship"
    assert output_of(MemoryRun(durable(old), run.journal).replay()) == "ship"


def test_a_branch_that_is_added_to_a_group_behind_which_the_run_waits_fails_it(face: Face) -> None:
    def group(*names: str) -> Text:
        async def order(ctx: Context) -> None:
            await ctx.group.parallel([partial(ctx.step.run, name, str, name) for name in names])
            await ctx.step.sleep("rest", "1d")

        return order

    run = waiting(face, group("a", "b"))
    assert isinstance(with_code(run, face, group("b", "a")).wake_after("1d"), Finished), "their order may change"
    run = waiting(face, group("a", "b"))
    error = error_of(with_code(run, face, group("a", "b", "c")).replay())
    assert (error.name, "'rest'" in error.message) == ("ReplayError", True)

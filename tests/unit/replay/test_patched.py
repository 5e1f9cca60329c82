"""``ctx.patched(...)``: runs from before a change keep the old code; every other run takes the new."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tarry import Context, ContextSync, Event
from tarry._engine.interruption import Death
from tarry_backend.replay import Finished, Outcome, Paused, Replayed, Status, Step
from tarry_backend.replay.dry_run import dry_run
from tests.unit.replay.faces import Face, Text
from tests.unit.replay.memory import NOON, START, MemoryJournal, MemoryRun, durable, error_of, output_of

MARK = "tarry/patch/check stock"


async def old(ctx: Context) -> str:
    await ctx.step.run("pack", str, "pack")
    await ctx.step.sleep("rest", "1d")
    return await ctx.step.run("ship", str, "old")


async def new(ctx: Context) -> str:
    await ctx.step.run("pack", str, "pack")
    if await ctx.patched("check stock"):
        await ctx.step.run("check", str, "checked")
        way = "new"
    else:
        way = "old"
    await ctx.step.sleep("rest", "1d")
    return await ctx.step.run("ship", str, way)


async def taken_out(ctx: Context) -> str:
    await ctx.step.run("pack", str, "pack")
    await ctx.step.run("check", str, "checked")
    await ctx.step.sleep("rest", "1d")
    return await ctx.step.run("ship", str, "new")


def keys(run: MemoryRun) -> list[str]:
    return [step.key for step in run.journal.writes]


def goes_on(run: MemoryRun, face: Face, text: Text, **options: Any) -> MemoryRun:
    """The same run, with other code."""
    return MemoryRun(durable(face(text), **options), run.journal)


def test_a_new_run_takes_the_new_code_and_keeps_one_mark(face: Face) -> None:
    run = MemoryRun(durable(face(new)))
    assert run.replay() == Paused()
    assert run.replay() == Paused()
    assert output_of(run.wake_after("1d")) == "new"
    assert keys(run) == ["pack", MARK, "check", "rest", "rest", "ship"]
    mark = run.step(MARK)
    assert (mark.kind, mark.status, mark.output) == ("patch", Status.DONE, "true")


def test_a_run_that_is_past_the_place_keeps_the_old_code_to_its_end(face: Face) -> None:
    run = MemoryRun(durable(face(old)))
    assert run.replay() == Paused()
    run = goes_on(run, face, new)
    assert run.replay() == Paused()
    assert output_of(run.wake_after("1d")) == "old"
    assert output_of(run.replay()) == "old", "the answer is the same where the whole history is given"
    assert MARK not in run.journal.steps


def test_a_run_that_is_not_yet_there_takes_the_new_code(face: Face) -> None:
    async def slow(ctx: Context) -> None:
        await ctx.step.run("pack", str, "pack")
        await ctx.step.sleep("before", "1d")

    async def slow_then_new(ctx: Context) -> bool:
        await slow(ctx)
        return await ctx.patched("check stock")

    run = MemoryRun(durable(face(slow)))
    assert run.replay() == Paused()
    assert output_of(goes_on(run, face, slow_then_new).wake_after("1d")) is True
    assert keys(run) == ["pack", "before", "before", MARK]


@pytest.mark.parametrize("strict", [False, True])
def test_a_mark_that_is_no_longer_asked_for_is_not_missed(face: Face, strict: bool) -> None:
    run = MemoryRun(durable(face(new)))
    assert run.replay() == Paused()
    assert output_of(goes_on(run, face, taken_out, strict=strict).wake_after("1d")) == "new"


def test_an_id_has_one_answer_in_a_run(face: Face) -> None:
    async def twice(ctx: Context) -> list[bool]:
        first = await ctx.patched("check stock")
        await ctx.step.run("pack", str, "pack")
        return [first, await ctx.patched("check stock"), await ctx.patched("other")]

    async def none(ctx: Context) -> None:
        await ctx.step.run("pack", str, "pack")
        await ctx.step.sleep("rest", "1d")

    fresh = MemoryRun(durable(face(twice)))
    assert output_of(fresh.replay()) == [True, True, True]
    assert keys(fresh) == [MARK, "pack", "tarry/patch/other"]
    assert output_of(fresh.replay()) == [True, True, True]

    async def only_pack(ctx: Context) -> None:
        await ctx.step.run("pack", str, "pack")

    past = MemoryRun(durable(face(only_pack)))
    assert isinstance(past.replay(), Finished)
    past = goes_on(past, face, twice)
    assert output_of(past.replay()) == [False, False, True]
    assert output_of(past.replay()) == [False, False, True]


# Two branches, which share a step id. The names of the patches say where they stand.


def branches(*, patched: bool) -> Text:
    async def ship(ctx: Context) -> list[str]:
        async def part(name: str) -> None:
            if patched and await ctx.patched(f"part of {name}"):
                await ctx.step.run(f"{name}: part", str, "")

        async def left() -> str:
            await part("left")
            await ctx.step.run("mail", str, "left")
            await ctx.step.sleep("left: rest", "1h")
            await part("left, later")
            await ctx.step.run("mail", str, "left")
            return "left"

        async def right() -> str:
            await ctx.step.run("mail", str, "right")
            await part("right")
            await ctx.step.sleep("right: rest", "2h")
            await part("right, later")
            return await ctx.step.run("mail", str, "right")

        done = await ctx.group.parallel([left, right])
        await part("end")
        return [*done, await ctx.step.run("end", str, "end")]

    return ship


def to_the_end(run: MemoryRun) -> Outcome:
    """Replays the run until it ends, whatever kills its executor."""
    for _ in range(50):
        try:
            outcome = run.replay(cut_off=True)
        except Death:
            continue
        if outcome != Paused():
            return outcome
        run.journal.clock = min(step.due for step in run.journal.steps.values() if step.due and step.is_open)
    raise AssertionError("the run does not end")


def history_of(text: Text, face: Face, writes: int) -> MemoryJournal:
    """What is stored after so many writes of a run's."""
    run = MemoryRun(durable(face(text)))
    to_the_end(run)
    journal = MemoryJournal()
    for step in run.journal.writes[:writes]:
        journal.keep(step)
    journal.clock = max([NOON, *(step.ended or step.began for step in run.journal.writes[:writes])])
    return journal


def test_wherever_a_run_with_branches_stands_it_goes_on_with_the_patched_code_and_no_step_is_lost(face: Face) -> None:
    """At each prefix of the old history; and each answer is the same at each later replay."""
    whole = len(history_of(branches(patched=False), face, 1_000).writes)
    answers: set[frozenset[str]] = set()
    for writes in range(whole + 1):
        journal = history_of(branches(patched=False), face, writes)
        had = set(journal.steps)
        run = MemoryRun(durable(face(branches(patched=True)), strict=True), journal)
        assert output_of(to_the_end(run)) == ["left", "right", "end"], f"after {writes} writes"
        assert had <= set(journal.steps)
        marks = frozenset(step.key for step in journal.steps.values() if step.is_mark)
        answers.add(marks)
        parts = {f"tarry/patch/part of {key.removesuffix(': part')}" for key in journal.steps if key.endswith(": part")}
        assert parts == marks, "new steps are those of patches with a mark"
        before = list(journal.writes)
        assert output_of(run.replay()) == ["left", "right", "end"]
        assert journal.writes == before
    assert frozenset[str]() in answers, "a run at its end takes no new code"
    assert max(len(marks) for marks in answers) == 5, "a run before its beginning takes all of it"
    assert len(answers) > 3


class Mortal(MemoryJournal):
    """A journal whose executor dies at a write of this number, once: before it takes effect, or after."""

    def __init__(self, number: int, *, effective: bool) -> None:
        super().__init__()
        self._number = number
        self._effective = effective
        self.has_died = False

    def keep(self, step: Step) -> None:
        if len(self.writes) == self._number and not self.has_died:
            self.has_died = True
            if self._effective:
                super().keep(step)
            raise Death
        super().keep(step)


@pytest.mark.parametrize("effective", [False, True], ids=["before", "after"])
def test_wherever_an_executor_dies_the_branches_get_the_results_that_they_had(face: Face, effective: bool) -> None:
    for number in range(100):
        journal = Mortal(number, effective=effective)
        run = MemoryRun(durable(face(branches(patched=True)), strict=True), journal)
        assert output_of(to_the_end(run)) == ["left", "right", "end"], f"write {number}"
        twice = Counter(step.key for step in journal.writes if step.is_mark)
        assert set(twice.values()) <= {1}
        mails = [step.output for key, step in journal.steps.items() if key.startswith("mail")]
        assert sorted(str(mail) for mail in mails) == ['"left"', '"left"', '"right"', '"right"']
        if not journal.has_died:
            break
    assert 15 < number < 99


def test_a_branch_that_asks_for_a_patch_and_loses_its_race_loses_it_again(face: Face) -> None:
    async def ship(ctx: Context) -> str:
        async def quick() -> str:
            return await ctx.step.run("quick", str, "quick")

        async def slow() -> str:
            await ctx.step.run("quick", str, "slow")
            if await ctx.patched("check stock"):
                await ctx.step.sleep("rest", "1d")
            return "slow"

        won: str = await ctx.group.race([quick, slow])
        await ctx.step.sleep("after", "1h")
        return await ctx.step.run("ship", str, won)

    run = MemoryRun(durable(face(ship)))
    assert to_the_end(run) == run.replay()
    assert output_of(run.replay()) == "quick"


def test_check_says_that_new_code_with_a_patch_fits_and_writes_no_mark(face: Face) -> None:
    run = MemoryRun(durable(face(old)))
    assert run.replay() == Paused()
    replayed = Replayed("run-1", START, NOON, started=NOON)
    history = list(run.journal.steps.values())
    assert dry_run(durable(face(new)), replayed, history) is None
    assert dry_run(durable(face(new)), replayed, []) is None
    misfit = dry_run(durable(face(taken_out)), replayed, history)
    assert misfit is not None
    assert misfit.name == "ReplayError"


def test_no_mark_is_kept_once_the_run_is_cancelled_or_its_invocation_nears_its_end(face: Face) -> None:
    run = MemoryRun(durable(face(new)))
    run.journal.is_out_of_time = True
    assert run.replay() == Paused(out_of_time=True)
    run.journal.is_out_of_time, run.journal.cancelled = False, True
    assert run.replay() == Paused()
    assert run.journal.writes == []


def test_a_mark_that_cannot_be_kept_ends_the_invocation_and_the_function_does_not_go_on(face: Face) -> None:
    class ThrottledError(Exception):
        pass

    class Throttled(MemoryJournal):
        def keep(self, step: Step) -> None:
            if step.is_mark:
                raise ThrottledError
            super().keep(step)

    went_on: list[bool] = []

    async def ship(ctx: Context) -> None:
        went_on.append(await ctx.patched("check stock"))

    with pytest.raises(ThrottledError):
        MemoryRun(durable(face(ship)), Throttled()).replay()
    assert went_on == []


def test_a_mark_counts_as_a_step_of_the_run(face: Face) -> None:
    async def ship(ctx: Context) -> None:
        await ctx.step.run("pack", str)
        await ctx.patched("check stock")

    error = error_of(MemoryRun(durable(face(ship)), max_steps=1).replay())
    assert error.name == "LimitError"
    assert MARK in error.message


def test_r15_a_patch_that_is_a_condition_and_is_not_awaited_fails_the_run() -> None:
    async def ship(ctx: Context) -> None:
        if ctx.patched("check stock"):  # type: ignore[truthy-bool]
            await ctx.step.run("check", str)

    error = error_of(MemoryRun(durable(ship)).replay())
    assert error.name == "StepCallError"
    assert "patch 'check stock'" in error.message
    assert "test_patched.py" in error.message


def test_a_patch_cannot_be_asked_for_in_a_steps_body(face: Face) -> None:
    async def ship(ctx: Context) -> None:
        async def body() -> None:
            await ctx.patched("check stock")

        await ctx.step.run("pack", body)

    error = error_of(MemoryRun(durable(face(ship), retries=0)).replay())
    assert error.name == "StepCallError"
    assert "patch 'check stock'" in error.message


def test_a_wait_after_a_patch_sees_what_it_would_see_without(face: Face) -> None:
    async def ship(ctx: Context) -> str | None:
        await ctx.patched("check stock")
        event = await ctx.step.wait_for_event("paid", event="paid", timeout="1d")
        return event.id if event else None

    run = MemoryRun(durable(face(ship)))
    run.journal.clock += 5_000
    run.journal.receive(Event("paid", id="early", ts=NOON))
    run.journal.clock += 5_000
    assert output_of(run.replay()) == "early"


def test_lines_of_the_log_come_once_around_a_patch(face: Face, caplog: pytest.LogCaptureFixture) -> None:
    async def ship(ctx: Context) -> None:
        ctx.logger.warning("before")
        if await ctx.patched("check stock"):
            ctx.logger.warning("new")
        await ctx.step.sleep("rest", "1h")
        ctx.logger.warning("after")

    run = MemoryRun(durable(face(ship)))
    assert run.replay() == Paused()
    assert isinstance(run.wake_after("1h"), Finished)
    assert [record.getMessage() for record in caplog.records] == ["before", "new", "after"]


def test_tasks_of_asyncio_ask_for_patches_too() -> None:
    async def ship(ctx: Context) -> list[bool]:
        return list(await asyncio.gather(ctx.patched("a"), ctx.patched("a"), ctx.patched("b")))

    run = MemoryRun(durable(ship))
    assert output_of(run.replay()) == [True, True, True]
    assert keys(run) == ["tarry/patch/a", "tarry/patch/b"]


def test_threads_of_a_def_ask_for_patches_too() -> None:
    def ship(ctx: ContextSync) -> tuple[bool, ...]:
        ask: Callable[[], bool] = lambda: ctx.patched("a")  # noqa: E731
        return ctx.group.parallel([ask, ask, lambda: ctx.patched("b")])

    run = MemoryRun(durable(ship))
    assert output_of(run.replay()) == [True, True, True]
    assert keys(run) == ["tarry/patch/a", "tarry/patch/b"]

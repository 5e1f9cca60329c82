"""``with_options(at_most_once=True)``: a body that was cut off is never repeated; its step fails."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tarry import Context, StepError, StepInterruptedError, StepTimeoutError, UsageError
from tarry._engine.interruption import Death
from tarry_backend.replay import Failed, Finished, Outcome, Paused, Status, Step
from tests.unit.replay.faces import Face
from tests.unit.replay.memory import MemoryJournal, MemoryRun, durable, error_of, output_of


class Mortal(MemoryJournal):
    """A journal whose executor dies at a write of this number, before it takes effect or after it."""

    def __init__(self, write: int, *, effective: bool) -> None:
        super().__init__()
        self.write: int | None = write
        self._effective = effective

    def keep(self, step: Step) -> None:
        if self.write == len(self.writes):
            self.write = None
            if self._effective:
                super().keep(step)
            raise Death
        super().keep(step)


def charging(body: Callable[..., Any], **options: Any) -> Callable[[Context], Any]:
    """A function of one step that runs at most once, and of one after it."""

    async def ship(ctx: Context) -> Any:
        try:
            charged = await ctx.step.with_options(at_most_once=True, **options).run("charge", body)
        except StepError as error:
            charged = f"{error.name} {error.is_a(StepInterruptedError)}"
        return await ctx.step.run("ship", str, charged)

    return ship


class Body:
    """Counts its calls, then does as it is told."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.calls = 0
        self.error = error

    def __call__(self) -> str:
        self.calls += 1
        if self.error is not None:
            raise self.error
        return "paid"


def replayed(run: MemoryRun) -> Outcome:
    """Replay the run until no executor dies any more."""
    while True:
        try:
            return run.replay(cut_off=True)
        except Death:
            continue


def test_it_is_noted_before_its_body_begins(face: Face) -> None:
    seen: list[Status] = []

    def charge() -> str:
        seen.append(run.step("charge").status)
        return "paid"

    run = MemoryRun(durable(face(charging(charge))))
    assert output_of(run.replay()) == "paid"
    assert seen == [Status.BEGUN]
    assert [(step.key, step.status.value) for step in run.journal.writes] == [
        ("charge", "begun"),
        ("charge", "done"),
        ("ship", "done"),
    ]


def test_a_step_without_the_option_is_written_once(face: Face) -> None:
    async def ship(ctx: Context) -> str:
        return await ctx.step.with_options(retries=0).run("charge", Body())

    run = MemoryRun(durable(face(ship)))
    assert output_of(run.replay()) == "paid"
    assert [step.status for step in run.journal.writes] == [Status.DONE]


#   write 0: begun         write 1: done
#   ▲ nothing is kept      ▲ begun is kept     ▲ all is kept
@pytest.mark.parametrize(
    ("write", "effective", "calls", "ending"),
    [
        pytest.param(0, False, 1, "paid", id="dies before the note"),
        pytest.param(0, True, 0, "StepInterruptedError True", id="dies between the note and the body"),
        pytest.param(1, False, 1, "StepInterruptedError True", id="dies between the body and the kept result"),
        pytest.param(1, True, 1, "paid", id="dies after the kept result"),
    ],
)
def test_wherever_its_executor_dies_its_body_runs_at_most_once(
    face: Face, write: int, effective: bool, calls: int, ending: str
) -> None:
    body = Body()
    run = MemoryRun(durable(face(charging(body))), Mortal(write, effective=effective))
    assert output_of(replayed(run)) == ending
    assert body.calls == calls


def test_if_its_executor_dies_in_the_body_the_step_fails_and_says_so(face: Face) -> None:
    body = Body(Death())
    run = MemoryRun(durable(face(charging(body))))
    with pytest.raises(Death):
        run.replay()
    assert output_of(run.replay(cut_off=True)) == "StepInterruptedError True"
    assert body.calls == 1
    error = run.step("charge").error
    assert error is not None
    assert "Its effect may have taken place, or not" in error.message
    assert output_of(run.replay()) == "StepInterruptedError True", "each replay gives the same"


def test_it_is_not_repeated_either_if_new_code_no_longer_says_so(face: Face) -> None:
    body = Body(Death())
    run = MemoryRun(durable(face(charging(body))))
    with pytest.raises(Death):
        run.replay()

    async def ship(ctx: Context) -> str:
        return await ctx.step.run("charge", body)

    run = MemoryRun(durable(face(ship)), run.journal)
    assert error_of(run.replay(cut_off=True)).name == "StepInterruptedError"
    assert body.calls == 1


def test_an_error_of_its_body_is_not_retried_unless_it_has_retries_of_its_own(face: Face) -> None:
    body = Body(ConnectionError())
    assert output_of(MemoryRun(durable(face(charging(body)))).replay()) == "ConnectionError False"
    assert body.calls == 1

    again = Body(ConnectionError())
    run = MemoryRun(durable(face(charging(again, retries=1))))
    assert run.replay() == Paused()
    again.error = None
    assert output_of(run.wake_after("1h")) == "paid"
    assert [step.status.value for step in run.journal.writes if step.key == "charge"] == [
        "begun",
        "retrying",
        "begun",
        "done",
    ]
    assert again.calls == 2


def test_an_attempt_that_is_cut_off_is_not_repeated_whatever_retries_are_left(face: Face) -> None:
    body = Body(ConnectionError())
    run = MemoryRun(durable(face(charging(body, retries=5))))
    assert run.replay() == Paused()
    body.error = Death()
    run.journal.clock += 3_600_000
    with pytest.raises(Death):
        run.replay()
    assert "after attempt 2 of its body began" in str(_failure_of(run))
    assert body.calls == 2


def _failure_of(run: MemoryRun) -> object:
    assert output_of(run.replay(cut_off=True)) == "StepInterruptedError True"
    return run.step("charge").error


def test_a_timeout_of_it_is_final_since_its_effect_is_unknown(face: Face) -> None:
    async def ship(ctx: Context) -> bool:
        try:
            await ctx.step.with_options(at_most_once=True, retries=5, timeout="20ms").run("charge", asyncio.sleep, 300)
        except StepError as error:
            return error.is_a(StepTimeoutError)
        return False

    assert output_of(MemoryRun(durable(face(ship))).replay()) is True


def test_a_note_that_cannot_be_kept_keeps_the_body_from_beginning(face: Face) -> None:
    class ThrottledError(Exception):
        pass

    class Throttled(MemoryJournal):
        def keep(self, step: Step) -> None:
            if step.status is Status.BEGUN:
                raise ThrottledError
            super().keep(step)

    body = Body()
    run = MemoryRun(durable(face(charging(body))), Throttled())
    with pytest.raises(ThrottledError):
        run.replay()
    assert body.calls == 0


def test_notes_of_parallel_steps_are_kept_side_by_side_and_each_body_runs_once(face: Face) -> None:
    bodies = [Body() for _ in range(5)]

    async def ship(ctx: Context) -> int:
        def branch(n: int) -> Callable[[], Any]:
            return lambda: ctx.step.with_options(at_most_once=True).run(f"charge {n}", bodies[n])

        return len(await ctx.group.parallel([branch(n) for n in range(5)]))

    run = MemoryRun(durable(face(ship)))
    assert output_of(run.replay()) == 5
    assert [body.calls for body in bodies] == [1] * 5
    for step in list(run.journal.steps.values()):  # the executor had died before any end was kept
        run.journal.steps[step.key] = replace(step, status=Status.BEGUN, ended_order=None, ended=None, output=None)
    assert error_of(run.replay(cut_off=True)).name == "StepInterruptedError"
    assert [body.calls for body in bodies] == [1] * 5


def test_a_branch_that_loses_its_race_in_its_body_is_withdrawn_also_if_the_executor_dies_then(face: Face) -> None:
    calls: list[int] = []

    async def charge() -> None:
        calls.append(1)
        await asyncio.sleep(300)

    async def ship(ctx: Context) -> str:
        async def slow() -> str:
            await ctx.step.with_options(at_most_once=True).run("charge", charge)
            return "slow"

        async def quick() -> str:
            return await ctx.step.run("quick", asyncio.sleep, 0.2, "quick")

        won: str = await ctx.group.race([slow, quick])
        return await ctx.step.run("ship", str, won)

    run = MemoryRun(durable(face(ship)))
    assert output_of(run.replay()) == "quick"
    assert run.step("charge").status is Status.WITHDRAWN
    assert output_of(run.replay()) == "quick"

    del run.journal.steps["ship"]  # the executor had died before the loser was withdrawn
    begun = run.step("charge")
    run.journal.steps["charge"] = replace(begun, status=Status.BEGUN, ended_order=None, ended=None)
    assert output_of(run.replay(cut_off=True)) == "quick"
    assert run.step("charge").status is Status.WITHDRAWN
    assert calls == [1]


def test_if_the_run_is_cancelled_before_it_begins_it_does_not_begin(face: Face) -> None:
    body = Body()
    run = MemoryRun(durable(face(charging(body))))
    run.journal.cancelled = True
    assert run.replay() == Paused()
    assert (body.calls, run.journal.writes) == (0, [])


def test_its_other_option_values_are_refused(face: Face) -> None:
    async def ship(ctx: Context) -> None:
        bad: Any = "yes"
        with pytest.raises(UsageError, match="at_most_once='yes'"):
            ctx.step.with_options(at_most_once=bad)

    assert isinstance(MemoryRun(durable(face(ship))).replay(), Finished)


def test_a_function_that_fails_while_the_body_runs_leaves_the_step_interrupted() -> None:
    """Its next attempt finds the note: the body was cut off by the function's own end."""
    release = asyncio.Event()

    async def ship(ctx: Context) -> str:
        begun = asyncio.create_task(ctx.step.with_options(at_most_once=True).run("charge", release.wait))
        await ctx.step.run("pack", asyncio.sleep, 0.1)
        if ctx.attempt == 0:
            raise ConnectionError
        try:
            await begun
        except StepError as error:
            return error.name
        return "paid"

    run = MemoryRun(durable(ship))
    assert isinstance(run.replay(), Failed)
    run.attempt = 1
    assert output_of(run.replay()) == "StepInterruptedError"

"""``tarry.current()``, options of steps, and the class of a step's error."""

import asyncio
from typing import Any

import pytest

import tarry
from tarry import Context, StepError, UsageError
from tarry_backend.replay import Failed, Finished, Paused
from tests.unit.replay.faces import Face
from tests.unit.replay.memory import MemoryRun, durable, error_of, output_of


class PaymentError(Exception):
    pass


class PaymentDeclinedError(PaymentError):
    pass


def test_outside_of_a_run_there_is_no_current_one() -> None:
    assert tarry.current() is None


def test_the_current_run_is_known_in_the_function_in_its_branches_and_in_steps(face: Face) -> None:
    seen: list[tuple[str, str, bool, bool]] = []

    def look(where: str) -> None:
        here = tarry.current()
        assert here is not None
        seen.append((where, here.context.run_id, here.is_in_step, here.is_replaying))

    async def look_async() -> None:
        await asyncio.sleep(0)
        look("async step")

    async def branch() -> None:
        look("branch")

    async def ship(ctx: Context) -> str:
        look("function")
        await ctx.step.run("one", look, "step")
        await ctx.step.run("two", look_async)
        await ctx.group.parallel([branch])
        await ctx.step.sleep("rest", "1d")
        look("end")
        return ctx.run_id

    run = MemoryRun(durable(face(ship)))
    assert isinstance(run.replay(), Paused)
    run_id = seen[0][1]
    assert seen == [
        ("function", run_id, False, False),
        ("step", run_id, True, False),
        ("async step", run_id, True, False),
        ("branch", run_id, False, False),
    ]
    seen.clear()
    run.journal.clock += 86_400_000
    assert output_of(run.replay()) == run_id
    assert [(where, is_replaying) for where, _, _, is_replaying in seen] == [
        ("function", True),
        ("branch", True),
        ("end", False),
    ]
    assert tarry.current() is None


def test_code_that_may_run_in_a_step_or_not_can_make_a_step_where_it_may(face: Face) -> None:
    async def ask(prompt: str) -> str:
        here = tarry.current()
        if here is None or here.is_in_step:
            return prompt.upper()
        answer: Any = here.context.step.run(prompt, str.upper, prompt)
        return await answer if asyncio.iscoroutine(answer) else str(answer)

    async def ship(ctx: Context) -> list[str]:
        return [await ask("a"), await ctx.step.run("tool", ask, "b")]

    assert output_of(MemoryRun(durable(face(ship))).replay()) == ["A", "B"]
    assert asyncio.run(ask("c")) == "C"


def test_with_options_sets_the_retries_of_a_step_and_leaves_all_arguments_to_its_handler(face: Face) -> None:
    tries: list[int] = []

    def fail(retries: int) -> None:
        tries.append(retries)
        raise PaymentError

    async def ship(ctx: Context) -> str:
        try:
            await ctx.step.with_options(retries=0).run("charge", fail, retries=7)
        except StepError as error:
            return error.name
        return ""

    assert output_of(MemoryRun(durable(face(ship))).replay()) == "PaymentError"
    assert tries == [7]


def test_with_options_gives_a_step_more_attempts_than_the_function_has(face: Face) -> None:
    tries: list[int] = []

    def fail() -> None:
        tries.append(1)
        raise PaymentError

    async def ship(ctx: Context) -> None:
        await ctx.step.with_options(retries=2).run("charge", fail)

    run = MemoryRun(durable(face(ship), retries=0))
    while isinstance(run.replay(), Paused):
        run.journal.clock += 3_600_000
    assert len(tries) == 3


def test_options_that_mean_nothing_to_a_tool_are_refused(face: Face) -> None:
    async def ship(ctx: Context) -> None:
        await ctx.step.with_options(retries=1).sleep("rest", "1d")

    assert "with_options(retries=...) is for step.run" in error_of(MemoryRun(durable(face(ship))).replay()).message


@pytest.mark.parametrize("retries", [-1, 21, True, "3"])
def test_retries_of_with_options_are_a_number_from_0_to_20(face: Face, retries: Any) -> None:
    async def ship(ctx: Context) -> None:
        ctx.step.with_options(retries=retries)

    assert "retries=" in error_of(MemoryRun(durable(face(ship))).replay()).message


def test_none_leaves_an_option_as_it_is(face: Face) -> None:
    async def ship(ctx: Context) -> str:
        return await ctx.step.with_options(retries=None).run("pack", str, "x")

    assert output_of(MemoryRun(durable(face(ship))).replay()) == "x"


def test_output_type_collides_with_no_handlers_argument_in_silence(face: Face) -> None:
    def render(output_type: str | None = None) -> str:
        return output_type or "html"

    async def ship(ctx: Context) -> None:
        await ctx.step.run("render", render, output_type="pdf")

    outcome = MemoryRun(durable(face(ship))).replay()
    assert isinstance(outcome, Failed)
    assert "has a parameter of that name" in outcome.error.message


def test_a_step_error_knows_the_class_of_the_error_and_its_bases(face: Face) -> None:
    def charge() -> None:
        raise PaymentDeclinedError("no")

    async def ship(ctx: Context) -> list[bool]:
        try:
            await ctx.step.run("charge", charge)
        except StepError as error:
            kinds = (PaymentDeclinedError, PaymentError, Exception, ValueError, StepError)
            return [error.is_a(kind) for kind in kinds]
        return []

    run = MemoryRun(durable(face(ship), retries=0))
    assert output_of(run.replay()) == [True, True, True, False, False]
    assert output_of(run.replay()) == [True, True, True, False, False]


def test_a_step_error_that_was_stored_without_classes_is_known_by_its_name() -> None:
    assert StepError("charge", "PaymentError", "no").is_a(PaymentError)
    assert not StepError("charge", "OtherError", "no").is_a(PaymentError)


def test_a_quiet_failure_is_known_as_one_however_it_fails_the_run(face: Face) -> None:
    def decline() -> None:
        raise tarry.NonRetriableError("no", quiet=True)

    async def ship(ctx: Context) -> None:
        await ctx.step.run("charge", decline)

    async def ship_loudly(ctx: Context) -> None:
        raise tarry.NonRetriableError("no", quiet=None)

    assert error_of(MemoryRun(durable(face(ship))).replay()).quiet
    assert not error_of(MemoryRun(durable(face(ship_loudly))).replay()).quiet


def test_a_usage_error_of_options_can_be_caught(face: Face) -> None:
    async def ship(ctx: Context) -> str:
        try:
            ctx.step.with_options(retries=99)
        except UsageError:
            return "caught"
        return ""

    assert isinstance(MemoryRun(durable(face(ship))).replay(), Finished)

"""A replay that performs nothing: it says whether a function still fits a run, and stores nothing."""

from typing import Any

import pytest

from tarry import Context, Function
from tarry_backend.replay import Failure, Replayed, Step
from tarry_backend.replay.dry_run import dry_run
from tests.unit.replay.faces import Face, Text
from tests.unit.replay.memory import NOON, START, MemoryRun, durable


def refused(function: Function, history: list[Step]) -> Failure | None:
    return dry_run(function, Replayed("run-1", START, NOON, started=NOON), history)


async def written(ctx: Context) -> Any:
    await ctx.step.run("pay", int, 7)
    await ctx.step.sleep("pause", "1h")
    return await ctx.step.run("ship", int)


def history_of(text: Text, face: Face) -> list[Step]:
    run = MemoryRun(durable(face(text)))
    run.replay()
    return list(run.journal.steps.values())


def test_a_function_that_is_as_it_was_fits_its_run(face: Face) -> None:
    assert refused(durable(face(written)), history_of(written, face)) is None


def test_a_run_that_has_not_begun_fits_and_no_step_begins(face: Face) -> None:
    bodies: list[str] = []

    async def ship(ctx: Context) -> None:
        await ctx.step.run("pay", bodies.append, "pay")

    assert refused(durable(face(ship)), []) is None
    assert bodies == []


@pytest.mark.parametrize("kind", ["sleep", "wait_for_event", "wait_for_signal", "send_event", "invoke_by_id"])
def test_no_step_of_any_kind_begins(face: Face, kind: str) -> None:
    given: dict[str, dict[str, Any]] = {
        "sleep": {"until": "1h"},
        "wait_for_event": {"event": "paid", "timeout": "1h"},
        "wait_for_signal": {"signal": "go", "timeout": "1h"},
        "send_event": {"events": START},
        "invoke_by_id": {"function_id": "pack"},
    }

    async def ship(ctx: Context) -> None:
        if kind in ("sleep", "send_event"):
            await getattr(ctx.step, kind)("one", *given[kind].values())
        else:
            await getattr(ctx.step, kind)("one", **given[kind])

    assert refused(durable(face(ship)), []) is None


def test_a_function_that_ends_before_its_stored_steps_fails(face: Face) -> None:
    async def shortened(ctx: Context) -> None:
        """It asks for nothing."""

    failure = refused(durable(face(shortened)), history_of(written, face))
    assert failure is not None
    assert failure.name == "ReplayError"
    assert "function 'ship' no longer fits its run: the run has stored run step 'pay'" in failure.message


def test_other_arguments_of_a_stored_step_fail_also_a_function_that_is_not_strict(face: Face) -> None:
    async def changed(ctx: Context) -> None:
        await ctx.step.run("pay", int, 8)

    function = durable(face(changed))
    assert not function.strict
    failure = refused(function, history_of(written, face))
    assert failure is not None
    assert failure.name == "ReplayError"


def test_an_error_of_the_function_itself_counts(face: Face) -> None:
    async def broken(ctx: Context) -> None:
        await ctx.step.run("pay", int, 7)
        raise ValueError("no such order")

    failure = refused(durable(face(broken)), history_of(written, face))
    assert failure is not None
    assert (failure.name, failure.message) == ("ValueError", "no such order")

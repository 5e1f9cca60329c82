"""Steps that invoke a function: what they ask of the journal, and how their end is given to the function."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from tarry import Context, StepError
from tarry.durations import Timeout
from tarry_backend.model.event_identity import hashed_id
from tarry_backend.model.position import Position
from tarry_backend.replay import Failed, Failure, InvokeRequest, Paused, Status
from tests.unit.replay.faces import Face
from tests.unit.replay.memory import NOON, MemoryRun, durable, error_of, output_of


async def ship(ctx: Context) -> Any:
    try:
        return await ctx.step.invoke_by_id("packing", function_id="pack", data={"n": 1}, user={"id": 3})
    except StepError as error:
        return [error.step_id, error.name, error.message, error.stack]


def test_the_function_is_started_once_and_its_result_given_at_each_replay(face: Face) -> None:
    run = MemoryRun(durable(face(ship)))
    assert [run.replay(), run.replay()] == [Paused(), Paused()]
    [request] = run.journal.invoked
    assert request == InvokeRequest(
        app_id=None, function_id="pack", event_id=request.event_id, data={"n": 1}, user={"id": 3}
    )
    step = run.step("packing")
    assert (step.kind, step.status, step.due, step.began) == ("invoke", Status.INVOKING, None, NOON)
    assert output_of(run.hear("packing", {"boxes": 2})) == {"boxes": 2}
    assert output_of(run.replay()) == {"boxes": 2}
    assert len(run.journal.invoked) == 1


def test_the_event_that_starts_it_has_an_id_of_this_run_and_step(face: Face) -> None:
    """So a second attempt starts no second run, and another run starts its own."""
    run = MemoryRun(durable(face(ship)))
    run.replay()
    assert [request.event_id for request in run.journal.invoked] == [hashed_id("run-1/packing/0")]


@pytest.mark.parametrize(
    ("given", "what"), [({"data": {"n": {1, 2}}}, "its data"), ({"user": {"id": object()}}, "its user")]
)
def test_what_is_no_json_fails_the_run_and_names_what_it_is(face: Face, given: dict[str, Any], what: str) -> None:
    async def odd(ctx: Context) -> Any:
        return await ctx.step.invoke_by_id("packing", function_id="pack", **given)

    error = error_of(MemoryRun(durable(face(odd))).replay())
    assert error.name == "EventError"
    assert f"step 'packing': {what}" in error.message


def test_a_function_of_another_app_is_asked_for_by_its_app(face: Face) -> None:
    async def other(ctx: Context) -> Any:
        return await ctx.step.invoke_by_id("packing", app_id="store", function_id="pack")

    run = MemoryRun(durable(face(other)))
    run.replay()
    assert [request.app_id for request in run.journal.invoked] == ["store"]


def test_its_error_is_a_step_error_with_the_names_of_the_original(face: Face) -> None:
    run = MemoryRun(durable(face(ship)))
    run.replay()
    caught = ["packing", "ValueError", "no box", "the stack"]
    assert output_of(run.hear("packing", error=Failure("ValueError", "no box", "the stack"))) == caught


def test_an_error_that_is_not_caught_fails_the_run_with_it(face: Face) -> None:
    async def careless(ctx: Context) -> None:
        await ctx.step.invoke_by_id("packing", function_id="pack")

    run = MemoryRun(durable(face(careless)))
    run.replay()
    outcome = run.hear("packing", error=Failure("ValueError", "no box", "the stack"))
    assert outcome == Failed(Failure("ValueError", "no box", "the stack"), final=True)


@pytest.mark.parametrize(
    ("timeout", "due"),
    [
        ("1h", NOON + 3_600_000),
        (datetime.fromtimestamp(NOON / 1000 + 60, UTC), NOON + 60_000),
        (0, NOON),
        ("-1h", NOON),
    ],
)
def test_the_timeout_counts_from_the_steps_beginning(face: Face, timeout: Timeout, due: int) -> None:
    async def order(ctx: Context) -> None:
        await ctx.step.invoke_by_id("packing", function_id="pack", timeout=timeout)

    run = MemoryRun(durable(face(order)))
    assert run.replay() == Paused()
    assert run.step("packing").due == due


@pytest.mark.parametrize(("function_id", "timeout"), [("gone", None), ("pack", "367d"), ("pack", "soon")])
def test_what_cannot_be_invoked_fails_the_run_at_the_step(face: Face, function_id: str, timeout: str | None) -> None:
    async def order(ctx: Context) -> None:
        try:
            await ctx.step.invoke_by_id("packing", function_id=function_id, timeout=timeout)
        except Exception:
            await ctx.step.run("caught", int)

    run = MemoryRun(durable(face(order)))
    assert error_of(run.replay()).message.startswith("step 'packing': ")
    assert run.journal.steps == {}


def test_the_event_is_another_for_each_step_and_the_same_at_each_attempt_of_it(face: Face) -> None:
    async def order(ctx: Context) -> None:
        for _ in range(2):
            await ctx.step.invoke_by_id("packing", function_id="pack")

    first, again = MemoryRun(durable(face(order))), MemoryRun(durable(face(order)))
    first.replay()
    again.replay()
    first.hear("packing")
    [one, two] = first.journal.invoked
    assert one.event_id == again.journal.invoked[0].event_id != two.event_id


def test_in_parallel_all_are_started_and_given_in_the_order_of_their_ends(face: Face) -> None:
    order: list[str] = []

    async def ships(ctx: Context) -> Any:
        async def branch(name: str) -> Any:
            result = await ctx.step.invoke_by_id(name, function_id="pack")
            order.append(name)
            return result

        return await ctx.group.parallel([lambda: branch("a"), lambda: branch("b"), lambda: branch("c")])

    run = MemoryRun(durable(face(ships)))
    assert run.replay() == Paused()
    assert len(run.journal.invoked) == 3
    run.hear("c", 3)
    run.hear("a", 1)
    order.clear()
    assert output_of(run.hear("b", 2)) == [1, 2, 3]
    assert order == ["c", "a", "b"]


def test_a_wait_after_it_looks_from_where_it_began(face: Face) -> None:
    async def order(ctx: Context) -> None:
        await ctx.step.sleep("rest", "1h")
        await ctx.step.invoke_by_id("packing", function_id="pack")
        await ctx.step.wait_for_event("packed", event="packed", timeout="1h")

    run = MemoryRun(durable(face(order)))
    run.replay()
    run.wake_after("2h")
    assert run.hear("packing") == Paused()
    assert run.since("packed") == Position(NOON + 2 * 3_600_000)


def test_a_race_that_it_has_lost_goes_on_without_it() -> None:
    async def order(ctx: Context) -> str:
        packing = asyncio.ensure_future(ctx.step.invoke_by_id("packing", function_id="pack"))
        pause = asyncio.ensure_future(ctx.step.sleep("rest", "1h"))
        await asyncio.wait([packing, pause], return_when=asyncio.FIRST_COMPLETED)
        was_packed = packing.done()
        packing.cancel()
        return "packed" if was_packed else "rested"

    run = MemoryRun(durable(order))
    assert run.replay() == Paused()
    assert output_of(run.wake_after("1h")) == "rested"
    assert run.step("packing").is_open

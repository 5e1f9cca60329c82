"""``continue_as_new`` in memory: how a replay ends whose function asks for a successor, and what its middleware see."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tarry import Context, Event, Middleware
from tarry_backend.replay import Continued, Failed, Outcome
from tests.unit.replay.memory import START, MemoryRun, durable, error_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.unit.replay.faces import Face


async def goes_on(ctx: Context) -> None:
    """Ask for a successor, in either face."""
    asked: Any = ctx.continue_as_new({"order": 8})
    if asked is not None:
        await asked


def successor(outcome: Outcome) -> Event:
    assert isinstance(outcome, Continued), outcome
    return outcome.event


def test_a_successor_begins_with_the_new_data_and_with_the_other_fields_of_the_event(face: Face) -> None:
    assert successor(MemoryRun(durable(face(goes_on))).replay()) == replace(START, data={"order": 8})


def test_a_middleware_changes_the_successors_event_and_hears_that_the_replay_has_finished(face: Face) -> None:
    book: list[object] = []

    class Stamped(Middleware):
        async def before_send_events(self, events: Sequence[Event]) -> Sequence[Event]:
            await asyncio.sleep(0)
            return [replace(event, user={"id": 3}) for event in events]

        def after_send_events(self, events: Sequence[Event], error: BaseException | None) -> None:
            book.append(([event.id for event in events], error))

        def after_execution(self, status: str, error: BaseException | None) -> None:
            book.append((status, error))

    event = successor(MemoryRun(durable(face(goes_on), middleware=[Stamped])).replay())
    assert event == replace(START, data={"order": 8}, user={"id": 3})
    assert book == [([START.id], None), ("finished", None)]


@pytest.mark.parametrize("count", [0, 2])
def test_a_middleware_that_makes_another_number_of_events_fails_the_run(face: Face, count: int) -> None:
    class Copying(Middleware):
        def before_send_events(self, events: Sequence[Event]) -> Sequence[Event]:
            return [*events] * count

    error = error_of(MemoryRun(durable(face(goes_on), middleware=[Copying])).replay())
    assert error.name == "UsageError"
    assert error.message == f"before_send_events made {count} events of the one with which a new run goes on"


def test_a_hook_that_raises_after_the_request_fails_the_replay(face: Face) -> None:
    class Failing(Middleware):
        def after_execution(self, *_: object) -> None:
            raise KeyError("key")

    outcome = MemoryRun(durable(face(goes_on), middleware=[Failing])).replay()
    assert error_of(outcome).message == "middleware Failing.after_execution raised KeyError: 'key'"
    assert isinstance(outcome, Failed)
    assert not outcome.final


async def wait(ctx: Context) -> None:
    await ctx.step.wait_for_event("paid", event="paid", timeout="1d")


def test_a_branch_that_waits_beside_the_request_is_an_error_that_names_its_step(face: Face) -> None:
    async def ship(ctx: Context) -> None:
        await ctx.group.parallel([lambda: wait(ctx), lambda: goes_on(ctx)])

    error = error_of(MemoryRun(durable(face(ship))).replay())
    assert error.name == "StepCallError"
    assert "ctx.continue_as_new was called" in error.message
    assert f"{__file__}, line " in error.message
    assert "while another branch waits for 'paid': await it, or cancel its task" in error.message


def test_a_branch_that_has_lost_its_race_or_was_cancelled_does_not_count_as_one_that_waits(face: Face) -> None:
    async def ship(ctx: Context) -> None:
        async def quick() -> None:
            await ctx.step.run("quick", int)

        for _ in range(3):
            await ctx.group.race([lambda: wait(ctx), quick])
        await goes_on(ctx)

    assert successor(MemoryRun(durable(face(ship))).replay()).data == {"order": 8}


def test_two_branches_that_ask_for_a_successor_are_an_error(face: Face) -> None:
    async def ship(ctx: Context) -> None:
        await ctx.group.parallel([lambda: goes_on(ctx), lambda: goes_on(ctx)])

    error = error_of(MemoryRun(durable(face(ship))).replay())
    assert (error.name, error.message.partition(" (")[0]) == (
        "StepCallError",
        "ctx.continue_as_new was called in two branches",
    )

"""Typed events in a run: what the function is given, and what happens to data that are not of the type.

``assert_type`` is checked by mypy.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, assert_type

import pydantic
import pytest

from tarry import App, Context, ContextSync, Event, EventDataError, TriggerEvent, event_type
from tarry_backend.replay import Failed, Paused
from tests.unit.replay.faces import Face
from tests.unit.replay.memory import START, MemoryRun, durable, error_of, output_of


@event_type(START.name)
@dataclass(frozen=True)
class Placed:
    order: int


@event_type(START.name)
@dataclass(frozen=True)
class PlacedByName:
    order: str


@event_type("order/paid")
class Paid(pydantic.BaseModel):
    total: float


def run_of(handler: Any, *kinds: str | type[Any]) -> MemoryRun:
    function = App("shop").create_function(fn_id="ship", trigger=[TriggerEvent(event=kind) for kind in kinds])(handler)
    return MemoryRun(function)


def test_data_is_an_instance_of_the_triggers_type_and_the_event_stays_plain(face: Face) -> None:
    async def ship(ctx: Context[Placed]) -> list[Any]:
        assert_type(ctx.data, Placed)
        assert ctx.data == Placed(7)
        return [ctx.data.order, ctx.event.data]

    assert output_of(run_of(face(ship), Placed).replay()) == [7, {"order": 7}]


def test_without_a_type_data_are_the_plain_ones(face: Face) -> None:
    async def ship(ctx: Context) -> bool:
        assert_type(ctx.data, Any)
        return ctx.data is ctx.event.data

    assert output_of(run_of(face(ship), START.name).replay()) is True


@pytest.mark.parametrize(
    ("kinds", "order"), [((Paid, Placed), 7), (("shop/*", Placed), 7), ((Paid, START.name), None), ((Paid,), None)]
)
def test_of_several_triggers_the_one_of_the_events_name_counts(
    face: Face, kinds: tuple[str | type[Any], ...], order: int | None
) -> None:
    async def ship(ctx: Context) -> int | None:
        return None if isinstance(ctx.data, Mapping) else ctx.data.order

    assert output_of(run_of(face(ship), *kinds).replay()) == order


def test_data_that_are_not_of_the_type_fail_the_run_before_the_function_is_called(face: Face) -> None:
    called: list[str] = []

    async def ship(ctx: Context[PlacedByName]) -> None:
        called.append(ctx.data.order)

    outcome = run_of(face(ship), PlacedByName).replay()
    assert isinstance(outcome, Failed)
    assert outcome.final
    assert outcome.error.name == "EventDataError"
    problem = "data.order: expected text, found a whole number"
    said = f"event 'shop/order.placed' (start) does not fit type PlacedByName: {problem}"
    assert outcome.error.message == said
    assert called == []


async def awaits_payment(ctx: Context) -> float | None:
    paid = await ctx.step.wait_for_event("paid", event=Paid, timeout="1d")
    assert_type(paid, Paid | None)
    return paid.total if paid else None


async def awaits_payment_carefully(ctx: Context) -> str:
    try:
        await ctx.step.wait_for_event("paid", event=Paid, timeout="1d")
    except EventDataError as error:
        await ctx.step.wait_for_event("again", event="again", timeout="1d")
        return str(error)
    return "paid"


def test_a_wait_gives_an_instance_of_its_type_and_the_same_at_each_replay(face: Face) -> None:
    run = MemoryRun(durable(face(awaits_payment)))
    assert run.replay() == Paused()
    assert output_of(run.receive("order/paid", total=9.5)) == 9.5
    assert output_of(run.replay()) == 9.5


def test_a_wait_by_type_gives_none_at_its_deadline(face: Face) -> None:
    run = MemoryRun(durable(face(awaits_payment)))
    run.replay()
    assert output_of(run.time_out("paid")) is None


def test_an_event_that_the_log_held_already_is_an_instance_too(face: Face) -> None:
    run = MemoryRun(durable(face(awaits_payment)))
    run.journal.clock += 1
    run.journal.receive(Event("order/paid", {"total": 9.5}, id="e1"))
    assert output_of(run.replay()) == 9.5


def test_an_event_of_another_form_is_raised_at_the_wait_and_fails_the_run_for_good(face: Face) -> None:
    run = MemoryRun(durable(face(awaits_payment)))
    run.replay()
    outcome = run.receive("order/paid", "e7", total="much")
    assert isinstance(outcome, Failed)
    assert outcome.final
    assert error_of(outcome).name == "EventDataError"
    assert error_of(outcome).message.startswith("event 'order/paid' (e7) does not fit type Paid: data.total:")


def test_it_may_be_caught_and_is_raised_again_at_each_replay(face: Face) -> None:
    run = MemoryRun(durable(face(awaits_payment_carefully)))
    run.replay()
    assert run.receive("order/paid", "e7", total="much") == Paused()
    said = output_of(run.receive("again", "e8"))
    assert said.startswith("event 'order/paid' (e7) does not fit type Paid")
    assert output_of(run.replay()) == said


def test_a_step_sends_instances_mixed_with_events(face: Face) -> None:
    async def ship(ctx: Context) -> None:
        await ctx.step.send_event("one", Paid(total=1))
        await ctx.step.send_event("more", [Event.of(Paid(total=2), user={"id": 3}), Placed(7), Event("seen")])

    run = MemoryRun(durable(face(ship)))
    run.replay()
    assert [(event.name, event.data, event.user) for event in run.journal.sent] == [
        ("order/paid", {"total": 1.0}, None),
        ("order/paid", {"total": 2.0}, {"id": 3}),
        (START.name, {"order": 7}, None),
        ("seen", {}, None),
    ]
    assert len({event.id for event in run.journal.sent} - {""}) == 4


def test_a_plain_def_has_the_same_types() -> None:
    def ship(ctx: ContextSync[Placed]) -> float | None:
        assert_type(ctx.data, Placed)
        paid = ctx.step.wait_for_event("paid", event=Paid, timeout="1d")
        assert_type(paid, Paid | None)
        named = ctx.step.wait_for_event("named", event="order/paid", timeout=0)
        assert_type(named, Event | None)
        return paid.total if paid else None

    run = run_of(ship, Placed)
    run.replay()
    assert output_of(run.receive("order/paid", total=9.5)) == 9.5

"""``wait_for_events``: each event is a step, each wait goes on where the last left off, up to one deadline."""

from typing import Any

import pytest

from tarry import Context, Event
from tarry_backend.replay import Paused
from tests.unit.replay.faces import Face
from tests.unit.replay.memory import NOON, MemoryRun, durable, output_of

HOUR = 3_600_000


async def two(ctx: Context) -> Any:
    return [each.id for each in await ctx.step.wait_for_events("bids", event="bid", timeout="1h", count=2)]


async def all_of_an_hour(ctx: Context) -> Any:
    events = await ctx.step.wait_for_events("bids", event="bid", timeout="1h", lookback="5m")
    return [each.data["n"] for each in events]


async def until_ten(ctx: Context) -> Any:
    def enough(events: list[Event]) -> bool:
        return bool(sum(each.data["n"] for each in events) >= 10)

    return len(await ctx.step.wait_for_events("bids", event="bid", timeout="1h", until=enough))


def test_it_ends_with_the_count_and_each_event_is_a_step(face: Face) -> None:
    run = MemoryRun(durable(face(two)))
    assert run.replay() == Paused()
    assert run.receive("bid", "a") == Paused()
    assert output_of(run.receive("bid", "b")) == ["a", "b"]
    assert list(run.journal.steps) == ["bids", "bids:1"]
    assert output_of(run.replay()) == ["a", "b"]


def test_each_wait_has_the_deadline_of_the_first_and_looks_on_from_its_event(face: Face) -> None:
    run = MemoryRun(durable(face(all_of_an_hour)))
    run.replay()
    for event_id in "abc":
        run.receive("bid", event_id, n=1)
    waits = [step.wait for step in run.journal.steps.values() if step.wait]
    assert [wait.deadline for wait in waits] == [NOON + HOUR] * 4
    assert waits[0].since.received_at == NOON - 300_000
    assert [wait.since for wait in waits[1:]] == [wait.left_off for wait in waits[:-1]]


def test_at_the_deadline_it_gives_the_events_so_far(face: Face) -> None:
    run = MemoryRun(durable(face(all_of_an_hour)))
    run.replay()
    run.receive("bid", "a", n=1)
    run.receive("bid", "b", n=2)
    assert output_of(run.time_out("bids:2")) == [1, 2]


def test_no_event_by_the_deadline_is_an_empty_list(face: Face) -> None:
    run = MemoryRun(durable(face(all_of_an_hour)))
    run.replay()
    assert output_of(run.time_out("bids")) == []


@pytest.mark.parametrize(("bids", "count"), [([10], 1), ([9, 1], 2), ([4, 4, 4], 3)])
def test_it_ends_once_a_function_of_the_events_is_true(face: Face, bids: list[int], count: int) -> None:
    run = MemoryRun(durable(face(until_ten)))
    run.replay()
    for place, bid in enumerate(bids[:-1]):
        assert run.receive("bid", f"e{place}", n=bid) == Paused()
    assert output_of(run.receive("bid", "last", n=bids[-1])) == count

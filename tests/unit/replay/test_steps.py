"""Steps: each runs once, and what it gave is given again. Every test is made for both faces."""

import asyncio
import threading
import time
from functools import partial

import pytest

from tarry import Context, Event, Function
from tarry_backend.model.event_identity import hashed_id
from tarry_backend.replay import Paused, Status
from tests.unit.replay.faces import Face, Text
from tests.unit.replay.memory import START, MemoryJournal, MemoryRun, durable, error_of, output_of


def test_r1_bodies_run_once_and_the_code_between_them_at_each_replay(face: Face) -> None:
    ran: list[str] = []

    async def ship(ctx: Context) -> str:
        ran.append("outside")
        await ctx.step.run("reserve", ran.append, "reserve")
        await ctx.step.run("charge", ran.append, "charge")
        paid = await ctx.step.wait_for_event("paid", event="paid", timeout="1d")
        await ctx.step.run("send", ran.append, "send")
        return paid.id if paid else "nobody paid"

    run = MemoryRun(durable(face(ship)))
    assert run.replay() == Paused()
    assert ran == ["outside", "reserve", "charge"]
    assert output_of(run.receive("paid", "e7")) == "e7"
    assert ran == ["outside", "reserve", "charge", "outside", "send"]


def test_a_function_without_steps_returns(face: Face) -> None:
    async def ship(ctx: Context) -> object:
        return [ctx.event.data["order"], ctx.event.name, ctx.run_id, ctx.attempt]

    assert output_of(MemoryRun(durable(face(ship))).replay()) == [7, START.name, "run-1", 0]


def test_a_run_that_has_finished_gives_the_same_output_again_and_writes_nothing(face: Face) -> None:
    async def ship(ctx: Context) -> list[int]:
        return [await ctx.step.run("count", lambda n: n + 1, n) for n in range(3)]

    run = MemoryRun(durable(face(ship)))
    first = run.replay()
    writes = list(run.journal.writes)
    assert run.replay() == first
    assert run.journal.writes == writes


def test_a_body_gets_its_arguments_and_may_be_a_coroutine_function_or_give_an_awaitable(face: Face) -> None:
    async def area(width: int, *, height: int) -> int:
        await asyncio.sleep(0)
        return width * height

    class Area:
        async def __call__(self, width: int, *, height: int) -> int:
            return await area(width, height=height)

    def plain(width: int, *, height: int) -> int:
        return width * height

    async def ship(ctx: Context) -> list[int]:
        return [
            await ctx.step.run("plain", plain, 2, height=3),
            await ctx.step.run("async", area, 2, height=4),
            await ctx.step.run("object", Area(), 2, height=5),
            await ctx.step.run("lambda", lambda: area(2, height=6)),
        ]

    assert output_of(MemoryRun(durable(face(ship))).replay()) == [6, 8, 10, 12]


def test_a_plain_body_has_a_thread_of_its_own(face: Face) -> None:
    async def ship(ctx: Context) -> bool:
        return await ctx.step.run("where", threading.get_ident) == threading.get_ident()

    assert output_of(MemoryRun(durable(face(ship))).replay()) is False


def test_r2_a_step_that_was_not_kept_runs_again_and_no_other(face: Face) -> None:
    ran: list[str] = []

    async def ship(ctx: Context) -> None:
        await ctx.step.run("reserve", ran.append, "reserve")
        await ctx.step.run("charge", ran.append, "charge")

    run = MemoryRun(durable(face(ship)))
    run.replay()
    del run.journal.steps["charge"]  # the Lambda had died before it was kept
    run.replay()
    assert ran == ["reserve", "charge", "charge"]


def test_r6_an_id_that_comes_again_gets_an_index(face: Face) -> None:
    async def ship(ctx: Context) -> list[int]:
        return [await ctx.step.run("pack", lambda n: n * n, n) for n in (2, 3, 4)]

    run = MemoryRun(durable(face(ship)))
    assert output_of(run.replay()) == [4, 9, 16]
    assert list(run.journal.steps) == ["pack", "pack:1", "pack:2"]
    assert output_of(run.replay()) == [4, 9, 16]


def test_r6_a_loop_of_a_thousand_rounds_under_one_id_costs_no_more_than_under_many() -> None:
    async def ship(ctx: Context, step_id: str = "pack") -> None:
        for n in range(1000):
            await ctx.step.run(step_id.format(n), asyncio.sleep, 0)

    def seconds(handler: Text) -> float:
        run = MemoryRun(durable(handler))
        run.replay()
        return min(timed(run) for _ in range(3))

    def timed(run: MemoryRun) -> float:
        began = time.process_time()
        run.replay()
        return time.process_time() - began

    assert seconds(ship) < 3 * seconds(partial(ship, step_id="pack {}"))


def test_r6_an_id_that_looks_like_an_index_is_a_step_of_its_own(face: Face) -> None:
    async def ship(ctx: Context) -> list[int]:
        return [await ctx.step.run(step_id, int, n) for n, step_id in enumerate(["a", "a", "a:1", "a"])]

    run = MemoryRun(durable(face(ship)))
    assert output_of(run.replay()) == [0, 1, 2, 3]
    assert list(run.journal.steps) == ["a", "a:1", "a:1:1", "a:2"]
    assert output_of(run.replay()) == [0, 1, 2, 3]


def test_r6_an_index_that_another_step_has_as_its_id_is_left_out(face: Face) -> None:
    async def ship(ctx: Context) -> list[int]:
        return [await ctx.step.run(step_id, int, n) for n, step_id in enumerate(["a", "a:2", "a", "a"])]

    run = MemoryRun(durable(face(ship)))
    assert output_of(run.replay()) == [0, 1, 2, 3]
    assert list(run.journal.steps) == ["a", "a:2", "a:1", "a:3"]


def test_a_sleep_goes_on_when_it_is_over_and_is_written_twice(face: Face) -> None:
    async def ship(ctx: Context) -> str:
        await ctx.step.sleep("overnight", "8h")
        return "rested"

    run = MemoryRun(durable(face(ship)))
    assert run.replay() == Paused()
    assert run.wake_after("7h") == Paused()
    assert output_of(run.wake_after("1h")) == "rested"
    assert [step.status for step in run.journal.writes] == [Status.SLEEPING, Status.DONE]


@pytest.mark.parametrize("pause", [0, "-1h"])
def test_a_sleep_that_is_over_already_is_written_once(face: Face, pause: int | str) -> None:
    async def ship(ctx: Context) -> str:
        await ctx.step.sleep("not at all", pause)
        return "awake"

    run = MemoryRun(durable(face(ship)))
    assert output_of(run.replay()) == "awake"
    assert [step.status for step in run.journal.writes] == [Status.DONE]


def test_a_sleep_keeps_its_end_when_the_code_changes(face: Face) -> None:
    def sleeping(pause: str) -> Function:
        async def ship(ctx: Context) -> str:
            await ctx.step.sleep("pause", pause)
            return "awake"

        return durable(face(ship))

    run = MemoryRun(sleeping("1h"))
    run.replay()
    run.function = sleeping("3h")
    assert run.wake_after("59m") == Paused()
    assert output_of(run.wake_after("1m")) == "awake"
    assert run.step("pause").output == "null"


def test_a_sent_event_has_the_same_id_at_each_attempt(face: Face) -> None:
    async def ship(ctx: Context) -> list[str]:
        return await ctx.step.send_event("tell", [Event("sent", {"n": 1}), Event("sent", {"n": 2}, id="mine")])

    run = MemoryRun(durable(face(ship)))
    ids = output_of(run.replay())
    assert ids == [event.id for event in run.journal.sent]
    assert ids[1] == "mine"
    run.journal.steps.clear()
    assert output_of(run.replay()) == ids
    assert len(set(ids)) == 2


def test_different_steps_and_places_send_different_ids(face: Face) -> None:
    async def ship(ctx: Context) -> list[str]:
        first = await ctx.step.send_event("tell", [Event("sent"), Event("sent")])
        return first + await ctx.step.send_event("tell", Event("sent"))

    ids = output_of(MemoryRun(durable(face(ship))).replay())
    assert ids == [hashed_id(f"run-1/{place}") for place in ("tell/0", "tell/1", "tell:1/0")]
    assert len(set(ids)) == 3


def test_r12_when_time_is_short_no_step_begins_and_the_rest_waits_for_another_invocation(face: Face) -> None:
    ran: list[int] = []
    journal = MemoryJournal()

    def work(n: int) -> int:
        ran.append(n)
        journal.is_out_of_time = len(ran) % 4 == 0
        return n

    async def ship(ctx: Context) -> list[int]:
        return [await ctx.step.run("work", work, n) for n in range(10)]

    run = MemoryRun(durable(face(ship)), journal)
    for done in (4, 8):
        journal.is_out_of_time = False
        assert run.replay() == Paused(out_of_time=True)
        assert ran == list(range(done))
    journal.is_out_of_time = False
    assert output_of(run.replay()) == ran == list(range(10))


def test_short_time_does_not_keep_kept_steps_from_being_given_nor_a_function_from_ending(face: Face) -> None:
    async def ship(ctx: Context) -> str:
        return await ctx.step.run("work", lambda: "done")

    run = MemoryRun(durable(face(ship)))
    run.replay()
    run.journal.is_out_of_time = True
    assert output_of(run.replay()) == "done"


def test_a_step_over_the_limit_of_steps_fails_the_run_and_the_error_names_both(face: Face) -> None:
    async def ship(ctx: Context) -> None:
        for n in range(5):
            await ctx.step.run("work", int, n)

    run = MemoryRun(durable(face(ship)), max_steps=4)
    error = error_of(run.replay())
    assert error.name == "LimitError"
    assert "'work:4'" in error.message
    assert "at most 4" in error.message
    assert len(run.journal.steps) == 4


def test_the_limit_of_steps_counts_those_of_former_invocations(face: Face) -> None:
    async def ship(ctx: Context) -> None:
        await ctx.step.run("before", int)
        await ctx.step.wait_for_event("paid", event="paid", timeout="1d")
        await ctx.step.run("after", int)

    run = MemoryRun(durable(face(ship)), max_steps=2)
    assert run.replay() == Paused()
    assert "'after'" in error_of(run.receive("paid")).message

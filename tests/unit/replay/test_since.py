"""Contract 3 in functions: nothing falls between two steps, in a sequence and in branches."""

import asyncio
from collections.abc import Sequence

import pytest

from tarry import Context, Event
from tarry.durations import Duration
from tarry_backend.model.position import Position
from tarry_backend.replay import Paused
from tests.unit.replay.faces import Face
from tests.unit.replay.memory import NOON, START, MemoryJournal, MemoryRun, durable, error_of, output_of

SECOND = 1000
MINUTE = 60 * SECOND


class BusyJournal(MemoryJournal):
    """A journal with the bodies of steps that take time and bring events."""

    def work(self, seconds: int, *events: str) -> None:
        """Takes that long; the events come a second before its end."""
        self.clock += (seconds - 1) * SECOND
        for event_id in events:
            self.receive(Event("paid", {}, id=event_id))
        self.clock += SECOND


async def paid(ctx: Context, step_id: str = "paid", within: Duration = "1h", lookback: Duration | None = None) -> str:
    event = await ctx.step.wait_for_event(step_id, event="paid", timeout=within, lookback=lookback)
    return event.id if event else "nobody"


def test_w4_an_event_that_came_while_the_step_before_ran_is_seen(face: Face) -> None:
    journal = BusyJournal()

    async def ship(ctx: Context) -> str:
        await ctx.step.run("ask", journal.work, 60, "e1")
        return await paid(ctx)

    assert output_of(MemoryRun(durable(face(ship)), journal).replay()) == "e1"


def test_w4_an_event_that_the_step_before_sent_is_seen_with_the_whole_of_it(face: Face) -> None:
    async def ship(ctx: Context) -> list[object]:
        await ctx.step.send_event("tell", Event("paid", {"n": 1}, id="mine", user={"id": 3}))
        journal.receive(journal.sent[-1])
        event = await ctx.step.wait_for_event("paid", event="paid", timeout="1h")
        return [event.name, event.data, event.id, event.user] if event else []

    journal = BusyJournal()
    journal.clock += 1
    assert output_of(MemoryRun(durable(face(ship)), journal).replay()) == ["paid", {"n": 1}, "mine", {"id": 3}]


@pytest.mark.parametrize(
    ("lookback", "seen"), [(None, "nobody"), ("10m", "nobody"), ("3h", "early"), (0, "nobody")], ids=str
)
def test_w5_an_event_from_before_the_previous_step_is_seen_only_with_lookback(
    face: Face, lookback: Duration | None, seen: str
) -> None:
    journal = BusyJournal()

    async def ship(ctx: Context) -> str:
        await ctx.step.run("load", journal.work, 3600, "early")
        await ctx.step.run("ask", journal.work, 1800)
        return await paid(ctx, within=0, lookback=lookback)

    assert output_of(MemoryRun(durable(face(ship)), journal).replay()) == seen


def test_w5_with_lookback_0_not_even_the_previous_steps_answer_is_seen(face: Face) -> None:
    journal = BusyJournal()

    async def ship(ctx: Context) -> str:
        await ctx.step.run("ask", journal.work, 60, "e1")
        return await paid(ctx, lookback=0)

    run = MemoryRun(durable(face(ship)), journal)
    assert run.replay() == Paused()
    assert output_of(run.receive("paid", "e2")) == "e2"


@pytest.mark.parametrize("lookback", [None, "7d"])
def test_w15_a_function_that_waits_for_the_name_which_started_it_is_not_resumed_by_its_own_start(
    face: Face, lookback: Duration | None
) -> None:
    async def ship(ctx: Context) -> str | None:
        again = await ctx.step.wait_for_event("again", event=START.name, timeout="1h", lookback=lookback)
        return again.id if again else None

    run = MemoryRun(durable(face(ship)))
    run.journal.receive(START)
    assert run.replay() == Paused()
    assert run.receive(START.name, START.id) == Paused(), "delivered once more"
    assert output_of(run.receive(START.name, "another")) == "another"


@pytest.mark.parametrize(("lookback", "seen"), [(None, "nobody"), ("3h", "e1")], ids=str)
def test_w21_an_event_during_the_sleep_before_is_seen_only_with_lookback(
    face: Face, lookback: Duration | None, seen: str
) -> None:
    async def ship(ctx: Context) -> str:
        await ctx.step.sleep("overnight", "2h")
        return await paid(ctx, within=0, lookback=lookback)

    run = MemoryRun(durable(face(ship)))
    assert run.replay() == Paused()
    assert run.receive("paid", "e1") == Paused()
    assert output_of(run.wake_after("2h")) == seen


def test_an_event_that_came_after_the_sleeps_end_but_before_it_was_woken_is_seen(face: Face) -> None:
    async def ship(ctx: Context) -> str:
        await ctx.step.sleep("overnight", "2h")
        return await paid(ctx)

    run = MemoryRun(durable(face(ship)))
    assert run.replay() == Paused()
    run.journal.clock += 2 * 60 * MINUTE + SECOND
    assert output_of(run.receive("paid", "e1")) == "e1"


@pytest.mark.parametrize("pause", [0, "-2h"])
def test_a_sleep_that_was_over_before_it_began_does_not_reach_back(face: Face, pause: Duration) -> None:
    journal = BusyJournal()

    async def ship(ctx: Context) -> str:
        await ctx.step.run("load", journal.work, 3600, "early")
        await ctx.step.sleep("not at all", pause)
        return await paid(ctx, within=0)

    assert output_of(MemoryRun(durable(face(ship)), journal).replay()) == "nobody"


def test_w25_after_a_timeout_an_event_of_the_step_between_is_seen(face: Face) -> None:
    journal = BusyJournal()

    async def ship(ctx: Context) -> list[str]:
        first = await paid(ctx, "first")
        await ctx.step.run("remind", journal.work, 60, "e1")
        return [first, await paid(ctx, "second")]

    run = MemoryRun(durable(face(ship)), journal)
    assert run.replay() == Paused()
    assert output_of(run.time_out("first")) == ["nobody", "e1"]


def test_w25_after_a_timeout_nothing_from_before_the_deadline_is_seen(face: Face) -> None:
    async def ship(ctx: Context) -> list[str]:
        first = await paid(ctx, "first")
        await ctx.step.run("remind", int)
        return [first, await paid(ctx, "second", within=0)]

    run = MemoryRun(durable(face(ship)))
    assert run.replay() == Paused()
    run.journal.clock += MINUTE
    run.journal.log.append((Position(run.journal.clock, "e1"), Event("paid", id="e1")))  # it did not match then
    assert output_of(run.time_out("first")) == ["nobody", "nobody"]


@pytest.mark.parametrize("timeout", [0, "-1d"])
def test_w18_a_timeout_of_zero_or_less_gives_what_the_log_holds_at_once(face: Face, timeout: Duration) -> None:
    journal = BusyJournal()

    async def ship(ctx: Context) -> list[str]:
        await ctx.step.run("ask", journal.work, 60, "e1")
        return [await paid(ctx, "first", timeout), await paid(ctx, "second", timeout)]

    assert output_of(MemoryRun(durable(face(ship)), journal).replay()) == ["e1", "nobody"]


def test_w16_a_loop_of_waits_over_a_burst_sees_each_event_once_and_in_the_logs_order(face: Face) -> None:
    async def ship(ctx: Context) -> list[str]:
        seen = []
        for _ in range(20):
            seen.append(await paid(ctx))
            await ctx.step.run("note", int)
        return seen

    run = MemoryRun(durable(face(ship)))
    assert run.replay() == Paused()
    ids = [f"e{n:02}" for n in range(20)]
    run.journal.clock += SECOND
    for event_id in ids:
        run.journal.receive(Event("paid", id=event_id))
    assert output_of(run.replay()) == ids


def test_w10_an_event_that_was_overtaken_by_a_second_is_seen_by_the_next_wait(face: Face) -> None:
    async def ship(ctx: Context) -> list[str]:
        return [await paid(ctx, "first"), await paid(ctx, "second")]

    run = MemoryRun(durable(face(ship)))
    assert run.replay() == Paused()
    run.journal.clock += 5 * SECOND
    assert run.receive("paid", "late") == Paused()
    run.journal.log.append((Position(run.journal.clock - SECOND, "overtaken"), Event("paid", id="overtaken")))
    del run.journal.steps["second"]  # its wait was not kept before the event was logged
    assert output_of(run.replay()) == ["late", "overtaken"]


# Branches.


def test_w12_two_branches_that_wait_for_the_same_event_both_have_it(face: Face) -> None:
    async def ship(ctx: Context) -> list[str]:
        return list(await ctx.group.parallel([lambda: paid(ctx, "first"), lambda: paid(ctx, "second")]))

    run = MemoryRun(durable(face(ship)))
    assert run.replay() == Paused()
    assert output_of(run.receive("paid", "e1")) == ["e1", "e1"]


class LoopJournal(MemoryJournal):
    """A bus that brings at once what is put on it."""

    def send(self, events: Sequence[Event]) -> None:
        super().send(events)
        self.clock += 1
        for event in events:
            self.receive(event)


@pytest.mark.parametrize("wait_first", [False, True])
def test_w17_a_wait_beside_the_step_that_sends_its_event_has_it(face: Face, wait_first: bool) -> None:
    async def ship(ctx: Context) -> list[object]:
        branches = [lambda: ctx.step.send_event("tell", Event("paid", id="mine")), lambda: paid(ctx)]
        return list(await ctx.group.parallel(branches[::-1] if wait_first else branches))

    run = MemoryRun(durable(face(ship)), LoopJournal())
    run.replay()
    assert "mine" in output_of(run.replay())


def test_a_branch_goes_by_what_it_did_itself(face: Face) -> None:
    journal = BusyJournal()

    async def ship(ctx: Context) -> None:
        async def branch(name: str) -> None:
            await ctx.step.run(f"ask {name}", journal.work, 10)
            await ctx.step.sleep(f"pause {name}", "1h" if name == "a" else "2h")
            await ctx.step.run(f"ask {name} again", int)
            await paid(ctx, f"paid {name}")

        async def idle() -> None:
            await paid(ctx, "paid idle")

        await ctx.step.run("before", journal.work, 60)
        await ctx.group.parallel([lambda: branch("a"), lambda: branch("b"), idle])

    run = MemoryRun(durable(face(ship)), journal)
    run.replay()
    run.wake_after("1h")
    run.wake_after("1h")
    assert run.since("paid idle") == Position(run.step("before").began)
    assert run.since("paid a") == Position(run.step("ask a again").began)
    assert run.since("paid b") == Position(run.step("ask b again").began)
    assert run.since("paid a") < run.since("paid b")


def test_after_a_group_a_wait_looks_from_the_earliest_that_its_branches_left(face: Face) -> None:
    async def ship(ctx: Context) -> None:
        await ctx.group.parallel([lambda: ctx.step.sleep("short", "1h"), lambda: ctx.step.sleep("long", "2h")])
        await paid(ctx)

    run = MemoryRun(durable(face(ship)))
    run.replay()
    run.wake_after("1h")
    run.wake_after("1h")
    assert run.since("paid") == Position(NOON + 60 * MINUTE)


def test_after_a_gather_a_wait_looks_from_before_it() -> None:
    async def ship(ctx: Context) -> None:
        await ctx.step.run("before", int)
        await asyncio.gather(ctx.step.sleep("short", "1h"), ctx.step.sleep("long", "2h"))
        await paid(ctx)

    run = MemoryRun(durable(ship))
    run.replay()
    run.wake_after("2h")
    assert run.since("paid") == Position(run.step("before").began)


def test_a_kept_wait_keeps_its_since_though_the_run_is_replayed_later(face: Face) -> None:
    async def ship(ctx: Context) -> None:
        await paid(ctx, lookback="1h")

    run = MemoryRun(durable(face(ship)))
    run.replay()
    before = run.step("paid")
    run.wake_after("30m")
    assert run.step("paid") == before
    assert run.journal.writes == [before]


def test_a_lookback_into_the_future_fails_the_run_at_the_wait(face: Face) -> None:
    async def ship(ctx: Context) -> None:
        await paid(ctx, lookback="-1h")

    error = error_of(MemoryRun(durable(face(ship))).replay())
    assert error.name == "DurationError"
    assert "step 'paid'" in error.message

"""What a wait asks of the journal: all that the function has said of it, and where it begins to look."""

from typing import Any

from pydantic import BaseModel

from tarry import Context, EventMatch, event_type
from tarry_backend.replay import Paused, Step, WaitRequest
from tests.unit.replay.faces import Face
from tests.unit.replay.memory import NOON, MemoryJournal, MemoryRun, durable, output_of

DAY = 86_400_000


@event_type("paid")
class Paid(BaseModel):
    order: str


class AskedJournal(MemoryJournal):
    """A journal that keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[WaitRequest] = []

    def open_wait(self, step: Step, request: WaitRequest) -> Step:
        self.requests.append(request)
        return super().open_wait(step, request)


def asked(face: Face, handler: Any) -> list[WaitRequest]:
    journal = AskedJournal()
    assert MemoryRun(durable(face(handler)), journal).replay() == Paused()
    return journal.requests


def test_a_wait_asks_with_all_that_the_function_has_said(face: Face) -> None:
    async def ship(ctx: Context) -> None:
        await ctx.step.wait_for_event(
            "paid",
            event="paid",
            timeout="1d",
            if_exp="async.data.total > limit",
            where={"data.order": "o-1"},
            bind={"limit": 7},
            lookback="2h",
        )

    [request] = asked(face, ship)
    assert (request.event_name, request.if_exp, request.match) == ("paid", "async.data.total > limit", None)
    assert (request.where, request.bind, request.data_type) == ({"data.order": "o-1"}, {"limit": 7}, None)
    assert (request.lookback, request.since.received_at, request.deadline) == (7_200_000, NOON - 7_200_000, NOON + DAY)
    assert (request.others, request.continued) == ((), False)


def test_a_wait_by_a_path_asks_for_the_path(face: Face) -> None:
    async def ship(ctx: Context) -> None:
        await ctx.step.wait_for_event("paid", event="paid", timeout="1d", match="data.order")

    [request] = asked(face, ship)
    assert (request.if_exp, request.match, request.where, request.bind) == (None, "data.order", None, None)
    assert request.lookback is None


def test_a_wait_for_the_first_of_several_asks_for_each(face: Face) -> None:
    async def ship(ctx: Context) -> None:
        await ctx.step.wait_for_first(
            "answer",
            [EventMatch("paid", where={"data.order": "o-1"}), EventMatch("refused", if_exp="async.data.why != ''")],
            timeout="1d",
        )

    [request] = asked(face, ship)
    [other] = request.others
    assert (request.event_name, request.where, request.if_exp) == ("paid", {"data.order": "o-1"}, None)
    assert (other.event_name, other.where, other.if_exp) == ("refused", None, "async.data.why != ''")
    assert request.deadline == other.deadline == NOON + DAY


def test_waits_that_collect_continue_the_first(face: Face) -> None:
    async def ship(ctx: Context) -> int:
        return len(await ctx.step.wait_for_events("bids", event="bid", timeout="1d", count=2, lookback="1h"))

    journal = AskedJournal()
    run = MemoryRun(durable(face(ship)), journal)
    run.replay()
    run.receive("bid", "a")
    assert output_of(run.receive("bid", "b")) == 2
    assert [(each.continued, each.lookback) for each in journal.requests] == [(False, 3_600_000), (True, None)]
    assert [each.deadline for each in journal.requests] == [NOON + DAY] * 2


def test_a_wait_looks_on_where_the_last_wait_for_its_own_name_left_off(face: Face) -> None:
    async def ship(ctx: Context) -> list[str]:
        for name in ("paid", "packed"):
            await ctx.step.wait_for_event(f"1 {name}", event=name, timeout="1d")
        events = [await ctx.step.wait_for_event(f"2 {name}", event=name, timeout="1d") for name in ("paid", "packed")]
        return [event.id if event else "" for event in events]

    journal = AskedJournal()
    run = MemoryRun(durable(face(ship)), journal)
    outcome = run.replay()
    for place, name in enumerate(["paid", "packed", "paid", "packed"]):
        run.journal.clock += 600_000
        outcome = run.receive(name, f"e{place}")
    assert output_of(outcome) == ["e2", "e3"]
    left_off = {key: step.wait.left_off for key, step in journal.steps.items() if step.wait}
    assert run.since("2 paid") == left_off["1 paid"] < left_off["1 packed"] == run.since("2 packed")
    assert run.since("1 paid") == run.since("1 packed")


def test_a_wait_by_a_type_asks_with_the_type(face: Face) -> None:
    async def ship(ctx: Context) -> None:
        await ctx.step.wait_for_event("paid", event=Paid, timeout="1d")

    [request] = asked(face, ship)
    assert request.data_type is Paid

"""Looks into the log: each reads no more than it needs, in bounded pieces, and none misses what the log holds."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from tarry import App, Cancel, Context, Event, TriggerEvent
from tarry_backend.store import EventLog
from tarry_backend.waits import lookup
from tarry_dev.cloud import Call, Cloud, Host
from tests.functional.contract.moments import deadline_of, receive_at

MANY = 2_000


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many events each look has read."""
    counts: list[int] = []
    candidates = lookup._candidates

    def counted(*args: Any) -> Iterator[Any]:
        counts.append(0)
        for each in candidates(*args):
            counts[-1] += 1
            yield each

    monkeypatch.setattr(lookup, "_candidates", counted)
    return counts


def pay(app: App, **options: Any) -> None:
    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"), **options)
    async def order(ctx: Context) -> Any:
        data = ctx.event.data
        paid = await ctx.step.wait_for_event(
            "wait",
            event="paid",
            if_exp=data.get("if_exp", "async.data.id == event.data.id && async.data.sum > 100"),
            timeout=data.get("timeout", "1h"),
            lookback="1h",
        )
        return paid.data["sum"] if paid else None


def know_the_shape(host: Host) -> None:
    """The wait's shape has been there long enough for the log to be read by key."""
    host.send("placed", {"id": "known"})
    host.send("paid", {"id": "known", "sum": 101})
    host.advance("5m")


def log_refused(host: Host, count: int = MANY) -> None:
    """Events with the wait's key, which its residual refuses, are in the log."""
    for begin in range(0, count, 200):
        host.send([Event("paid", {"id": "7", "sum": n % 100}, id=f"r{n}") for n in range(begin, begin + 200)])


@pytest.mark.parametrize("by", ["key", "name"])
def test_w30_behind_two_thousand_refused_events_one_that_holds_resolves_each_look_is_bounded(
    app: App, host: Host, reads: list[int], by: str
) -> None:
    pay(app)
    if by == "key":
        know_the_shape(host)
    log_refused(host)
    reads.clear()
    host.send("placed", {"id": "7"})
    assert host.run().status == "running"
    assert sum(reads) >= MANY
    host.advance("1m")
    host.send("paid", {"id": "7", "sum": 101})
    assert host.run().output == 101
    assert max(reads) <= lookup.LOOK_EVENTS + 1
    assert host.dead_letters == []


@pytest.mark.parametrize("timeout", ["1h", 0])
def test_a_deadline_behind_two_thousand_refused_events_is_reached_in_bounded_looks(
    app: App, host: Host, reads: list[int], timeout: Any
) -> None:
    pay(app)
    know_the_shape(host)
    log_refused(host)
    host.send("placed", {"id": "7", "timeout": timeout})
    host.advance("2h")
    assert (host.run().status, host.run().output) == ("finished", None)
    assert max(reads) <= lookup.LOOK_EVENTS + 1
    assert host.dead_letters == []


def test_a_cancel_behind_two_thousand_refused_events_comes_in_bounded_looks(
    app: App, host: Host, reads: list[int]
) -> None:
    @app.create_function(
        fn_id="order",
        trigger=TriggerEvent(event="placed"),
        cancel=[Cancel("left", if_exp="async.data.id == event.data.id && async.data.sum > 100")],
    )
    async def order(ctx: Context) -> None:
        await ctx.step.sleep("sleep", "2h")

    host.send("placed", {"id": "known"})
    host.advance("5m")
    host.send("placed", {"id": "7"})
    for begin in range(0, MANY, 200):
        host.send([Event("left", {"id": "7", "sum": 1}, id=f"r{n}") for n in range(begin, begin + 200)])
    reads.clear()
    host.send("left", {"id": "7", "sum": 101})
    assert host.run().status == "cancelled"
    assert sum(reads) == 0  # any event of its will do: there is no earlier one to look for
    assert host.dead_letters == []


def test_a_look_that_goes_on_is_done_again_where_its_executor_died(app: App, host: Host) -> None:
    pay(app)
    know_the_shape(host)
    log_refused(host)
    host.send([Event("paid", {"id": "7", "sum": 500}, id="the one")])
    died: list[Call] = []

    def second_look(call: Call) -> bool:
        if call.operation == "SendMessageBatch" and call.answered and not died:
            died.append(call)
            return True
        return False

    with host.cloud.dies(second_look, function="executor"):
        host.send("placed", {"id": "7"})
        host.advance("20m")
    assert died
    assert host.run().output == 500


def never(_: Call) -> bool:
    return False


def asks_the_index(call: Call) -> bool:
    return call.operation == "Query"


@pytest.mark.parametrize("if_exp", ["async.data.id == event.data.id", "async.data.sum > 100"], ids=["key", "name"])
def test_w35_an_event_whose_every_matcher_died_counts_at_the_deadline(app: App, host: Host, if_exp: str) -> None:
    """It is in the log, and a dead letter; nobody has put it back."""
    pay(app)
    host.send("placed", {"id": "7", "if_exp": if_exp})
    host.advance("10m")  # the wait has settled
    with host.cloud.dies(asks_the_index, function="matcher"):
        host.send("paid", {"id": "7", "sum": 101})
        host.advance("21m")
    assert len(host.cloud.dead_letters("events")) == 1
    host.advance("1h")
    assert host.run().output == 101


@pytest.mark.parametrize("if_exp", ["async.data.id == event.data.id", "async.data.sum > 100"], ids=["key", "name"])
def test_w35_of_two_matching_events_the_first_wins_though_its_every_matcher_died(
    app: App, host: Host, if_exp: str
) -> None:
    pay(app)
    host.send("placed", {"id": "7", "if_exp": if_exp})
    host.advance("10m")
    with host.cloud.dies(asks_the_index, function="matcher"):
        host.send("paid", {"id": "7", "sum": 101})
        host.advance("20m")
    host.send("paid", {"id": "7", "sum": 102})
    assert host.run().output == 101


def test_an_event_whose_resume_became_a_dead_letter_counts_at_the_deadline(app: App, host: Host) -> None:
    """The executors were throttled all the while: each message of the run failed ten times."""
    pay(app)
    host.send("placed", {"id": "7", "timeout": "20h"})
    host.advance("10m")
    with host.cloud.dies(lambda call: call.number == 1 and not call.answered, function="executor"):
        host.send("paid", {"id": "7", "sum": 101})
        host.advance("10h")
    assert len(host.cloud.dead_letters("runs")) == 1
    host.advance("11h")
    assert host.run().output == 101


def test_a_deadline_reads_the_waits_own_keys_and_nothing_else_of_the_name(
    app: App, host: Host, reads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    pay(app)
    know_the_shape(host)
    host.advance("2h")  # the wait looks back an hour
    host.send("placed", {"id": "7"})
    for begin in range(0, 400, 200):
        host.send([Event("paid", {"id": f"other {n}", "sum": 500}, id=f"o{n}") for n in range(begin, begin + 200)])
    reads.clear()
    monkeypatch.setattr(EventLog, "read", lambda *_: pytest.fail("the log was read by name"))
    host.advance("2h")
    assert host.run().output is None
    assert sum(reads) == 0


@pytest.mark.parametrize("late", [never, asks_the_index], ids=["nobody dies", "its first matcher dies"])
def test_w06_received_a_millisecond_before_the_deadline_and_logged_in_time_counts_though_the_index_never_shows_it(
    app: App, cloud: Cloud, host: Host, late: Callable[[Call], bool]
) -> None:
    pay(app)
    host.send("placed", {"id": "7"})
    run = host.run()
    with cloud.dies(late, function="matcher"):
        receive_at(cloud, deadline_of(run) - 1, replace(Event("paid", {"id": "7", "sum": 101}), id="in time"))
        cloud.pump()
    cloud.advance("10m")
    assert run.output == 101

"""Rows W1 to W10, W12 to W15, W17 to W21 and W25: what a wait gets, and when."""

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tarry import App, Context, Event, TriggerEvent
from tarry_backend.runtime import runtime
from tarry_backend.store.models import Item
from tarry_dev.cloud import Cloud, Host, HostedRun
from tarry_dev.pytest_plugin import MakeHost
from tests.functional.contract.diary import Diary
from tests.functional.contract.moments import deadline_of, receive_at
from tests.functional.contract.traces import in_indexes

START = TriggerEvent(event="order/placed")
PAID = "order/paid"
EITHER = "async.data.id == event.data.id || async.data.id == 'any'"


def placed(order: str = "7") -> Event:
    return Event("order/placed", {"id": order})


def paid(order: str = "7", *, event_id: str = "", **more: Any) -> Event:
    return Event(PAID, {"id": order, **more}, id=event_id)


@pytest.fixture
def waiting(app: App, host: Host) -> HostedRun:
    """A run that waits an hour for the payment of order 7, and returns that event."""

    @app.create_function(fn_id="ship", trigger=START)
    async def ship(ctx: Context) -> dict[str, Any] | None:
        event = await ctx.step.wait_for_event("wait", event=PAID, match="data.id", timeout="1h")
        return asdict(event) if event else None

    host.send([placed()])
    return host.run("ship")


def data_of(run: HostedRun) -> Any:
    assert run.status == "finished", run
    return run.output and run.output["data"]


def deliver_dying(cloud: Cloud, operation: str) -> None:
    """A matcher takes what is in the events queue, and dies before its first call of ``operation``."""
    with cloud.dies(lambda call: call.operation == operation, function="matcher"):
        queue = cloud.queues["events"]
        delivery = queue.deliver(queue.receive())
    assert delivery.error is not None


def test_w01_a_matching_event_resolves_the_wait_whole(host: Host, waiting: HostedRun) -> None:
    sent = Event(PAID, {"id": "7", "sum": 1.5}, id="p1", ts=1_700_000_000_123, user={"id": "u"})
    host.send(sent)
    assert waiting.output == asdict(sent) | {"source": "tarry.shop"}


def test_w02_without_a_matching_event_the_wait_gives_none_within_two_seconds_of_its_deadline(
    cloud: Cloud, waiting: HostedRun
) -> None:
    deadline = deadline_of(waiting)
    cloud.advance(deadline - cloud.clock.now())
    assert waiting.status == "running"
    cloud.advance(deadline + 2_000 - cloud.clock.now())
    assert data_of(waiting) is None


def test_w03_an_event_with_another_id_is_passed_over(host: Host, waiting: HostedRun) -> None:
    host.send([paid("8")])
    assert waiting.status == "running"
    host.send([paid("7", sum=1)])
    assert data_of(waiting) == {"id": "7", "sum": 1}


@pytest.mark.parametrize(
    ("lookback", "seen"),
    [(None, "in the step"), (0, None), ("4m", "in the step"), ("6m", "before"), (timedelta(minutes=6), "before")],
)
def test_w04_w05_a_wait_begins_where_the_step_before_it_began_or_where_lookback_reaches(
    app: App, host: Host, lookback: Any, seen: str | None
) -> None:
    @app.create_function(fn_id="ship", trigger=START)
    async def ship(ctx: Context) -> Any:
        await ctx.step.run("bill", bill)
        event = await ctx.step.wait_for_event("wait", event=PAID, match="data.id", timeout="1h", lookback=lookback)
        return event and event.data["said"]

    async def bill() -> None:
        """The answer is in the log before the wait is registered."""
        host.cloud.send(paid(said="in the step"))
        events = host.cloud.queues["events"]
        events.deliver(events.receive())

    host.send([paid(said="before")])
    host.advance("5m")
    host.send([placed()])
    host.advance("1h")
    assert host.run().output == seen
    stored = runtime().store.runs.load(host.run().id)
    assert stored is not None
    assert [step.ended is not None and step.ended >= step.began for step in stored.steps] == [True, True]


def test_w06_an_event_received_a_millisecond_before_the_deadline_counts_however_late_it_is_processed(
    cloud: Cloud, waiting: HostedRun
) -> None:
    deadline = deadline_of(waiting)
    with cloud.hold("events"):
        receive_at(cloud, deadline - 1, paid())
        cloud.advance("30s")
        assert waiting.status == "running"
    cloud.pump()
    assert data_of(waiting) == {"id": "7"}


@pytest.mark.parametrize("offset", [-1, 0])
def test_w06_an_event_that_is_just_in_time_resolves_at_once(cloud: Cloud, waiting: HostedRun, offset: int) -> None:
    receive_at(cloud, deadline_of(waiting) + offset, paid())
    cloud.pump()
    assert data_of(waiting) == {"id": "7"}


def test_w07_an_event_received_a_millisecond_after_the_deadline_does_not_count(
    cloud: Cloud, waiting: HostedRun
) -> None:
    deadline = deadline_of(waiting)
    receive_at(cloud, deadline + 1, paid())
    cloud.pump()
    assert waiting.status == "running", "the event was processed before the deadline's marker"
    cloud.advance("2s")
    assert data_of(waiting) is None


@pytest.mark.parametrize(("offset", "outcome"), [(-1, {"id": "7"}), (0, {"id": "7"}), (1, None)])
@pytest.mark.parametrize("first", ["event", "marker"])
def test_w08_an_event_and_a_deadline_in_one_moment_have_the_same_outcome_in_either_order(
    cloud: Cloud, waiting: HostedRun, offset: int, outcome: Any, first: str
) -> None:
    deadline = deadline_of(waiting)
    events = cloud.queues["events"]
    with cloud.hold("events"):
        receive_at(cloud, deadline + offset, paid())
        if first == "marker":
            deliver_dying(cloud, "Query")  # the event is logged, and nobody is told of it
        cloud.advance("2s")
        batch = events.receive()
        assert len(batch) == (1 if first == "marker" else 2)
        events.deliver(batch)
    cloud.pump()
    decided = waiting.output
    cloud.advance("5m")
    assert waiting.output == decided
    assert data_of(waiting) == outcome


def test_w08_a_deadline_handled_in_one_batch_before_its_event_waits_for_the_log(
    cloud: Cloud, waiting: HostedRun
) -> None:
    deadline = deadline_of(waiting)
    events = cloud.queues["events"]
    with cloud.hold("events"):
        receive_at(cloud, deadline - 1, paid())
        cloud.advance("2s")
        event, marker = events.receive()
        events.deliver([marker, event])
    cloud.pump()
    assert data_of(waiting) == {"id": "7"}


def test_w09_an_event_delivered_three_times_resumes_once(app: App, host: Host, diary: Diary) -> None:
    @app.create_function(fn_id="ship", trigger=START)
    async def ship(ctx: Context) -> Any:
        first = await ctx.step.wait_for_event("first", event=PAID, match="data.id", timeout="1h")
        await ctx.step.run("ship", diary.write, "shipped")
        second = await ctx.step.wait_for_event("second", event=PAID, match="data.id", timeout="1h")
        return [first and first.id, second and second.id]

    host.send([placed()])
    host.cloud.send(paid(event_id="p1"))
    events = host.cloud.queues["events"]
    batch = events.receive()
    for _ in range(3):
        events.deliver(batch)
        host.cloud.pump()
    host.advance("10m")  # queues forget within five minutes what they have deduplicated
    host.send([paid(event_id="p1")])
    assert diary.entries == ["shipped"]
    host.advance("1h")
    assert host.run().output == ["p1", None]


def test_w10_of_two_events_the_later_processed_first_each_resolves_one_of_two_waits(app: App, host: Host) -> None:
    @app.create_function(fn_id="ship", trigger=START)
    async def ship(ctx: Context) -> list[str]:
        got = [await ctx.step.wait_for_event("wait", event=PAID, match="data.id", timeout="1h") for _ in range(2)]
        return [event.id for event in got if event]

    host.send([placed()])
    cloud = host.cloud
    with cloud.hold("events"):
        for event_id in ("earlier", "later"):
            cloud.send(paid(event_id=event_id))
            cloud.advance("1s")
        earlier, later = cloud.queues["events"].receive()
        cloud.queues["events"].deliver([later])
        cloud.pump()
        assert set(host.run().steps) == {"wait", "wait:1"}
        cloud.queues["events"].deliver([earlier])
    cloud.pump()
    assert sorted(host.run().output) == ["earlier", "later"]


def test_w10_of_two_events_in_one_batch_the_wait_has_the_one_received_first(cloud: Cloud, waiting: HostedRun) -> None:
    with cloud.hold("events"):
        for number in (1, 2):
            cloud.send(paid(number=number))
        cloud.queues["events"].deliver(cloud.queues["events"].receive()[::-1])
    cloud.pump()
    assert data_of(waiting) == {"id": "7", "number": 1}


@pytest.mark.parametrize("busy", [False, True])
def test_w10_a_wait_has_the_earliest_event_that_the_log_holds_whoever_was_faster(
    cloud: Cloud, host: Host, waiting: HostedRun, busy: bool
) -> None:
    """matcher 1    log (earlier) ── dies                          ┄┄┄ resume (earlier)
    matcher 2                            log (later) ── resume (later)
    """
    if busy:
        runtime().store.names.spread_log(PAID, 4)
        host.advance("5m")
    cloud.send(paid(event_id="earlier"))
    with cloud.dies(lambda call: call.operation == "Query", function="matcher"):
        cloud.pump()
    cloud.advance("1s")
    cloud.send(paid(event_id="later"))
    cloud.advance("5m")
    assert waiting.output["id"] == "earlier"


def test_w10_an_event_that_was_overtaken_over_midnight_is_found(cloud: Cloud, app: App, host: Host) -> None:
    """The log has a partition a day."""

    @app.create_function(fn_id="ship", trigger=START)
    async def ship(ctx: Context) -> str | None:
        event = await ctx.step.wait_for_event("wait", event=PAID, match="data.id", timeout="3d")
        return event.id if event else None

    host.send([placed()])
    cloud.advance(datetime(2026, 1, 5, 23, 59, 59, tzinfo=UTC))
    cloud.send(paid(event_id="earlier"))
    with cloud.dies(lambda call: call.operation == "Query", function="matcher"):
        cloud.pump()
    cloud.advance("5s")
    cloud.send(paid(event_id="later"))
    cloud.advance("5m")
    assert host.run().output == "earlier"


def test_w12_two_parallel_waits_on_one_event_both_resolve_with_it(app: App, host: Host) -> None:
    @app.create_function(fn_id="ship", trigger=START)
    async def ship(ctx: Context) -> list[Any]:
        events = await asyncio.gather(
            ctx.step.wait_for_event("by-id", event=PAID, match="data.id", timeout="1h"),
            ctx.step.wait_for_event("any", event=PAID, timeout="1h"),
        )
        return [event and event.id for event in events]

    host.send([placed()])
    host.send([paid(event_id="p1")])
    assert host.run().output == ["p1", "p1"]


@pytest.mark.parametrize("order", [["a", "b"], ["b", "a"]])
def test_w13_parallel_waits_on_two_events_each_get_their_own_in_either_order(
    app: App, host: Host, order: list[str]
) -> None:
    @app.create_function(fn_id="ship", trigger=START)
    async def ship(ctx: Context) -> list[Any]:
        events = await asyncio.gather(
            ctx.step.wait_for_event("a", event="a", match="data.id", timeout="1h"),
            ctx.step.wait_for_event("b", event="b", match="data.id", timeout="1h"),
        )
        return [event and event.name for event in events]

    host.send([placed()])
    for name in order:
        assert host.run().status == "running"
        host.send(name, {"id": "7"})
    assert host.run().output == ["a", "b"]


def test_w14_an_event_starts_one_run_and_resumes_another(app: App, host: Host, waiting: HostedRun) -> None:
    @app.create_function(fn_id="receipt", trigger=TriggerEvent(event=PAID))
    async def receipt(ctx: Context) -> str:
        return ctx.event.id

    host.send([paid(event_id="p1")])
    assert host.run("receipt").output == "p1"
    assert waiting.output["id"] == "p1"


@pytest.mark.parametrize("lookback", [None, "1h"])
def test_w15_the_event_that_started_a_run_does_not_resolve_its_wait_on_that_name(
    app: App, host: Host, lookback: str | None
) -> None:
    @app.create_function(fn_id="chain", trigger=TriggerEvent(event="ping", expression="event.data.first == true"))
    async def chain(ctx: Context) -> Any:
        event = await ctx.step.wait_for_event("wait", event="ping", timeout="1h", lookback=lookback)
        return event and event.id

    first, again = (Event("ping", {"first": True}, id="p1") for _ in range(2))
    host.send([first])
    host.advance("10m")
    host.send([again])  # the same event, received once more
    assert host.run().status == "running"
    host.send([Event("ping", {"first": False}, id="p2")])
    assert [run.output for run in host.runs()] == ["p2"]


def test_w17_a_wait_in_parallel_with_the_sending_of_its_event_resolves(app: App, host: Host) -> None:
    @app.create_function(fn_id="ship", trigger=START)
    async def ship(ctx: Context) -> Any:
        [event_id], event = await asyncio.gather(
            ctx.step.send_event("send", paid()),
            ctx.step.wait_for_event("wait", event=PAID, match="data.id", timeout="1h"),
        )
        return event is not None and event.id == event_id

    host.send([placed()])
    assert host.run().output is True


@pytest.mark.parametrize("timeout", [0, -1, "-5m", timedelta(seconds=-1)])
@pytest.mark.parametrize("answered", [True, False])
def test_w18_a_timeout_of_zero_or_less_gives_at_once_what_the_log_holds(
    app: App, host: Host, timeout: Any, answered: bool
) -> None:
    @app.create_function(fn_id="ship", trigger=START)
    async def ship(ctx: Context) -> Any:
        event = await ctx.step.wait_for_event("wait", event=PAID, match="data.id", timeout=timeout, lookback="10m")
        return event and event.id

    if answered:
        host.send([paid(event_id="p1")])
    before = host.cloud.clock.now()
    host.send([placed()])
    assert host.run().status == "finished"
    assert host.run().output == ("p1" if answered else None)
    assert host.cloud.clock.now() - before < 1_000
    assert in_indexes(host.cloud) == set()


def test_w19_a_wait_of_366_days_is_kept(app: App, host: Host) -> None:
    @app.create_function(fn_id="year", trigger=START)
    async def year(ctx: Context) -> str:
        event = await ctx.step.wait_for_event("wait", event=PAID, timeout=timedelta(days=366))
        return "answered" if event else "silence"

    host.send([placed()])
    host.advance("365d")
    assert host.run().status == "running"
    host.advance("1d")
    assert host.run().output == "silence"


def test_w19_a_wait_of_367_days_fails_the_run(app: App, host: Host) -> None:
    @app.create_function(fn_id="year", trigger=START)
    async def year(ctx: Context) -> None:
        await ctx.step.wait_for_event("wait", event=PAID, timeout="367d")

    host.send([placed()])
    error = host.run().error
    assert error is not None
    assert error.name == "DurationError"
    assert "'wait'" in error.message
    assert "366 days" in error.message


def test_w20_a_run_that_has_ended_is_in_no_index_and_hears_no_event(app: App, host: Host, diary: Diary) -> None:
    @app.create_function(fn_id="race", trigger=START)
    async def race(ctx: Context) -> str:
        lost = [
            asyncio.ensure_future(
                ctx.step.wait_for_event("lost", event=PAID, if_exp=EITHER, timeout="1h"),
            ),
            asyncio.ensure_future(ctx.step.sleep("overslept", "2h")),
        ]
        await asyncio.sleep(0)
        won = await ctx.step.wait_for_event("won", event="quick", timeout="1h")
        await diary.write(won)
        return f"{sum(each.cancel() for each in lost)} are still open"

    host.send([placed()])
    assert {key for _, _, key in in_indexes(host.cloud)} == {
        "step#lost",
        "wait#lost#1",
        "step#overslept",
        "step#won",
    }
    host.send("quick")
    run = host.run()
    assert run.output == "2 are still open"
    assert in_indexes(host.cloud) == set()
    before, wrote = repr(run), len(diary.entries)
    host.send([paid()])
    host.advance("3h")
    assert (repr(run), len(diary.entries)) == (before, wrote)
    assert host.dead_letters == []


@pytest.mark.parametrize(("lookback", "seen"), [(None, None), ("2h", "p1")])
def test_w21_an_event_during_the_sleep_before_a_wait_is_seen_only_with_lookback(
    app: App, host: Host, lookback: str | None, seen: str | None
) -> None:
    @app.create_function(fn_id="ship", trigger=START)
    async def ship(ctx: Context) -> Any:
        await ctx.step.sleep("doze", "1h")
        event = await ctx.step.wait_for_event("wait", event=PAID, timeout="1h", lookback=lookback)
        return event and event.id

    host.send([placed()])
    host.advance("30m")
    host.send([paid(event_id="p1")])
    host.advance("3h")
    assert host.run().output == seen


def test_w25_a_second_wait_begins_at_the_first_ones_deadline(app: App, host: Host) -> None:
    """first wait ──── (before) ──── deadline ──── step (during) ──── second wait"""

    @app.create_function(fn_id="ship", trigger=START)
    async def ship(ctx: Context) -> Any:
        first = await ctx.step.wait_for_event("first", event=PAID, if_exp="async.data.sum > 100", timeout="1h")
        await ctx.step.run("remind", remind)
        second = await ctx.step.wait_for_event("second", event=PAID, if_exp="async.data.sum > 10", timeout="1h")
        return [first and first.id, second and second.id]

    async def remind() -> None:
        host.cloud.send(paid(event_id="during", sum=50))

    host.send([placed()])
    host.advance("30m")
    host.send([paid(event_id="before", sum=50)])
    host.advance("1h")
    assert host.run().output == [None, "during"]


def test_a_look_back_over_midnight_sees_the_events_of_both_days(app: App, tarry: MakeHost) -> None:
    """A day's events are a partition of the log of their own."""

    @app.create_function(fn_id="ship", trigger=START)
    async def ship(ctx: Context) -> list[Any]:
        events = [await ctx.step.wait_for_event("wait", event=PAID, timeout="1h", lookback="2d") for _ in range(3)]
        return [event and event.id for event in events]

    host = tarry(app, now=datetime(2026, 1, 31, 23, 59, 59, 998_000, tzinfo=UTC))
    host.cloud.send([paid(event_id=f"p{number}") for number in range(3)])
    times = [message.sent_at // 86_400_000 for message in host.cloud.queues["events"].messages]
    assert times == [20_484, 20_484, 20_485]
    host.send([placed()])
    assert host.run().output == ["p0", "p1", "p2"]


def test_an_event_that_cannot_be_compared_is_noted_on_the_wait_which_goes_on(app: App, host: Host) -> None:
    @app.create_function(fn_id="ship", trigger=START)
    async def ship(ctx: Context) -> Any:
        event = await ctx.step.wait_for_event("wait", event=PAID, if_exp="async.data.sum > 100", timeout="1h")
        return event and event.id

    host.send([placed()])
    host.send([paid(event_id="p1", sum="a lot")])
    note = host.run().steps["wait"].note
    assert note is not None
    assert "event p1 could not be compared" in note
    host.send([paid(event_id="p2", sum=101)])
    assert host.run().output == "p2"


def test_past_sixteen_shapes_of_a_name_every_wait_still_resolves(app: App, host: Host) -> None:
    @app.create_function(fn_id="ship", trigger=START)
    async def ship(ctx: Context) -> Any:
        number = ctx.event.data["id"]
        event = await ctx.step.wait_for_event(
            "wait", event=PAID, if_exp=f"async.data.k{number} == event.data.id", timeout="1h"
        )
        return event and event.id

    host.send([placed(str(number)) for number in range(20)])
    host.send([Event(PAID, {f"k{number}": "another" for number in range(20)})])
    assert {run.status for run in host.runs()} == {"running"}
    host.send([Event(PAID, {f"k{number}": str(number) for number in range(20)}, id="p1")])
    assert [run.output for run in host.runs()] == ["p1"] * 20


def test_what_lives_never_expires_and_what_has_ended_does(app: App, host: Host) -> None:
    @app.create_function(fn_id="ship", trigger=START)
    async def ship(ctx: Context) -> None:
        await ctx.step.run("bill", len, "7")
        await asyncio.gather(
            ctx.step.wait_for_event("paid", event=PAID, if_exp=EITHER, timeout="1h"),
            ctx.step.sleep("doze", "30m"),
        )

    host.send([placed()])
    run = f"run#{host.run().id}"
    table = runtime().store.table
    living = {item.sk: item.expires for item in table.query(Item, run)}
    assert list(living) == ["run", "step#bill", "step#doze", "step#paid", "wait#paid#1"]
    assert 44.9 < (living.pop("step#bill") - host.cloud.clock.now() / 1000) / 86_400 <= 45, "an ended step's lease"
    assert set(living.values()) == {None}, "what is open never expires"
    host.advance("2h")
    days = {item.sk: (item.expires - host.cloud.clock.now() / 1000) / 86_400 for item in table.query(Item, run)}
    assert list(days) == ["run", "step#bill", "step#doze", "step#paid", "wait#paid#1"]
    assert 51.9 < days.pop("run") <= 52, "the run's item goes last"
    assert 29.9 < days.pop("wait#paid#1") <= 30
    assert all(44.8 < left <= 45 for left in days.values())

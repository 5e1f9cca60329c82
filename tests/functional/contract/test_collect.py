"""``step.wait_for_events``: so many events of one name, or those that came in time."""

from collections.abc import Callable
from typing import Any

import pytest

from tarry import App, Context, ContextSync, Event, TriggerEvent
from tarry_dev.cloud import Cloud, Host
from tests.functional.contract.moments import deadline_of, receive_at
from tests.functional.contract.traces import in_indexes

PLACED = TriggerEvent(event="placed")


def votes(count: int, first: int = 0) -> list[Event]:
    return [Event("voted", {"id": "7", "vote": n}, id=f"v{n}") for n in range(first, first + count)]


@pytest.fixture(params=["async", "def"])
def collects(request: pytest.FixtureRequest, app: App) -> Callable[..., None]:
    """Adds a function that collects, in the one face or the other."""

    def add(**options: Any) -> None:
        if request.param == "async":

            @app.create_function(fn_id="poll", trigger=PLACED)
            async def poll(ctx: Context) -> list[int]:
                events = await ctx.step.wait_for_events(
                    "votes", event="voted", match="data.id", timeout="1h", **options
                )
                return [event.data["vote"] for event in events]
        else:

            @app.create_function(fn_id="poll", trigger=PLACED)
            def poll_sync(ctx: ContextSync) -> list[int]:
                events = ctx.step.wait_for_events("votes", event="voted", match="data.id", timeout="1h", **options)
                return [event.data["vote"] for event in events]

    return add


def test_it_ends_with_the_last_that_is_wanted(collects: Callable[..., None], host: Host) -> None:
    collects(count=3)
    host.send("placed", {"id": "7"})
    for vote in votes(2):
        host.send([vote])
    host.send("voted", {"id": "8", "vote": 100})
    assert host.run().status == "running"
    host.send(votes(2, first=2))
    assert host.run().output == [0, 1, 2]
    assert in_indexes(host.cloud) == set()


def test_fifty_that_come_at_once_are_all_had_once_and_in_order(collects: Callable[..., None], host: Host) -> None:
    collects(count=50)
    host.send("placed", {"id": "7"})
    host.send(votes(50))
    assert host.run().output == list(range(50))


def test_at_the_deadline_it_gives_what_came(collects: Callable[..., None], host: Host) -> None:
    collects(count=3)
    host.send("placed", {"id": "7"})
    host.advance("20m")
    host.send(votes(1))
    host.advance("30m")
    host.send(votes(1, first=1))
    host.advance("9m")
    assert host.run().status == "running"
    host.advance("1m")
    assert host.run().output == [0, 1], "the deadline is that of the first wait"
    host.send(votes(1, first=2))
    assert host.run().output == [0, 1]
    assert in_indexes(host.cloud) == set()


def test_nothing_came(collects: Callable[..., None], host: Host) -> None:
    collects()
    host.send("placed", {"id": "7"})
    host.advance("1h")
    assert host.run().output == []


def test_until_is_asked_with_those_that_came_so_far(collects: Callable[..., None], host: Host) -> None:
    collects(until=lambda events: sum(event.data["vote"] for event in events) >= 3)
    host.send("placed", {"id": "7"})
    host.send(votes(5))
    assert host.run().output == [0, 1, 2]


def test_an_error_of_until_is_the_functions_own(collects: Callable[..., None], host: Host) -> None:
    collects(until=lambda events: events[0].data["nothing"])
    host.send("placed", {"id": "7"})
    host.send(votes(1))
    error = host.run().error
    assert error is not None
    assert error.name == "KeyError"


def test_one_that_was_received_in_time_but_handled_after_the_deadline_is_had(
    collects: Callable[..., None], host: Host, cloud: Cloud
) -> None:
    collects(count=3)
    host.send("placed", {"id": "7"})
    host.send(votes(1))
    cloud.advance("59m")
    with cloud.hold("events"):
        cloud.advance("30s")
        cloud.send(votes(2, first=1))
        cloud.advance("2m")
    host.advance("10s")
    assert host.run().output == [0, 1, 2]


def test_each_event_is_a_step_and_past_the_most_steps_the_run_fails(app: App, tarry: Any) -> None:
    @app.create_function(fn_id="poll", trigger=PLACED)
    async def poll(ctx: Context) -> int:
        return len(await ctx.step.wait_for_events("votes", event="voted", timeout="1h", count=20))

    host = tarry(app, max_steps=5)
    host.send("placed", {"id": "7"})
    host.send(votes(20))
    run = host.run()
    assert run.error.name == "LimitError"
    assert list(run.steps) == ["votes", "votes:1", "votes:2", "votes:3", "votes:4"]


@pytest.mark.parametrize("behind", ["30s", "5m"])
def test_w37_it_ends_at_its_own_first_deadline_exactly_however_far_the_queues_are_behind(
    app: App, host: Host, cloud: Cloud, behind: str
) -> None:
    """first wait ┄┄┄ 60 s ┄┄┄ vote 0 ── 1 ms ── vote 1 ┄┄┄ behind ┄┄┄ handled"""

    @app.create_function(fn_id="poll", trigger=PLACED)
    async def poll(ctx: Context) -> list[int]:
        events = await ctx.step.wait_for_events("votes", event="voted", match="data.id", timeout="60s")
        return [event.data["vote"] for event in events]

    host.send("placed", {"id": "7"})
    deadline = deadline_of(host.run(), "votes")
    with cloud.hold("events", "timers"):
        for place, vote in enumerate(votes(2)):
            receive_at(cloud, deadline + place, vote)
        cloud.advance(behind)
    host.advance("10s")
    assert host.run().output == [0]


def test_w37_it_ends_with_those_of_its_time_though_more_come_in_a_second_than_it_collects(
    collects: Callable[..., None], host: Host, cloud: Cloud
) -> None:
    collects()
    host.send("placed", {"id": "7"})
    deadline = deadline_of(host.run(), "votes")
    with cloud.hold("events"):
        for place in range(40):
            receive_at(cloud, deadline - 2_000 + place * 100, votes(1, first=place)[0])
        cloud.advance("30s")
    host.advance("10s")
    assert host.run().output == list(range(21))


def test_w37_a_death_does_not_move_its_deadline(collects: Callable[..., None], host: Host, cloud: Cloud) -> None:
    """executor    vote 0 (not kept) ── dies ┄┄┄ deadline ┄┄┄ vote 1 ┄┄┄ vote 0 again"""
    collects()
    host.send("placed", {"id": "7"})
    deadline = deadline_of(host.run(), "votes")
    cloud.advance(deadline - 60_000 - cloud.clock.now())
    with cloud.dies(lambda call: call.operation == "PutItem", function="executor"):
        host.send(votes(1))
    cloud.advance("2m")
    host.send(votes(1, first=1))
    host.advance("20m")
    assert host.run().output == [0]


@pytest.mark.parametrize("count", [None, 2])
def test_w37_a_vote_received_in_time_and_logged_after_the_deadline_is_collected(
    app: App, host: Host, count: int | None
) -> None:
    """queue       v1 ── v2 ── deadline ──────────────────────────────── marker
    matcher     (busy for a second)    v1, log              v2, log
    executor                               v1 ended ── look: nothing        look: v2
    """

    @app.create_function(fn_id="vote", trigger=TriggerEvent(event="asked"))
    async def vote(ctx: Context) -> list[str]:
        votes = await ctx.step.wait_for_events("votes", event="voted", timeout="60s", count=count)
        return [vote.id for vote in votes]

    cloud = host.cloud
    host.send("asked")
    deadline = deadline_of(host.run(), "votes")
    receive_at(cloud, deadline - 20, Event("voted", id="v1"))
    [first] = cloud.queues["events"].receive()
    receive_at(cloud, deadline - 10, Event("voted", id="v2"))
    [second] = cloud.queues["events"].receive()
    with cloud.hold("events"):
        cloud.advance("100ms")
        cloud.queues["events"].deliver([first])
        cloud.pump()
    cloud.queues["events"].deliver([second])
    host.advance("3s")
    assert host.run().output == ["v1", "v2"]

"""A name with many events: its log by name has shards, and no answer changes by that."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from tarry import App, Context, Event, TriggerEvent
from tarry_backend.runtime import runtime
from tarry_backend.store import EventLog, traffic, wait_index
from tarry_dev.cloud import Cloud, Host
from tests.functional.contract.traces import in_indexes


@pytest.fixture
def order(app: App) -> None:
    """Takes the earliest event of its id in the last twelve hours, and waits for one if there is none."""

    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"))
    async def order(ctx: Context) -> Any:
        found = await ctx.step.wait_for_event(
            "wait", event="seen", match="data.id", timeout="1h", lookback=ctx.event.data.get("lookback", "12h")
        )
        return found.data["n"] if found else None


def make_busy(host: Host, name: str = "seen") -> None:
    """What a matcher does that has seen very many events of a name; and time for everybody to know of it."""
    runtime().store.names.spread_log(name, 16)
    host.advance("5m")


def refuse(*_: object) -> Iterator[Any]:
    """Stands in for what must not be called."""
    raise AssertionError("the log was read by name")


def partitions(cloud: Cloud) -> set[str]:
    """The partitions that hold events."""
    items = cloud.clients.dynamodb.scan(TableName="tarry")["Items"]
    return {item["pk"]["S"] for item in items if item["pk"]["S"].startswith(("log#seen", "key#"))}


def test_a_log_grows_with_its_traffic_and_loses_nothing(
    app: App, host: Host, order: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traffic, "WINDOW", 3_600.0)  # a busy machine takes its time
    many = traffic.PER_SHARD

    def send(begin: int, end: int) -> None:
        host.send([Event("seen", {"id": n, "n": n}, id=f"e{n}") for n in range(begin, end)])

    send(0, many - 1)
    assert runtime().store.names.of("seen").log_shards == 1
    send(many - 1, many + 10)
    assert runtime().store.names.of("seen").log_shards == 2
    assert len(partitions(host.cloud)) == 1  # nobody writes into a shard that a reader may not know
    host.advance("3m")
    send(many + 10, many + 40)
    assert len(partitions(host.cloud)) == 2
    for wanted in (0, many - 2, many, many + 39):
        host.send("placed", {"id": wanted})
        assert host.run().output == wanted


@pytest.mark.usefixtures("order")
def test_the_earliest_event_is_found_whatever_shard_it_is_in(host: Host) -> None:
    make_busy(host)
    for n in range(40):
        host.send("seen", {"id": "x", "n": n})
        host.advance("1s")
    host.send("placed", {"id": "x"})
    assert host.run().output == 0


@pytest.mark.usefixtures("order")
def test_once_everybody_knows_the_shape_the_log_is_read_by_key(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    host.send("placed", {"id": "first", "lookback": 0})  # the shape is known from here on
    host.send("seen", {"id": "first", "n": 0})
    make_busy(host)
    monkeypatch.setattr(EventLog, "read", refuse)
    for n in range(20):
        host.send("seen", {"id": n % 10, "n": n})
    for wanted in (0, 9, 3):
        host.send("placed", {"id": wanted, "lookback": "1m"})
        assert host.run().output == wanted
    host.send("placed", {"id": "nobody", "lookback": "1m"})
    host.advance("2h")  # through the settle and the deadline
    assert host.run().status == "finished"
    assert host.run().output is None
    assert host.dead_letters == []


@pytest.mark.usefixtures("order")
def test_a_look_back_to_before_the_name_was_busy_finds_what_came_then(host: Host) -> None:
    host.send("placed", {"id": "first", "lookback": 0})
    host.send("seen", {"id": "x", "n": "long ago"})
    host.advance("10m")
    make_busy(host)
    host.send("seen", {"id": "x", "n": "just now"})
    host.send("seen", {"id": "y", "n": "just now"})
    host.send("placed", {"id": "x"})
    assert host.run().output == "long ago"
    host.send("placed", {"id": "y"})
    assert host.run().output == "just now"


@pytest.mark.usefixtures("order")
def test_a_shape_that_is_new_to_a_busy_name_finds_what_came_before_it(host: Host) -> None:
    """Those events are in the log by name alone: nobody knew yet that they would be asked for so."""
    make_busy(host)
    host.send("seen", {"id": "x", "n": 1})
    host.send("placed", {"id": "x"})
    assert host.run().output == 1
    host.send("placed", {"id": "late"})
    host.send("seen", {"id": "late", "n": 2})
    assert host.run().output == 2


@pytest.mark.usefixtures("order")
def test_large_events_are_found_by_key_too(host: Host) -> None:
    host.send("placed", {"id": "first", "lookback": 0})
    make_busy(host)
    text = Random(7).randbytes(250_000).hex()  # does not compress into an item
    host.send("seen", {"id": "x", "n": text})
    host.send("placed", {"id": "x"})
    assert host.run().output == text


@pytest.mark.parametrize("at", range(1, 8))
@pytest.mark.parametrize("answered", [False, True])
def test_wherever_a_matcher_dies_a_busy_names_event_is_not_lost(
    app: App, host: Host, order: None, at: int, answered: bool
) -> None:
    host.send("placed", {"id": "x"})
    make_busy(host)
    with host.cloud.dies(lambda call: (call.number, call.answered) == (at, answered), function="matcher"):
        host.send("seen", {"id": "x", "n": 1})
    host.advance("5m")
    assert host.run().output == 1
    assert in_indexes(host.cloud) == set()


def test_waits_without_a_key_are_found_across_a_change_of_their_shards(
    app: App, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    @app.create_function(fn_id="watch", trigger=TriggerEvent(event="placed"))
    async def watch(ctx: Context) -> int:
        found = await ctx.step.wait_for_event("wait", event="seen", if_exp="async.data.n > 1", timeout="1h")
        return found.data["n"] if found else -1

    names = runtime().store.names
    monkeypatch.setattr(traffic, "PER_SHARD", 20)
    monkeypatch.setattr(traffic, "WINDOW", 3_600.0)  # a busy machine takes its time
    spread = []
    for number in range(50):
        host.send("placed", {"number": number})
        spread.append(names.of("seen").name_shards)
    assert sorted(set(spread)) == [1, 2, 4]
    host.send("seen", {"n": 1})
    host.send("seen", {"n": 2})
    assert {run.output for run in host.runs("watch")} == {2}
    assert in_indexes(host.cloud) == set()


def test_a_fan_out_goes_through_all_parts_at_once_and_through_each_in_pages(
    app: App, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    @app.create_function(fn_id="watch", trigger=TriggerEvent(event="placed"))
    async def watch(ctx: Context) -> str:
        found = await ctx.step.wait_for_event("wait", event="seen", timeout="1h")
        return found.data["n"] if found else "nothing"

    host.send([Event("placed", id=f"e{number}") for number in range(300)])
    monkeypatch.setattr(wait_index, "PAGE", 3)
    host.send("seen", {"n": "seen"})
    assert [run.output for run in host.runs("watch")] == ["seen"] * 300
    assert in_indexes(host.cloud) == set()
    assert host.dead_letters == []

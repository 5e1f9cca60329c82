"""What waits at each function is shown, without a scan: windows, batches, and lines."""

import json
from collections import Counter

import pytest

from tarry import (
    App,
    Batch,
    Concurrency,
    Context,
    Debounce,
    Event,
    Singleton,
    Throttle,
    TriggerEvent,
)
from tarry_backend.api.queue_lengths import queue_lengths
from tarry_backend.clock import now
from tarry_backend.deploy.function_facts import facts_of
from tarry_backend.model.pace import Pace
from tarry_backend.model.queue_length import QueueLength
from tarry_backend.runtime import runtime
from tarry_dev.cloud import Call, Host
from tarry_dev.cloud.api import ask
from tarry_dev.queue_words import queue_words


def shown(app: App, function_id: str) -> list[QueueLength]:
    return list(queue_lengths(facts_of(app), runtime().store)[function_id])


def sent(host: Host, name: str, *ids: str) -> int:
    """Send events, one each second; return when the first was received, to the second."""
    moment = now()
    for each in ids:
        host.send(name, {"id": each})
        host.advance("1s")
    return moment


@pytest.mark.parametrize("key", [None, "event.data.id"])
def test_open_windows_of_a_debounce_are_shown_with_since_and_due(app: App, host: Host, key: str | None) -> None:
    @app.create_function(fn_id="save", trigger=TriggerEvent(event="typed"), debounce=Debounce("1m", key))
    async def save(ctx: Context) -> None: ...

    assert shown(app, "save") == []
    moment = sent(host, "typed", "a", "b", "c")
    (length,) = shown(app, "save")
    assert (length.kind, length.count, length.is_cut) == ("debounce", 1 if key is None else 3, False)
    assert length.since is not None
    assert length.due is not None
    assert abs(length.since - moment) < 1_000
    assert abs(length.due - moment - (62_000 if key is None else 60_000)) < 1_000
    host.advance("2m")
    assert shown(app, "save") == []


@pytest.mark.parametrize("key", [None, "event.data.id"])
def test_open_batches_are_shown_with_their_events(app: App, host: Host, key: str | None) -> None:
    @app.create_function(fn_id="book", trigger=TriggerEvent(event="sold"), batch_events=Batch(10, "1m", key))
    async def book(ctx: Context) -> None: ...

    assert shown(app, "book") == []
    moment = sent(host, "sold", "a", "b", "c")
    (length,) = shown(app, "book")
    assert (length.count, length.events) == ((1, 3) if key is None else (3, None))
    assert length.since is not None
    assert length.due == length.since + 60_000
    assert abs(length.since - moment) < 1_000
    host.advance("2m")
    assert shown(app, "book") == []


@pytest.mark.parametrize("burst", [1, 2])
def test_the_line_of_a_throttle_is_shown_with_the_next_time(app: App, host: Host, burst: int) -> None:
    begun: list[int] = []

    @app.create_function(fn_id="call", trigger=TriggerEvent(event="called"), throttle=Throttle(1, "1m", burst))
    async def call(ctx: Context) -> None:
        begun.append(now())

    host.send([Event("called", {}) for _ in range(5)])
    for left in range(5 - burst, 0, -1):
        (length,) = shown(app, "call")
        assert (length.kind, length.count) == ("throttle", left)
        before = len(begun)
        host.advance("1m")
        assert len(begun) == before + 1
        assert length.due is not None
        assert abs(begun[-1] - length.due) <= 1_000
    assert shown(app, "call") == []


def test_a_pace_counts_the_times_that_have_not_come() -> None:
    pace = Pace(10, 3)
    assert [pace.waiting(1_000 + ahead, 1_000) for ahead in (-5, 0, 10, 30, 31, 40, 41)] == [0, 0, 0, 0, 1, 1, 2]
    for taken in range(1_000, 1_200):
        following = taken + pace.interval
        is_later = pace.begins(taken, 1_000) > 1_000
        assert (pace.waiting(following, 1_000) > 0) == is_later


def test_runs_in_lines_are_shown_those_of_keys_as_unknown(app: App, host: Host) -> None:
    @app.create_function(fn_id="one", trigger=TriggerEvent(event="placed"), concurrency=Concurrency(1, hold="run"))
    async def one(ctx: Context) -> None:
        await ctx.step.sleep("long", "1d")

    @app.create_function(
        fn_id="keyed",
        trigger=TriggerEvent(event="placed"),
        concurrency=Concurrency(1, key="event.data.id"),
        throttle=Throttle(1, "1m", key="event.data.id"),
        singleton=Singleton("cancel", key="event.data.id"),
    )
    async def keyed(ctx: Context) -> None: ...

    @app.create_function(fn_id="last", trigger=TriggerEvent(event="placed"), singleton=Singleton("cancel"))
    async def last(ctx: Context) -> None:
        await ctx.step.sleep("long", "1d")

    moment = sent(host, "placed", "a", "b", "c")
    (length,) = shown(app, "one")
    assert (length.kind, length.count, length.due) == ("concurrency", 2, None)
    assert length.since is not None
    assert abs(length.since - moment - 1_000) < 1_000
    assert [(each.kind, each.count) for each in shown(app, "keyed")] == [
        ("throttle", None),
        ("singleton", None),
        ("concurrency", None),
    ]
    assert shown(app, "last") == []


def test_runs_that_wait_in_a_pause_are_shown_and_over_http_too(app: App, host: Host) -> None:
    @app.create_function(fn_id="ship", trigger=TriggerEvent(event="placed"), pausable=True)
    async def ship(ctx: Context) -> None: ...

    host.pause("ship")
    host.advance("11s")
    sent(host, "placed", "a", "b")
    (length,) = shown(app, "ship")
    assert (length.kind, length.count) == ("pause", 2)
    status, body = ask("GET", "/functions", {})
    (row,) = json.loads(body)["functions"]
    assert (status, row["waiting"][0]["kind"], row["waiting"][0]["count"]) == (200, "pause", 2)
    host.resume("ship")
    host.advance("1m")
    assert shown(app, "ship") == []


def test_nothing_is_scanned_and_what_a_look_leaves_out_is_said(
    app: App, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    @app.create_function(fn_id="save", trigger=TriggerEvent(event="typed"), debounce=Debounce("1m", "event.data.id"))
    async def save(ctx: Context) -> None: ...

    sent(host, "typed", *map(str, range(30)))
    monkeypatch.setattr("tarry_backend.api.queue_lengths._LOOKED", 2)
    (length,) = shown(app, "save")
    assert length.is_cut
    assert length.count is not None
    assert 0 < length.count <= 16
    calls: Counter[str] = Counter()

    def note(call: Call) -> bool:
        calls[call.operation] += not call.answered
        return False

    with host.cloud.dies(note):
        ask("GET", "/functions", {})
    assert calls["Scan"] == 0
    assert calls["Query"] <= 8


def test_what_waits_is_said_in_words() -> None:
    lengths = [
        QueueLength("debounce", 3, False, 5, 9),
        QueueLength("batch_events", 1, False, 5, 9, 1),
        QueueLength("throttle", None),
        QueueLength("concurrency", 1_000, True),
        QueueLength("pause", 1),
    ]
    assert queue_words(lengths, str).split("; ") == [
        "3 open windows since 5 until 9",
        "1 open batch of 1 event since 5 until 9",
        "a line for each key of its throttle: tarry run says what holds a run back",
        "1000 or more runs wait for a place",
        "1 run waits in the pause",
    ]

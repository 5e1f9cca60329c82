"""The limits of throttle and rate_limit are replaced while the app is deployed, as that of concurrency is."""

import json
from itertools import pairwise

import pytest

from tarry import App, Context, Event, RateLimit, Throttle, TriggerEvent
from tarry_backend.clock import now
from tarry_backend.model.trace import NoRun
from tarry_backend.queues.function_control import ControlError
from tarry_dev.cloud import Host
from tarry_dev.cloud.api import ask

CALLED = TriggerEvent(event="called")


def test_another_limit_of_a_throttle_is_for_runs_that_get_their_times_from_then_on(app: App, host: Host) -> None:
    begun: list[int] = []

    @app.create_function(fn_id="call", trigger=CALLED, throttle=Throttle(1, "1m"), pausable=True)
    async def call(ctx: Context) -> None:
        begun.append(now())

    def apart() -> list[int]:
        return [round((later - first) / 1000) for first, later in pairwise(begun)]

    for _ in range(3):
        host.send("called")
    host.advance("2m")
    assert apart() == [60, 60]
    host.limit("call", 6, "throttle")
    host.advance("2m")
    begun.clear()
    for _ in range(3):
        host.send("called")
    host.advance("1m")
    assert apart() == [10, 10]
    host.limit("call", None, "throttle")
    host.advance("2m")
    begun.clear()
    for _ in range(2):
        host.send("called")
    host.advance("2m")
    assert apart() == [60]


def test_another_rate_limit_counts_the_starts_of_before(app: App, host: Host) -> None:
    @app.create_function(fn_id="call", trigger=CALLED, rate_limit=RateLimit(2, "1h"), pausable=True)
    async def call(ctx: Context) -> None: ...

    def send(count: int) -> int:
        before = len(host.runs("call"))
        for _ in range(count):
            host.send("called")
        return len(host.runs("call")) - before

    assert send(3) == 2
    host.limit("call", 3, "rate_limit")
    host.advance("11s")
    assert send(3) == 1
    host.limit("call", 1, "rate_limit")
    host.advance("50m")
    assert send(1) == 0
    host.advance("1h")
    assert send(2) == 1
    host.limit("call", None, "rate_limit")
    host.advance("11s")
    assert send(2) == 1


def test_what_has_no_such_limit_is_refused_with_what_to_write(app: App, host: Host) -> None:
    @app.create_function(fn_id="call", trigger=CALLED, throttle=Throttle(1, "1m"), pausable=True)
    async def call(ctx: Context) -> None: ...

    @app.create_function(fn_id="plain", trigger=CALLED, throttle=Throttle(1, "1m"))
    async def plain(ctx: Context) -> None: ...

    with pytest.raises(ControlError, match=r"no limit of concurrency that could be another one.*--of throttle"):
        host.limit("call", 3)
    with pytest.raises(ControlError, match=r"create it with rate_limit=\.\.\."):
        host.limit("call", 3, "rate_limit")
    with pytest.raises(ControlError, match="pausable=True"):
        host.limit("plain", 3, "throttle")


def test_the_api_replaces_and_shows_them(app: App, host: Host) -> None:
    @app.create_function(fn_id="call", trigger=CALLED, throttle=Throttle(1, "1m"), pausable=True)
    async def call(ctx: Context) -> None: ...

    status, body = ask("POST", "/functions/call/limit", {"limit": "7", "of": "throttle"})
    assert (status, json.loads(body)["throttle_now"]) == (202, 7)
    (row,) = json.loads(ask("GET", "/functions", {})[1])["functions"]
    assert (row["throttle_now"], row["limit_now"]) == (7, None)
    assert ask("POST", "/functions/call/limit", {"limit": "7"})[0] == 409
    assert ask("POST", "/functions/call/limit", {"limit": "7", "of": "colour"})[0] == 400
    assert "throttle_now" not in json.loads(ask("POST", "/functions/call/limit", {"of": "throttle"})[1])


def test_an_event_that_another_limit_refuses_says_when_there_is_room(app: App, host: Host) -> None:
    @app.create_function(fn_id="call", trigger=CALLED, rate_limit=RateLimit(5, "1h"), pausable=True)
    async def call(ctx: Context) -> None: ...

    host.limit("call", 1, "rate_limit")
    host.advance("11s")
    host.send("called")
    host.send([Event("called", {}, id="second")])
    (trace,) = host.receipt("second").unstarted
    assert trace.why is NoRun.LIMITED
    assert trace.free_at is not None
    assert 3_590_000 < trace.free_at - now() <= 3_600_000

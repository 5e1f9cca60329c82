"""A small app that makes each Lambda of the stack make each of its calls to AWS, and what it goes through."""

import json
from collections.abc import Callable, Mapping
from random import Random
from typing import Any
from urllib.parse import quote

import boto3

from tarry import (
    App,
    Batch,
    Cancel,
    Concurrency,
    Context,
    Debounce,
    Event,
    EventMatch,
    Priority,
    RateLimit,
    Singleton,
    StepError,
    Throttle,
    Timeouts,
    TriggerEvent,
)
from tarry.encryption import Encryption, KmsKey
from tarry_dev.cloud import Cloud, Host

__all__ = ["Ask", "Outside", "play", "play_deaths", "shop"]

Ask = Callable[..., Any]

Outside = Callable[[str, str | None], Any]

LARGE = Random(7).randbytes(150_000).hex() + Random(8).randbytes(100_000).hex()
"""A text that stays too large for an item when it is compressed."""

FLOWS: Mapping[str, dict[str, Any]] = {
    "debounced": {"debounce": Debounce(period="1m", timeout="1h", key="event.data.id")},
    "batched": {"batch_events": Batch(2, "1m", key="event.data.id")},
    "throttled": {"throttle": Throttle(limit=1, period="1m"), "pausable": True},
    "skipped": {"singleton": Singleton("skip", key="event.data.id")},
    "replaced": {"singleton": Singleton("cancel", key="event.data.id")},
    "limited": {"rate_limit": RateLimit(limit=1, period="1h", key="event.data.id"), "pausable": True},
    "gated": {"concurrency": [Concurrency(1, hold="run"), Concurrency(1, key="event.data.id", scope="app")]},
    "ranked": {"concurrency": 1, "priority": Priority(run="event.data.id == '7' ? 60 : 0")},
    "hurried": {"timeouts": Timeouts(start="1h", finish="2h")},
    "once": {"idempotency": "event.data.id"},
    "cancelled": {"cancel": [Cancel(event="recalled", match="data.id")]},
}
"""Options of functions that sleep for a minute; the event that starts each has the function's name."""


def shop() -> App:
    """The app: a function for each option, one with each tool, and those that fail, hand over and are invoked."""
    app = App("shop")
    for fn_id, options in FLOWS.items():
        _sleeper(app, fn_id, options)

    @app.create_function(fn_id="bill", retries=0)
    async def bill(ctx: Context) -> str:
        return LARGE

    @app.create_function(fn_id="tools", trigger=TriggerEvent(event="tools"))
    async def tools(ctx: Context) -> str:
        return await _tools(app, ctx)

    @app.create_function(fn_id="waits", trigger=TriggerEvent(event="waits"))
    async def waits(ctx: Context) -> None:
        await _waits(ctx)

    @app.create_function(fn_id="chain", trigger=TriggerEvent(event="chain"))
    async def chain(ctx: Context) -> None:
        await ctx.step.sleep("rest", "1m")
        if ctx.event.data["left"]:
            await ctx.continue_as_new({"left": ctx.event.data["left"] - 1})

    async def apologise(ctx: Context) -> None:
        await ctx.step.run("mail", lambda: None)

    alone = Singleton("skip", key="event.data.id")

    @app.create_function(
        fn_id="broken", trigger=TriggerEvent(event="broken"), retries=1, on_failure=apologise, singleton=alone
    )
    async def broken(ctx: Context) -> None:
        await ctx.step.run("fail", _fail)

    return app


def encrypted(app: App) -> None:
    """Add a function whose results are encrypted by a key of the open cloud's KMS."""
    key = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]

    @app.create_function(
        fn_id="secret", trigger=TriggerEvent(event="secret"), middleware=[Encryption(KmsKey(key), max_messages=1)]
    )
    async def secret(ctx: Context) -> None:
        await ctx.step.run("card", lambda: "4111")
        await ctx.step.sleep("rest", "1m")


def _fail() -> None:
    raise ConnectionError("the bank is closed")


def _sleeper(app: App, fn_id: str, options: Mapping[str, Any]) -> None:
    @app.create_function(fn_id=fn_id, trigger=TriggerEvent(event=fn_id), **options)
    async def sleeper(ctx: Context) -> None:
        await ctx.step.sleep("rest", "1m")


async def _tools(app: App, ctx: Context) -> str:
    large: str = await ctx.step.run("pack", lambda: LARGE)
    await ctx.step.send_event("tell", Event("packed", {"id": "7", "text": large}))
    await ctx.step.invoke_by_id("bill", function_id="bill", timeout="1h")
    await ctx.step.sleep("soon", "1m")
    await ctx.step.sleep("later", "1h")
    await ctx.step.run("say", lambda: str(app.send_signal("nobody", keep="1h").status))
    await ctx.step.with_options(at_most_once=True).run("stamp", lambda: 1)
    try:
        await ctx.step.wait_for_signal("approved", signal="approval", timeout="2h")
        await ctx.step.wait_for_signal("again", signal="approval", timeout="1m")
    except StepError:
        return "in vain"
    return large


async def _waits(ctx: Context) -> None:
    by_key = EventMatch("paid", match="data.id")
    await ctx.step.wait_for_event("vain", event="packed", if_exp="async.data.id > 'x'", timeout="1m", lookback="1d")
    await ctx.step.wait_for_events("some", event="packed", match="data.id", count=2, timeout="1m")
    await ctx.step.wait_for_event("kept", event="packed", match="data.id", timeout="1m", lookback="1d")
    await ctx.step.wait_for_event("none", event="paid", if_exp="async.data.id > 1", timeout="1h")
    await ctx.step.wait_for_first("first", [by_key, EventMatch("refused", "async.data.all == true")], timeout="1h")
    await ctx.step.wait_for_events("both", event="paid", match="data.id", count=2, timeout="1h")
    await ctx.step.wait_for_event("ended", event="tarry/function.finished", if_exp="async.data.x == 1", timeout="1m")
    await ctx.step.wait_for_event("year", event="paid", match="data.id", timeout="60d")


def play(host: Host, ask: Ask, outside: Outside) -> None:
    """Let the app live: ``ask`` asks the HTTP API, ``outside`` sends a signal from outside of the stack,
    which is kept that long for a wait that comes later."""
    encrypted(host.cloud.app)
    host.send("secret")
    _flows(host)
    _tools_and_waits(host, outside)
    _lives(host, ask)
    _receipts(host, ask)
    _controls(host, ask)
    _backlog(host.cloud)
    _late(host)


def play_deaths(cloud: Cloud) -> None:
    """An executor, and a matcher, that die until their message is a dead letter, which is redriven then."""
    for function, queue in (("executor", "runs"), ("matcher", "events")):
        with cloud.dies(lambda call: True, function=function):
            cloud.send(Event("once", {"id": function}))
            cloud.advance("1d")
        assert cloud.redrive(queue) == 1
        cloud.advance("1h")


def _flows(host: Host) -> None:
    for fn_id in FLOWS:
        host.send([Event(fn_id, {"id": "7"}, id=f"{fn_id}-1"), Event(fn_id, {"id": "7"}, id=f"{fn_id}-2")])
        host.send([Event(fn_id, {"id": "8"}, id=f"{fn_id}-3")])
    host.send("recalled", {"id": "7"})
    host.send("debounced", {"id": "7", "text": LARGE})
    host.advance("3h")


def _tools_and_waits(host: Host, outside: Outside) -> None:
    host.send([Event("packed", {"id": "7", "text": LARGE}, id="large"), *(Event("packed", {"id": "8"}),) * 3])
    host.send("waits", {"id": "7"})
    host.advance("62s")
    host.send("packed", {"id": "7", "text": LARGE})
    host.send("tools", {"id": "7"})
    host.advance("2h")
    outside("approval", None)
    outside("kept", "1h")
    host.cloud.pump()
    for number in range(4):
        host.send([Event("paid", {"id": "7"}, id=f"paid-{number}")])
        host.advance("30m")


def _lives(host: Host, ask: Ask) -> None:
    host.send("chain", {"left": 2})
    host.send("broken", {"id": "7", "text": LARGE})
    host.advance("1h")
    broken, chain, batched = (host.runs(each)[0].id for each in ("broken", "chain", "batched"))
    assert ask("POST", f"/runs/{broken}/retry") == 202
    host.advance("1h")
    host.cloud.app.retry(broken)
    assert ask("POST", f"/runs/{broken}/rerun", body=json.dumps({"data": {"text": LARGE + "x"}})) == 202
    assert ask("POST", f"/runs/{broken}/rerun", {"from": "fail"}) == 202
    assert ask("POST", f"/runs/{batched}/rerun") == 202
    host.advance("1h")
    assert ask("POST", f"/runs/{chain}/cancel") == 409
    host.send([Event("replaced", {"id": "7"}, id="r-1"), Event("replaced", {"id": "8"}, id="r-2")])
    first, second = (each.id for each in host.runs("replaced")[-2:])
    assert ask("POST", f"/runs/{first}/cancel") == 202
    host.cloud.app.cancel(second)
    host.advance("1h")


def _receipts(host: Host, ask: Ask) -> None:
    for fn_id in ("debounced", "batched", "throttled", "gated"):
        host.send([Event(fn_id, {"id": "7"}, id=f"{fn_id}-open-{number}") for number in range(3)])
    host.send("waits", {"id": "8"})
    asked = ("large", "packed"), ("paid-0", "paid"), *((f"{fn_id}-2", fn_id) for fn_id in FLOWS)
    opened = ((f"{fn_id}-open-2", fn_id) for fn_id in ("debounced", "batched", "throttled", "gated"))
    for event_id, name in (*asked, *opened):
        assert ask("GET", f"/events/{quote(event_id)}", {"name": name, "since": "7d"}) == 200
    for run in host.runs():
        assert ask("GET", f"/runs/{run.id}") == 200
    for path, query in (("/runs", {}), ("/runs", {"status": "failed", "function": "broken"}), ("/waits", {})):
        assert ask("GET", path, query) == 200
    assert ask("GET", "/events", {"name": "packed", "since": "7d"}) == 200


def _controls(host: Host, ask: Ask) -> None:
    for control in ("pause", "resume", "drain", "resume"):
        assert ask("POST", f"/functions/gated/{control}") == 202
        host.send("gated", {"id": "7"})
        assert ask("GET", "/functions") == 200
        host.advance("10m")
    host.send([Event("gated", {"id": "7"}, id="last-1"), Event("gated", {"id": "7"}, id="last-2")])
    host.cancel(host.runs("gated")[-1])
    host.send([Event("throttled", {"id": "7"}, id=f"slow-{number}") for number in range(3)])
    assert ask("GET", "/functions") == 200
    for fn_id, option in (("ranked", "concurrency"), ("throttled", "throttle"), ("limited", "rate_limit")):
        assert ask("POST", f"/functions/{fn_id}/limit", {"limit": "3", "of": option}) == 202
    host.send("ranked", {"id": "7"})
    assert ask("GET", f"/runs/{host.runs('ranked')[-1].id}") == 200
    host.advance("10m")


def _backlog(cloud: Cloud) -> None:
    """Deadlines that wait behind events."""
    cloud.send([Event("waits", {"id": "9"}), Event("waits", {"id": "9"})])
    cloud.pump()
    with cloud.hold("events"):
        cloud.advance("2m")
    cloud.advance("5m")
    cloud.send(Event("paid", {"id": "text"}))
    cloud.advance("1h")


def _late(host: Host) -> None:
    """Waits that live on, and runs whose items, and objects, go."""
    for _ in range(8):
        host.advance("10d")
        host.cloud.expire()

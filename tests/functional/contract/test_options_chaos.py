"""A shop whose functions have many options at once, while all goes wrong that may go wrong.

Whatever it is, each event has one run of each function, or one reason why not; and nothing is left behind.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import groupby
from random import Random
from typing import Any

import pytest

from tarry import (
    App,
    Batch,
    Cancel,
    Concurrency,
    Context,
    Debounce,
    Event,
    Priority,
    RateLimit,
    Singleton,
    Throttle,
    Timeouts,
    TriggerEvent,
)
from tarry_backend.model.run import RunSnapshot
from tarry_backend.runtime import runtime
from tarry_dev.cloud import Chaos, Host
from tests.functional.contract.traces import in_indexes

TYPED = TriggerEvent(event="typed")

FUNCTIONS: dict[str, dict[str, Any]] = {
    "cancels": {"singleton": Singleton("cancel", key="event.data.doc")},
    "skips": {"singleton": Singleton("skip", key="event.data.doc"), "rate_limit": RateLimit(20, "2m")},
    "calms": {
        "debounce": Debounce("30s", key="event.data.doc", timeout="2m"),
        "rate_limit": RateLimit(4, "5m"),
        "concurrency": Concurrency(1, hold="run"),
    },
    "paces": {
        "throttle": Throttle(30, "1m", burst=2),
        "concurrency": Concurrency(2, key="event.data.doc"),
        "timeouts": Timeouts(start="3m", finish="1h"),
        "cancel": [Cancel(event="closed", match="data.doc")],
    },
    "gathers": {
        "batch_events": Batch(4, "40s", key="event.data.doc"),
        "concurrency": Concurrency(1, hold="run"),
        "timeouts": Timeouts(start="10m"),
    },
    "prefers": {
        "debounce": Debounce("3s", key="event.data.n"),
        "concurrency": Concurrency(2, hold="run"),
        "priority": Priority("event.data.n * 7"),
        "timeouts": Timeouts(start="30m", finish="1h"),
    },
    "does all": {
        "debounce": Debounce("5s", key="event.data.n"),
        "idempotency": "event.data.pair",
        "rate_limit": RateLimit(100, "1m"),
        "singleton": Singleton("cancel", key="event.data.doc"),
        "throttle": Throttle(60, "1m", key="event.data.doc"),
        "concurrency": Concurrency(3),
        "timeouts": Timeouts(start="10m", finish="1h"),
    },
}

SINGLETONS = ("cancels", "skips", "does all")


def shop(app: App) -> list[str]:
    """Create the functions; return the runs whose bodies run, in that order.

    A third of the runs hand over once, another third twice.
    """
    worked: list[str] = []

    async def work(ctx: Context) -> list[int]:
        await ctx.step.run("begin", worked.append, ctx.run_id)
        await ctx.step.sleep("rest", "7s")
        await ctx.step.wait_for_event("never", event="never", timeout="5s")
        await ctx.step.run("end", worked.append, ctx.run_id)
        generation: int = ctx.event.data.get("generation", 0)
        if len(ctx.events) == 1 and generation < ctx.event.data["n"] % 3:
            await ctx.continue_as_new({**ctx.event.data, "generation": generation + 1})
        return [each.data["n"] for each in ctx.events]

    for name, options in FUNCTIONS.items():
        app.create_function(fn_id=name, trigger=TYPED, **options)(work)
    return worked


def play(host: Host, seed: int) -> list[Event]:
    """Send events, some of them again and some of the future, while everything goes wrong; return them."""
    draw, sent = Random(seed), list[Event]()
    host.cloud.chaos = Chaos(
        seed=seed,
        processes=2,
        at_once=4,
        duplicates=0.2,
        disorder=0.2,
        throttled_writes=0.02,
        index_lag=3.0,
        expiry=0.3,
        clocks={"executor": 1.0, "matcher": -1.0},
    )
    with host.cloud.dies(lambda call: draw.random() < 0.004):
        for number in range(15):
            ts = host.cloud.clock.now() + (60_000 if number % 7 == 3 else 0)
            sent.append(Event("typed", {"n": number, "doc": number % 3, "pair": number // 2}, id=f"e{number}", ts=ts))
            host.send(sent[-1])
            if draw.random() < 0.3:
                host.send(draw.choice([*sent, Event("closed", {"doc": number % 3})]))
            host.advance(f"{draw.randint(0, 25)}s")
        host.advance("2h")
    host.cloud.chaos = Chaos()
    host.advance("4h")
    return sent


def snapshots(host: Host) -> Iterator[RunSnapshot]:
    for run in host.runs():
        snapshot = runtime().store.runs.load(run.id)
        assert snapshot is not None
        yield snapshot


@pytest.mark.parametrize("seed", [0, 1, 3])
def test_each_event_has_one_run_or_one_reason_and_nothing_is_left_behind(app: App, host: Host, seed: int) -> None:
    worked = shop(app)
    sent = play(host, seed)
    assert host.dead_letters == []
    runs = list(snapshots(host))
    assert {each.run.status.value for each in runs} <= {"finished", "cancelled"}
    functions = {each.run.id: each.run.function_id for each in runs}
    for event in sent:
        found = host.receipt(event.id)
        started = [functions[each.run.id] for each in found.started]
        assert Counter([*started, *(each.function_id for each in found.unstarted)]) == Counter(list(FUNCTIONS))
    gathered = [each.run.events for each in runs if each.run.function_id == "gathers" and each.run.chain is None]
    assert sorted(event.data["n"] for batch in gathered for event in batch) == list(range(len(sent)))
    _check_singletons(runs, worked)
    _check_leftovers(host)


def _check_singletons(runs: list[RunSnapshot], worked: list[str]) -> None:
    """No run of a singleton works after another one has begun: each run's bodies stand together."""
    bodies: dict[tuple[str, int], list[str]] = defaultdict(list)
    whose = {each.run.id: (each.run.function_id, each.run.event.data["doc"]) for each in runs}
    for run_id in worked:
        bodies[whose[run_id]].append(run_id)
    for (function, _), run_ids in bodies.items():
        if function in SINGLETONS:
            together = [run_id for run_id, _ in groupby(run_ids)]
            assert len(together) == len(set(together))


def _check_leftovers(host: Host) -> None:
    """Nothing is in an index, and whatever belongs to runs and windows expires."""
    assert in_indexes(host.cloud) == set()
    items = host.cloud.clients.dynamodb.scan(TableName="tarry")["Items"]
    lasting = {item["pk"]["S"].partition("#")[0] for item in items if "expires" not in item}
    assert lasting <= {"name", "timers", "gate"}

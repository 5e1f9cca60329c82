"""Values that a run made, in its waits: stored with the wait, found by key, and never code."""

from typing import Any

import pytest

from tarry import App, Context, ContextSync, Event, EventMatch, TriggerEvent
from tarry_backend.runtime import runtime
from tarry_dev.cloud import Host
from tests.functional.contract.traces import in_indexes

PLACED = TriggerEvent(event="placed")
WROTE = """O'Neil "the" \\ 😀' || true || '"""
"""What a customer wrote."""


def waits_async(app: App, made: Any) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> Any:
        name = await ctx.step.run("make", lambda: made)
        paid = await ctx.step.wait_for_event("paid", event="paid", where={"data.name": name}, timeout="1h")
        first = await ctx.step.wait_for_first(
            "first",
            [
                EventMatch("gone", where={"data.name": name}),
                EventMatch("more", if_exp="async.data.n > n", bind={"n": 5}),
            ],
            timeout="1h",
        )
        rest = await ctx.step.wait_for_events(
            "rest",
            event="part",
            count=2,
            where={"data.name": name},
            if_exp="async.data.n != n",
            bind={"n": 10**20},
            timeout="1h",
        )
        return [each and each.id for each in (paid, first, *rest)]


def waits_sync(app: App, made: Any) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    def order(ctx: ContextSync) -> Any:
        name = ctx.step.run("make", lambda: made)
        paid = ctx.step.wait_for_event("paid", event="paid", where={"data.name": name}, timeout="1h")
        first = ctx.step.wait_for_first(
            "first",
            [
                EventMatch("gone", where={"data.name": name}),
                EventMatch("more", if_exp="async.data.n > n", bind={"n": 5}),
            ],
            timeout="1h",
        )
        rest = ctx.step.wait_for_events(
            "rest",
            event="part",
            count=2,
            where={"data.name": name},
            if_exp="async.data.n != n",
            bind={"n": 10**20},
            timeout="1h",
        )
        return [each and each.id for each in (paid, first, *rest)]


@pytest.mark.parametrize("add", [waits_async, waits_sync])
@pytest.mark.parametrize("made", [WROTE, 10**20, ["a", {"b": None}]], ids=["text", "number", "list"])
def test_each_kind_of_wait_takes_values_of_the_run(app: App, host: Host, add: Any, made: Any) -> None:
    add(app, made)
    host.send("placed", {})
    host.send([Event("paid", {"name": "another"}, id="p0"), Event("paid", {"name": made}, id="p1")])
    host.send([Event("more", {"n": 5}, id="m0"), Event("gone", {"name": "another"}, id="g0")])
    assert host.run().steps["first"].status == "waiting"
    host.send([Event("more", {"n": 6}, id="m1")])
    host.send([Event("part", {"name": made, "n": n}, id=f"r{n % 10}") for n in (10**20, 1, 2)])
    assert host.run().output == ["p1", "m1", "r1", "r2"]
    assert in_indexes(host.cloud) == set()
    assert host.dead_letters == []


def test_a_stored_wait_keeps_the_values_that_it_was_opened_with(app: App, host: Host) -> None:
    """The code before the wait is not in a step, so it gives another value at the replay. The wait is stored."""
    values = iter("abc")

    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> Any:
        paid = await ctx.step.wait_for_event("paid", event="paid", where={"data.name": next(values)}, timeout="1h")
        return paid and paid.id

    host.send("placed", {})
    host.send([Event("paid", {"name": "b"}, id="b")])
    assert host.run().status == "running"
    host.send([Event("paid", {"name": "a"}, id="a")])
    assert host.run().output == "a"


def test_an_event_finds_the_wait_by_the_key_of_its_values(app: App, host: Host) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> Any:
        name = await ctx.step.run("make", lambda: WROTE)
        await ctx.step.wait_for_event("paid", event="paid", where={"data.name": name}, timeout="1h")
        await ctx.step.wait_for_event("due", event="due", if_exp="async.data.n == n", bind={"n": 7}, timeout="1h")

    host.send("placed", {})
    assert set(runtime().store.names.of("paid").shapes) == {'[["data","name"]]'}
    host.send("paid", {"name": WROTE})
    assert set(runtime().store.names.of("due").shapes) == {'[["data","n"]]'}


@pytest.mark.parametrize("made", [WROTE, ["a", {"b": 10**20}]], ids=["text", "list"])
def test_a_receipt_compares_with_the_values_of_the_wait_open_or_ended(app: App, host: Host, made: Any) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> Any:
        await ctx.step.wait_for_first(
            "first",
            [
                EventMatch("gone", where={"data.name": made}),
                EventMatch("paid", where={"data.name": made}, if_exp="async.data.cents >= least", bind={"least": 100}),
            ],
            timeout="1h",
        )

    def missed() -> list[tuple[str, str | None]]:
        return [(miss.why.value, miss.expression) for miss in host.receipt("p0").missed]

    host.send("placed", {})
    host.send([Event("paid", {"name": made, "cents": 99}, id="p0")])
    [(why, condition)] = missed()
    assert (why, host.run().status) == ("expression", "running")
    assert condition is not None
    assert condition.startswith("async.data.name == ")
    assert condition.endswith(" && (async.data.cents >= least) with least = 100")
    host.send([Event("paid", {"name": made, "cents": 100}, id="p1")])
    assert host.run().status == "finished"
    assert [step for _, step in host.receipt("p1").resumed] == ["first"]
    assert missed() == [(why, condition)]


def test_values_too_large_for_the_waits_item_are_an_error_of_the_wait(app: App, host: Host) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> None:
        await ctx.step.wait_for_event("paid", event="paid", where={"data.name": "x" * 70_000}, timeout="1h")

    host.send("placed", {})
    assert host.run().error is not None
    assert host.run().error.name == "LimitError"  # type: ignore[union-attr]


@pytest.mark.parametrize("lookback", ["8d", "366d"])
def test_a_lookback_beyond_the_logs_days_is_an_error_of_the_wait(app: App, host: Host, lookback: str) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> None:
        await ctx.step.wait_for_event("paid", event="paid", timeout="1h", lookback=lookback)

    host.send("placed", {})
    run = host.run()
    assert run.status == "failed"
    assert run.error is not None
    assert run.error.name == "DurationError"
    assert "step 'paid': lookback reaches further back than the log, which keeps events for 7 days" in run.error.message


def test_a_lookback_of_all_the_logs_days_is_taken(app: App, host: Host) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> None:
        await ctx.step.wait_for_event("paid", event="paid", timeout="1h", lookback="7d")

    host.send([Event("placed", {}, id="p")])
    assert host.run().status == "running"

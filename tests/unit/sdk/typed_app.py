"""A sample application: what each call gives is known to type checkers. mypy and pyright check ``assert_type``."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import assert_type

import tarry
from tarry_dev.cloud import Host


@tarry.event_type("order/placed")
@dataclass
class Placed:
    order: int


@tarry.event_type("order/paid")
@dataclass
class Paid:
    order: int


@dataclass
class Assessment:
    score: Decimal
    at: datetime


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)

app = tarry.App("shop")


def assess(order: int, *, strict: bool = False) -> Assessment:
    return Assessment(Decimal(order), NOON)


async def assess_later(order: int) -> Assessment | None:
    return None


@app.create_function(fn_id="pack")
async def pack(ctx: tarry.Context) -> Assessment:
    return await ctx.step.run("assess", assess, 7)


@app.create_function(fn_id="label", trigger=None)
def label(ctx: tarry.ContextSync[Placed]) -> list[str]:
    assert_type(ctx.data, Placed)
    assert_type(ctx.events, list[tarry.Event])
    assert_type(ctx.step.run("assess", assess, 7, strict=True), Assessment)
    assert_type(ctx.step.run("again", assess, 7, output_type=Paid), Paid)
    assert_type(ctx.step.invoke("pack", function=pack), Assessment)
    assert_type(ctx.step.wait_for_signal("signal", signal="a", timeout="1h", type=Assessment), Assessment | None)
    assert_type(ctx.group.race([lambda: assess(1), lambda: assess(2)]), Assessment)
    assert_type(ctx.group.parallel((lambda: assess(1), lambda: str(2))), tuple[Assessment, str])
    return []


@app.create_function(fn_id="order-once", trigger=tarry.TriggerEvent(event=Placed))
async def order_once(ctx: tarry.Context[Placed]) -> None:
    options = ctx.step.with_options(timeout="30s", backoff=["1s"], at_most_once=True)
    assert_type(await options.run("once", assess, 7), Assessment)
    assert_type(await options.run("once typed", dict, output_type=Assessment), Assessment)
    assert_type(await ctx.patched("check stock"), bool)


@app.create_function(fn_id="order-once-sync", trigger=tarry.TriggerEvent(event=Placed))
def order_once_sync(ctx: tarry.ContextSync[Placed]) -> None:
    options = ctx.step.with_options(timeout="30s", backoff=["1s"], at_most_once=True)
    assert_type(options.run("once", assess, 7), Assessment)
    assert_type(ctx.patched("check stock"), bool)


@app.create_function(fn_id="order", trigger=tarry.TriggerEvent(event=Placed))
async def order(ctx: tarry.Context[Placed]) -> Decimal:
    assert_type(ctx.data, Placed)
    assessed = await ctx.step.run("assess", assess, ctx.data.order)
    assert_type(assessed, Assessment)
    assert_type(await ctx.step.run("later", assess_later, 7), Assessment | None)
    assert_type(await ctx.step.with_options(retries=1).run("optioned", assess, 7), Assessment)
    assert_type(await ctx.step.run("typed", dict, output_type=Assessment), Assessment)
    assert_type(await ctx.step.invoke("pack", function=pack), Assessment)
    assert_type(await ctx.step.invoke("label", function=label), list[str])
    assert_type(await ctx.step.invoke("typed pack", function=pack, output_type=Paid), Paid)
    assert_type(await ctx.step.invoke_by_id("by id", function_id="pack", output_type=Assessment), Assessment)
    assert_type(await ctx.step.wait_for_event("paid", event=Paid, timeout="1h"), Paid | None)
    assert_type(await ctx.step.wait_for_event("seen", event="seen", timeout="1h"), tarry.Event | None)
    first = await ctx.step.wait_for_first("first", [tarry.EventMatch(Paid)], timeout="1h")
    assert_type(first, Paid | None)
    named = await ctx.step.wait_for_first("named", [tarry.EventMatch("a"), tarry.EventMatch("b")], timeout="1h")
    assert_type(named, tarry.Event | None)
    signal = await ctx.step.wait_for_signal("signal", signal="approval", timeout="1h", type=Assessment)
    assert_type(signal, Assessment | None)
    won = await ctx.group.race([lambda: ctx.step.run("a", assess, 1), lambda: ctx.step.run("b", assess, 2)])
    assert_type(won, Assessment)
    both = await ctx.group.parallel((lambda: ctx.step.run("c", assess, 1), lambda: ctx.step.run("d", str, 2)))
    assert_type(both, tuple[Assessment, str])
    paid = await ctx.group.race(
        (
            lambda: ctx.step.wait_for_event("e", event=Paid, timeout="1h"),
            lambda: ctx.step.run("f", str, 2),
            lambda: ctx.step.sleep("g", "1h"),
            lambda: ctx.step.invoke("h", function=label),
        )
    )
    assert_type(paid, Paid | str | list[str] | None)
    assert_type(await asyncio.gather(ctx.step.run("i", assess, 1), ctx.step.run("j", str)), tuple[Assessment, str])
    assert_type(await ctx.step.wait_for_events("k", event=Paid, count=2, timeout="1h"), list[Paid])
    many = await ctx.group.parallel([lambda: ctx.step.run("e", assess, 1)])
    assert_type(many, tuple[Assessment, ...])
    assert_type(await app.send(Paid(1)), list[str])
    return assessed.score


def look(host: Host) -> None:
    assert_type(pack, tarry.Function[Assessment])
    assert_type(app.send_sync(Paid(1)), list[str])
    assert_type(host.run(order).output, Decimal)
    assert_type(host.runs(pack)[0].output, Assessment)
    assert_type(host.result(order), Decimal)
    assert_type(host.result(host.run(label)), list[str])
    here = tarry.current()
    assert_type(here, tarry.CurrentRun | None)

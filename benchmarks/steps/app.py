"""The functions that are measured. Each ends with a sleep, so that its run stays open to be replayed."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import Any

import tarry

__all__ = ["BODY_MS", "KINDS", "TOLD", "WIDTH", "app"]

TOLD = "bench/told"
"""The event that resolves the waits."""

KINDS = {"steps": 0, "steps and sleeps": 1, "steps and waits": 1}
"""The kinds of run, each with what stands between two of its steps: nothing, or one suspension."""

WIDTH = 10
"""The steps of the runs whose steps stand side by side."""

BODY_MS = 200
"""How long each of those takes, unless the command says otherwise."""

app = tarry.App("bench")


async def result(number: int) -> dict[str, Any]:
    """What a step gives: some 100 bytes."""
    return {"number": number, "status": "done", "reference": f"reference-{number:06}", "note": "as good as any other"}


@app.create_function(fn_id="steps", trigger=tarry.TriggerEvent(event="bench/steps"))
async def steps(ctx: tarry.Context) -> None:
    """So many steps, one after the other."""
    for number in range(ctx.event.data["count"]):
        await ctx.step.run(f"step-{number:04}", result, number)
    await ctx.step.sleep("end", "10d")


@app.create_function(fn_id="steps-and-sleeps", trigger=tarry.TriggerEvent(event="bench/steps and sleeps"))
async def steps_and_sleeps(ctx: tarry.Context) -> None:
    """A sleep of an hour after each step."""
    for number in range(ctx.event.data["count"]):
        await ctx.step.run(f"step-{number:04}", result, number)
        await ctx.step.sleep(f"rest-{number:04}", "1h")
    await ctx.step.sleep("end", "10d")


@app.create_function(fn_id="steps-and-waits", trigger=tarry.TriggerEvent(event="bench/steps and waits"))
async def steps_and_waits(ctx: tarry.Context) -> None:
    """After each step a wait for an event with the run's own number."""
    for number in range(ctx.event.data["count"]):
        await ctx.step.run(f"step-{number:04}", result, number)
        await ctx.step.wait_for_event(f"told-{number:04}", event=TOLD, match="data.run", timeout="7d")
    await ctx.step.sleep("end", "10d")


async def rest(milliseconds: int) -> None:
    """Takes its time."""
    await asyncio.sleep(milliseconds / 1000)


def rest_sync(milliseconds: int) -> None:
    """Takes its time, in a thread."""
    time.sleep(milliseconds / 1000)


@app.create_function(fn_id="row-async", trigger=tarry.TriggerEvent(event="bench/row-async"))
async def row(ctx: tarry.Context) -> None:
    """One after the other."""
    for number in range(WIDTH):
        await ctx.step.run(f"rest-{number}", rest, ctx.event.data["count"])
    await ctx.step.sleep("end", "10d")


@app.create_function(fn_id="parallel-async", trigger=tarry.TriggerEvent(event="bench/parallel-async"))
async def parallel(ctx: tarry.Context) -> None:
    """Side by side."""
    await ctx.group.parallel([partial(ctx.step.run, f"rest-{n}", rest, ctx.event.data["count"]) for n in range(WIDTH)])
    await ctx.step.sleep("end", "10d")


@app.create_function(fn_id="row-def", trigger=tarry.TriggerEvent(event="bench/row-def"))
def row_sync(ctx: tarry.ContextSync) -> None:
    """One after the other."""
    for number in range(WIDTH):
        ctx.step.run(f"rest-{number}", rest_sync, ctx.event.data["count"])
    ctx.step.sleep("end", "10d")


@app.create_function(fn_id="parallel-def", trigger=tarry.TriggerEvent(event="bench/parallel-def"))
def parallel_sync(ctx: tarry.ContextSync) -> None:
    """Side by side."""
    ctx.group.parallel([partial(ctx.step.run, f"rest-{n}", rest_sync, ctx.event.data["count"]) for n in range(WIDTH)])
    ctx.step.sleep("end", "10d")

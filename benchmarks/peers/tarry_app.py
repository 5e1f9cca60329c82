"""The workload as a durable function of Tarry."""

from __future__ import annotations

from typing import Any

import tarry

__all__ = ["START", "TOLD", "app"]

START, TOLD = "bench/start", "bench/told"

app = tarry.App("bench")


def _result(number: int) -> dict[str, Any]:
    return {"number": number, "status": "done", "reference": f"reference-{number:06}", "note": "as good as any other"}


@app.create_function(fn_id="workload", trigger=tarry.TriggerEvent(START))
def workload(ctx: tarry.ContextSync) -> None:
    """The function runs the given number of steps, then of waits. A plain ``def``, as the peer's function is."""
    data = ctx.event.data
    for number in range(data["steps"]):
        ctx.step.run(f"step-{number:04}", _result, number)
    for number in range(data["waits"]):
        if data["kind"] == "sleep":
            ctx.step.sleep(f"wait-{number:04}", f"{data['seconds']}s")
        else:
            ctx.step.wait_for_event(f"wait-{number:04}", event=TOLD, match="data.run", timeout="7d")


@app.create_function(fn_id="workload-async", trigger=tarry.TriggerEvent(f"{START}-async"))
async def workload_async(ctx: tarry.Context) -> None:
    """The same as an ``async def``."""
    data = ctx.event.data
    for number in range(data["steps"]):
        await ctx.step.run(f"step-{number:04}", _result, number)
    for number in range(data["waits"]):
        if data["kind"] == "sleep":
            await ctx.step.sleep(f"wait-{number:04}", f"{data['seconds']}s")
        else:
            await ctx.step.wait_for_event(f"wait-{number:04}", event=TOLD, match="data.run", timeout="7d")

"""The functions whose runs are measured. Each differs from another one by a single thing."""

from __future__ import annotations

from typing import Any

import tarry

__all__ = ["STEPS", "TOLD", "app"]

STEPS = 10
"""The steps of ``steps``."""

TOLD = "cost/told"

app = tarry.App("cost")


def _result(number: int) -> dict[str, Any]:
    return {"number": number, "status": "done", "reference": f"reference-{number:06}"}


@app.create_function(fn_id="ends", trigger=tarry.TriggerEvent("cost/ends"))
def ends(ctx: tarry.ContextSync) -> None:
    """A start, and an end that nothing hears."""


@app.create_function(fn_id="steps", trigger=tarry.TriggerEvent("cost/steps"))
def steps(ctx: tarry.ContextSync) -> None:
    """The same, and some steps."""
    for number in range(STEPS):
        ctx.step.run(f"step-{number}", _result, number)


@app.create_function(fn_id="sleeps", trigger=tarry.TriggerEvent("cost/sleeps"))
def sleeps(ctx: tarry.ContextSync) -> None:
    """A start, and a sleep, which is written as a step is."""
    ctx.step.sleep("sleep", "7d")


@app.create_function(fn_id="waits", trigger=tarry.TriggerEvent("cost/waits"))
def waits(ctx: tarry.ContextSync) -> None:
    """A start, and two waits that events end."""
    for number in range(2):
        ctx.step.wait_for_event(f"wait-{number}", event=TOLD, match="data.run", timeout="7d")


@app.create_function(fn_id="times-out", trigger=tarry.TriggerEvent("cost/times-out"))
def times_out(ctx: tarry.ContextSync) -> None:
    """A start, and a wait that nothing ends."""
    ctx.step.wait_for_event("wait", event=TOLD, match="data.run", timeout="1s")


@app.create_function(fn_id="fails", trigger=tarry.TriggerEvent("cost/fails"), retries=0)
def fails(ctx: tarry.ContextSync) -> None:
    """A start, and an end that is announced."""
    raise tarry.NonRetriableError("this run is measured as it fails")

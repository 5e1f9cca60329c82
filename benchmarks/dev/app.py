"""The functions whose runs wait: each for an event of its own, or all for the same one."""

from __future__ import annotations

import tarry

__all__ = ["ALL", "GO", "HERD", "START", "make_app"]

START, GO = "bench/start", "bench/go"
"""A run starts, and it waits for the event of its own number."""

HERD, ALL = "bench/herd", "bench/all"
"""A run starts, and it waits for the event that all others wait for."""


def make_app() -> tarry.App:
    """Return a new app: each cloud of the benchmark has its own."""
    app = tarry.App("bench")

    @app.create_function(fn_id="own", trigger=tarry.TriggerEvent(event=START))
    async def own(ctx: tarry.Context) -> str:
        """Ends with the event that has its number."""
        event = await ctx.step.wait_for_event("go", event=GO, match="data.number", timeout="7d")
        return "resumed" if event else "in vain"

    @app.create_function(fn_id="herd", trigger=tarry.TriggerEvent(event=HERD))
    async def herd(ctx: tarry.Context) -> str:
        """Ends with the event that has its herd."""
        event = await ctx.step.wait_for_event("all", event=ALL, match="data.herd", timeout="7d")
        return "resumed" if event else "in vain"

    return app

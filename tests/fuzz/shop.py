"""The app that is fuzzed: its functions wait for, and compute with, whatever comes."""

from typing import Any

from tarry import App, Context, TriggerEvent

__all__ = ["shop"]

EITHER = "async.data.id == event.data.id || async.data.a in event.data.a"


def shop() -> App:
    """A new app."""
    app = App("fuzz")

    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"), retries=0)
    async def order(ctx: Context) -> Any:
        paid = await ctx.step.wait_for_event("paid", event="paid", match="data.id", timeout="2h")
        return paid.data if paid else None

    @app.create_function(
        fn_id="wide", trigger=TriggerEvent(event="placed", expression="has(event.data.a)"), idempotency="event.data.a"
    )
    async def wide(ctx: Context) -> Any:
        paid = await ctx.step.wait_for_event("either", event="paid", if_exp=EITHER, timeout="2h")
        return await ctx.step.run("keep", lambda: paid and paid.data)

    @app.create_function(fn_id="mailbox", trigger=TriggerEvent(event="asked"))
    async def mailbox(ctx: Context) -> Any:
        return await ctx.step.wait_for_signal("answer", signal=str(ctx.event.data["name"]), timeout="2h")

    @app.create_function(fn_id="neighbour", trigger=TriggerEvent(event="neighbour"))
    async def neighbour(ctx: Context) -> str:
        return await ctx.step.run("note", lambda: "noted")

    return app

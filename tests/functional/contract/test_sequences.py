"""Row W29: what a run waits for, one after the other, may come in any order."""

import pytest

from tarry import App, Context, Event, EventMatch, TriggerEvent
from tarry_dev.cloud import Host

PLACED = TriggerEvent(event="placed")


def approved(name: str) -> Event:
    return Event(name, {"id": "7"}, id=f"by {name}")


async def approval(ctx: Context, name: str, within: str = "1d") -> str | None:
    event = await ctx.step.wait_for_event(name, event=name, match="data.id", timeout=within)
    return event.id if event else None


def test_w29_two_approvals_that_are_waited_for_in_sequence_may_come_in_either_order(app: App, host: Host) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> list[str | None]:
        await ctx.step.send_event("ask", Event("asked", {"id": "7"}))
        return [await approval(ctx, "legal"), await approval(ctx, "finance")]

    host.send("placed", {"id": "7"})
    host.advance("1m")
    host.send([approved("finance")])
    host.advance("1h")
    host.send([approved("legal")])
    assert host.run().output == ["by legal", "by finance"]


@pytest.mark.parametrize(("during", "seen"), [(True, "by finance"), (False, None)], ids=["during it", "before it"])
def test_w29_a_step_between_two_waits_is_where_the_second_begins_to_look(
    app: App, host: Host, during: bool, seen: str | None
) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> list[str | None]:
        first = await approval(ctx, "legal")
        await ctx.step.run("ask", ask)
        return [first, await approval(ctx, "finance")]

    async def ask() -> None:
        if during:
            host.cloud.send(approved("finance"))

    host.send("placed", {"id": "7"})
    if not during:
        host.send([approved("finance")])
    host.advance("1h")
    host.send([approved("legal")])
    host.advance("2d")
    assert host.run().output == ["by legal", seen]


def test_w29_waits_that_time_out_or_are_for_a_signal_or_for_several_names_do_not_move_it_either(
    app: App, host: Host
) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> list[str | None]:
        await approval(ctx, "nobody", "1h")
        await ctx.step.wait_for_signal("signal", signal="signal/7", timeout="1h")
        await ctx.step.wait_for_first("first", [EventMatch("this"), EventMatch("that")], timeout="1h")
        return [await approval(ctx, name) for name in ("legal", "this")]

    host.send("placed", {"id": "7"})
    host.send([approved("legal")])
    host.advance("65m")
    host.signal("signal/7")
    host.advance("10m")
    host.send([approved("that")])
    host.send([approved("this")])
    assert host.run().output == ["by legal", "by this"]

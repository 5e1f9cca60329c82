"""R21 over the table: what a step was asked is kept with it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from tarry import App, Context, TriggerEvent

if TYPE_CHECKING:
    import pytest

    from tarry_dev.cloud import Host

PLACED = TriggerEvent("placed")


def test_r21_a_set_that_is_walked_in_another_order_after_a_wait(
    app: App, host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    orders = [["\ud83d", "b"], ["b", "\ud83d"]]

    @app.create_function(fn_id="ship", trigger=PLACED)
    async def ship(ctx: Context) -> Any:
        lengths = [await ctx.step.run("pack", len, parcel) for parcel in orders.pop(0)]
        await ctx.step.wait_for_event("paid", event="paid", timeout="1h")
        return lengths

    host.send("placed")
    host.send("paid")
    assert host.run().output == [1, 1]
    told = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert len(told) == 2
    assert """step 'pack:1' began with the arguments ("b")""" in told[1]


def test_r21_a_strict_function_s_run_fails_and_names_the_step(app: App, host: Host) -> None:
    limits = ["1h", "2h"]

    @app.create_function(fn_id="ship", trigger=PLACED, strict=True)
    async def ship(ctx: Context) -> Any:
        await ctx.step.wait_for_signal("answer", signal=f"answer/{limits.pop(0)}", timeout="1d")

    host.send("placed")
    app.send_signal("answer/1h", {})
    host.advance("1s")
    run = host.run()
    assert run.status == "failed"
    assert run.error is not None
    assert run.error.name == "ReplayError"
    assert "step 'answer' began with the arguments" in run.error.message

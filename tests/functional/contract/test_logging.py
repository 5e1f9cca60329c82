"""``ctx.logger`` over messages, deaths and invocations: each line once, and twice only where an executor died."""

import logging

import pytest

from tarry import App, Context, TriggerEvent
from tarry_dev.cloud import Call, Host

START = TriggerEvent(event="order/placed")


def add_order(app: App) -> None:
    @app.create_function(fn_id="order", trigger=START)
    async def order(ctx: Context) -> None:
        ctx.logger.info("begins")
        await ctx.step.run("pack", lambda: None)
        ctx.logger.info("packed")
        await ctx.step.wait_for_event("paid", event="order/paid", timeout="1d")
        ctx.logger.info("paid")
        await ctx.step.sleep("overnight", "8h")
        ctx.logger.info("rested")


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "tarry.run.order"]


def test_each_line_is_logged_once_with_the_ids_of_its_run(
    app: App, host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    add_order(app)
    with caplog.at_level(logging.INFO):
        host.send("order/placed")
        host.advance("1h")
        host.send("order/paid")
        host.advance("9h")
    assert host.run().status == "finished"
    assert lines(caplog) == ["begins", "packed", "paid", "rested"]
    [run_id] = {vars(record)["run_id"] for record in caplog.records if record.name == "tarry.run.order"}
    assert run_id == host.run().id


def test_a_line_between_a_kept_step_and_a_death_comes_again(
    app: App, host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    add_order(app)

    def dies(call: Call) -> bool:
        return call.operation == "PutItem" and not call.answered and lines(caplog)[-1:] == ["packed"]

    with caplog.at_level(logging.INFO):
        with host.cloud.dies(dies):
            host.send("order/placed")
        host.advance("16m")
    assert lines(caplog) == ["begins", "packed", "packed"]


def test_a_payment_that_came_while_the_executor_was_away_is_logged(
    app: App, host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    """The executor dies once the wait is resolved, before the function hears of it."""
    add_order(app)
    with caplog.at_level(logging.INFO):
        host.send("order/placed")

        def dies(call: Call) -> bool:
            return call.function == "executor" and call.operation == "PutItem" and call.answered

        with host.cloud.dies(dies):
            host.send("order/paid")
        assert lines(caplog) == ["begins", "packed"]
        host.advance("16m")
    assert lines(caplog) == ["begins", "packed", "paid"]

"""What the sender of a signal is told is true when it is told, and stays true."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tarry import App, Context, SignalStatus, TriggerEvent
from tarry_backend.model.run import RunStatus
from tarry_backend.queues.messages import CancelRun
from tarry_backend.runtime import runtime
from tarry_dev.cloud import Call, Cloud, Host
from tests.functional.contract.deaths import Mortal, deaths
from tests.functional.contract.test_signals import is_free
from tests.functional.contract.traces import in_indexes

APPROVAL = "approval/7"


def reminds(app: App) -> None:
    """Asks for an approval, and reminds of it each hour."""

    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"))
    async def order(ctx: Context) -> Any:
        async def approved() -> Any:
            return await ctx.step.wait_for_signal("approved", signal=APPROVAL, timeout="30d")

        async def reminded() -> Any:
            await ctx.step.sleep("rest", "1h")

        for _ in range(3):
            if answer := await ctx.group.race([approved, reminded]):
                return answer
        return "in vain"


def waits(app: App) -> None:
    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"))
    async def order(ctx: Context) -> Any:
        return await ctx.step.wait_for_signal("approved", signal=APPROVAL, timeout="30d")


def after_writes(number: int) -> Callable[[Call], bool]:
    """When so many items have been written."""
    written: list[Call] = []

    def dies(call: Call) -> bool:
        written.extend([call] if call.answered and call.operation == "PutItem" else [])
        return len(written) == number

    return dies


def delivered_as_the_race_is_lost(executor: Mortal) -> tuple[Any, ...]:
    """Who approves is told so while the wake-up that ends the other branch is in the queue already.

    runs queue    wake ── signalled
    mailbox               letter
    """
    app = App("shop")
    reminds(app)
    with Cloud(app) as cloud:
        host = Host(cloud)
        host.send("placed")
        with cloud.hold("runs"):
            cloud.advance("1h")
            cloud.advance("2s")
            assert [message.json["tarry"] for message in cloud.queues["runs"].messages] == ["wake"]
            receipt = app.send_signal(APPROVAL, "yes", id="s-1")
        with cloud.dies(executor):
            host.advance("50m")
        again = app.send_signal(APPROVAL, "yes", id="s-1")
        host.advance("1s")
        run = host.run()
        assert receipt.run_id == again.run_id == run.id
        return receipt.status, again.status, run.status, run.output, is_free(cloud), in_indexes(cloud)


def test_a_signal_that_was_delivered_to_a_branch_as_it_lost_its_race_is_the_answer_of_the_runs_next_wait() -> None:
    immortal = Mortal("executor")
    alive = delivered_as_the_race_is_lost(immortal)
    assert alive == (SignalStatus.DELIVERED, SignalStatus.DUPLICATE, "finished", "yes", True, set())
    for death in deaths("executor", immortal.calls):
        executor = Mortal("executor", death)
        assert delivered_as_the_race_is_lost(executor) == alive, death
        assert executor.has_died, death


def test_a_signal_is_the_answer_of_one_wait_of_a_run(app: App, host: Host, cloud: Cloud) -> None:
    """The letter that a lost wait left is taken once: the wait after that waits for another."""

    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"))
    async def order(ctx: Context) -> list[Any]:
        async def approved() -> Any:
            return await ctx.step.wait_for_signal("approved", signal=APPROVAL, timeout="30d")

        await ctx.group.race([approved, lambda: ctx.step.sleep("rest", "1h")])
        return [await approved(), await approved()]

    host.send("placed")
    with cloud.hold("runs"):
        cloud.advance("1h")
        cloud.advance("2s")
        app.send_signal(APPROVAL, "first")
    host.advance("1m")
    assert host.run().status == "running"
    assert host.signal(APPROVAL, "second").status is SignalStatus.DELIVERED
    assert host.run().output == ["first", "second"]


def test_a_signal_that_was_delivered_just_before_a_cancel_stays_with_its_wait(
    app: App, host: Host, cloud: Cloud
) -> None:
    waits(app)
    host.send("placed")
    run = host.run()
    with cloud.hold("runs"):
        runtime().queues.send_to_runs([CancelRun(run.id)])
        receipt = app.send_signal(APPROVAL, "yes")
    cloud.pump()
    assert (receipt.status, receipt.run_id, run.status) == (SignalStatus.DELIVERED, run.id, "cancelled")
    assert (run.steps["approved"].output, is_free(cloud)) == ("yes", True)
    assert host.signal(APPROVAL).status is SignalStatus.NOBODY_WAITS


@pytest.mark.parametrize("add", [waits, reminds])
def test_nobody_is_told_that_a_run_was_given_a_signal_which_has_ended(
    app: App, host: Host, cloud: Cloud, add: Callable[[App], None]
) -> None:
    """The executor dies as soon as it has kept the run's end. Its message comes back a quarter of an hour later."""
    add(app)
    host.send("placed")
    run = host.run()
    with cloud.dies(after_writes(2), function="executor"):  # the mailbox, the run
        host.cancel(run)
    assert run.status == "cancelled"
    assert app.send_signal(APPROVAL).status is SignalStatus.NOBODY_WAITS
    host.advance("20m")
    assert (is_free(cloud), in_indexes(cloud)) == (True, set())


def test_an_owner_whose_run_has_ended_is_replaced_by_the_next_claimant_at_once(
    app: App, host: Host, cloud: Cloud
) -> None:
    """A run that ended before its wait left the mailbox, as older versions let it."""
    waits(app)
    host.send("placed")
    runs, first = runtime().store.runs, host.run()
    kept = runs.run(first.id)
    assert kept is not None
    runs.save(replace(kept, status=RunStatus.FINISHED, ended=cloud.clock.now()))
    host.send("placed")
    second = host.run()
    assert (second.id != first.id, second.status) == (True, "running")
    receipt = host.signal(APPROVAL, "yes")
    assert (receipt.run_id, second.output) == (second.id, "yes")


def test_a_run_that_left_its_mailbox_and_died_ends_as_it_was_to_though_another_waits_there_by_then(
    app: App, host: Host, cloud: Cloud
) -> None:
    """first     leaves ── dies                    cancelled
    second                    waits at the name ──────────── answered
    """

    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"))
    async def order(ctx: Context) -> Any:
        async def approved() -> Any:
            return await ctx.step.wait_for_signal("approved", signal=APPROVAL, timeout="30d")

        async def paid() -> Any:
            return await ctx.step.wait_for_event("paid", event="paid", match="data.id", timeout="30d")

        return bool(await ctx.group.race([approved, paid]))

    host.send("placed", {"id": "1"})
    first = host.run()
    with cloud.dies(after_writes(2), function="executor"):  # the step, the mailbox
        host.send("paid", {"id": "1"})
    assert (first.status, is_free(cloud)) == ("running", True)
    host.send("placed", {"id": "2"})
    second = host.run()
    host.advance("20m")
    assert (first.status, first.output) == ("finished", True)
    assert host.signal(APPROVAL, "yes").run_id == second.id
    assert (second.output, in_indexes(cloud)) == (True, set())

"""Rows W24, R7 and R13: code that changes, or breaks, while runs wait."""

import sys
from pathlib import Path

import pytest

from tarry import App, Context, Event, TriggerEvent
from tarry_backend.deploy.settings import Settings
from tarry_backend.runtime import host as deploy
from tarry_dev.cloud import Host
from tests.functional.contract.diary import Diary
from tests.functional.contract.herd import grow_herd

PLACED, PAID = "order/placed", "order/paid"


def shop(diary: Diary, *, version: str) -> App:
    """One version of the shop's code."""
    app = App("shop")

    @app.create_function(fn_id="order", trigger=TriggerEvent(event=PLACED))
    async def order(ctx: Context) -> str:
        await ctx.step.run("bill", diary.write, "billed")
        await ctx.step.wait_for_event("payment", event=PAID, match="data.id", timeout="3d")
        await ctx.step.run("ship", diary.write, f"shipped by {version}")
        return version

    return app


def longer_shop(diary: Diary, *, ship: str) -> App:
    """The same with a wait for a return; the step before that has the id ``ship``."""
    app = App("shop")

    @app.create_function(fn_id="order", trigger=TriggerEvent(event=PLACED))
    async def order(ctx: Context) -> None:
        await ctx.step.run("bill", diary.write, "billed")
        await ctx.step.run(ship, diary.write, "shipped")
        await ctx.step.wait_for_event("return", event="order/returned", match="data.id", timeout="30d")
        await ctx.step.run("refund", diary.write, "refunded")

    return app


@pytest.fixture
def app(diary: Diary) -> App:
    return shop(diary, version="v1")


def test_w24_runs_that_wait_resume_on_the_code_that_is_deployed_then(host: Host, diary: Diary) -> None:
    host.send(PLACED, {"id": "7"})
    herd = grow_herd(host.cloud, host.run(), 50)
    deploy(shop(diary, version="v2"))
    host.send(PAID, {"id": "7"})
    assert [run.output for run in herd] == ["v2"] * 50
    assert diary.entries == ["billed"] + ["shipped by v2"] * 50


def test_r07_a_renamed_step_fails_its_run_with_both_names_and_nothing_after_it_runs(host: Host, diary: Diary) -> None:
    deploy(longer_shop(diary, ship="ship"))
    host.send(PLACED, {"id": "7"})
    deploy(longer_shop(diary, ship="dispatch"))
    host.send("order/returned", {"id": "7"})
    run = host.run()
    assert run.status == "failed"
    assert run.error is not None
    assert run.error.name == "ReplayError"
    assert "'ship'" in run.error.message
    assert "'dispatch'" in run.error.message
    assert diary.entries == ["billed", "shipped"]


GOOD = """
from tarry import App, Context, TriggerEvent

app = App("shop")

@app.create_function(fn_id="order", trigger=TriggerEvent(event="order/placed"))
async def order(ctx: Context) -> str:
    event = await ctx.step.wait_for_event("payment", event="order/paid", match="data.id", timeout="3d")
    return "paid" if event else "unpaid"
"""

BROKEN = "import no_such_module\n"


class Deployment:
    """The module that ``TARRY_APP`` names, and what it contains."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "shop_code.py"

    def deploy(self, source: str) -> None:
        self._file.write_text(source)
        sys.modules.pop("shop_code", None)
        deploy(None)


@pytest.fixture
def deployment(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv(Settings.variable("app"), "shop_code:app")
    monkeypatch.setitem(sys.modules, "shop_code", sys)  # taken out again at the end, whatever is there then
    return Deployment(tmp_path)


def test_r13_with_an_app_that_cannot_be_imported_messages_end_in_the_dead_letter_queue_and_none_is_lost(
    host: Host, deployment: Deployment
) -> None:
    cloud = host.cloud
    deployment.deploy(GOOD)
    for order in ("told by an event", "told by its start", "unpaid"):
        host.send(PLACED, {"id": order})
    with cloud.hold("runs"):
        host.send(PLACED, {"id": "starts"})
        host.send([Event(PAID, {"id": "told by its start"})])
        deployment.deploy(BROKEN)
    host.send(PAID, {"id": "told by an event"})
    host.send(PLACED, {"id": "starts later"})
    host.advance("3h")
    assert len(cloud.dead_letters("events")) == 2
    assert len(cloud.dead_letters("runs")) == 2

    deployment.deploy(GOOD)
    for queue in cloud.queues:
        cloud.redrive(queue)
    cloud.pump()
    host.send([Event(PAID, {"id": order}) for order in ("starts", "starts later")])
    host.advance("3d")
    outputs = {run.event.data["id"]: run.output for run in host.runs()}
    assert outputs == {
        "told by an event": "paid",
        "told by its start": "paid",
        "unpaid": "unpaid",
        "starts": "paid",
        "starts later": "paid",
    }
    assert host.dead_letters == []

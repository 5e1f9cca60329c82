"""Rows W11 and W23: one event, many runs."""

from collections import Counter

import pytest

from tarry import App, Context, TriggerEvent
from tarry_backend.matcher import fan_out
from tarry_backend.queues import sender
from tarry_backend.runtime import runtime
from tarry_backend.store.models import Item
from tarry_dev.cloud import Call, Host
from tests.functional.contract.diary import Diary
from tests.functional.contract.herd import grow_herd

RELEASED = "flags/released"


def test_w11_one_event_resumes_a_thousand_runs(app: App, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five hundred to a page, and here one page to a message: so the fan-out goes on by itself."""
    monkeypatch.setattr(fan_out, "PAGES", 1)

    @app.create_function(fn_id="rollout", trigger=TriggerEvent(event="flags/asked"))
    async def rollout(ctx: Context) -> None:
        await ctx.step.wait_for_event("wait", event=RELEASED, match="data.flag", timeout="3d")
        await ctx.step.sleep("settle down", "1d")

    host.send("flags/asked", {"flag": "dark"})
    herd = grow_herd(host.cloud, host.run(), 1_000)
    host.send(RELEASED, {"flag": "light"})
    host.send(RELEASED, {"flag": "dark"})
    pages = runtime().store.table.scan(Item, Item.sk == "step#settle down")
    asleep = [item.pk for page in pages for item in page]
    assert sorted(asleep) == sorted(f"run#{run.id}" for run in herd)


@pytest.mark.parametrize(
    ("request_number", "answered", "redelivered"),
    [(1, False, "1m"), (1, True, "6m"), (2, False, "6m"), (2, True, "1m"), (3, False, "1m"), (3, True, "6m")],
)
def test_w23_runs_all_resume_once_although_the_matcher_dies_amid_its_fan_out(
    app: App,
    host: Host,
    diary: Diary,
    monkeypatch: pytest.MonkeyPatch,
    request_number: int,
    answered: bool,
    redelivered: str,
) -> None:
    """Within five minutes the queue itself drops what is sent again; after that the runs have to. Requests go one after
    another here, so that it is known how many runs have been told."""
    monkeypatch.setattr(sender, "_AT_ONCE", 1)

    @app.create_function(fn_id="rollout", trigger=TriggerEvent(event="flags/asked"))
    async def rollout(ctx: Context) -> None:
        await ctx.step.wait_for_event("wait", event=RELEASED, match="data.flag", timeout="3d")
        await diary.write(f"{ctx.run_id} resumed")
        await ctx.step.run("switch", diary.write, f"{ctx.run_id} switched")
        await ctx.step.sleep("settle down", "1d")

    host.send("flags/asked", {"flag": "dark"})
    herd = grow_herd(host.cloud, host.run(), 25)
    requests = 0

    def dies(call: Call) -> bool:
        nonlocal requests
        requests += call.operation == "SendMessageBatch" and call.answered is answered
        return requests == request_number

    with host.cloud.dies(dies, function="matcher"):
        host.send(RELEASED, {"flag": "dark"})
    told = 10 * (request_number - (not answered))
    assert len(diary.entries) == 2 * min(told, len(herd))
    with host.cloud.hold("events"):
        host.advance(redelivered)
    host.advance("5m")
    assert Counter(diary.entries) == Counter(f"{run.id} {what}" for run in herd for what in ("resumed", "switched"))

"""Middleware on the whole cloud: what is kept is what the hooks made of it, what is given is plain again."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from tarry import App, Context, ContextSync, Event, Middleware, StepInfo, TriggerEvent
from tarry_backend.runtime import runtime
from tarry_backend.store.models import Item
from tarry_dev.cloud import Host
from tarry_dev.pytest_plugin import MakeHost
from tests.functional.contract.diary import Diary


class Encrypted(Middleware):
    """Base64 stands for a cipher: what counts is where the plain text is, and where not."""

    def transform_output(self, output: Any, step: StepInfo | None) -> Any:
        return {"cipher": base64.b64encode(json.dumps(output).encode()).decode()}

    def restore_output(self, output: Any, step: StepInfo) -> Any:
        return json.loads(base64.b64decode(output["cipher"])) if step.kind == "run" else output


class Stamped(Middleware):
    def before_send_events(self, events: Any) -> Any:
        return [replace(event, user={"stamp": "shop"}) for event in events]


async def order(ctx: Context) -> str:
    card = await ctx.step.run("card", lambda: "4111-1111")
    await ctx.step.wait_for_event("paid", event="order/paid", timeout="1h")
    await ctx.step.send_event("tell", Event("order/charged"))
    return f"charged {card}"


def order_sync(ctx: ContextSync) -> str:
    card = ctx.step.run("card", lambda: "4111-1111")
    ctx.step.wait_for_event("paid", event="order/paid", timeout="1h")
    ctx.step.send_event("tell", Event("order/charged"))
    return f"charged {card}"


@pytest.fixture(params=[order, order_sync], ids=["async", "def"])
def shop(request: pytest.FixtureRequest, tarry: MakeHost) -> Host:
    app = App("shop", middleware=[Encrypted, Stamped])
    app.create_function(fn_id="order", trigger=TriggerEvent(event="order/placed"))(request.param)
    return tarry(app)


def plain_text(output: Any) -> Any:
    return json.loads(base64.b64decode(output["cipher"]))


def test_outputs_are_kept_as_cipher_text_and_the_function_sees_the_plain_one_over_a_replay(shop: Host) -> None:
    shop.send("order/placed")
    shop.send("order/paid")
    run = shop.run()
    assert run.status == "finished"
    assert run.output != "charged 4111-1111"
    assert plain_text(run.output) == "charged 4111-1111"
    assert plain_text(run.steps["card"].output) == "4111-1111"
    pages = runtime().store.table.scan(Item)
    kept = b"".join(str(vars(item)).encode() for page in pages for item in page)
    assert b"cipher" in kept
    assert b"4111-1111" not in kept


def test_the_apps_hooks_are_around_all_that_it_sends_but_not_around_what_tarry_does(shop: Host) -> None:
    shop.send("order/placed")
    shop.send("order/paid")
    users = {event.name: event.user for event in shop.events()}
    assert users["order/placed"] == users["order/charged"] == {"stamp": "shop"}
    assert users["tarry/function.finished"] is None


def test_a_step_whose_hook_fails_is_tried_again_and_its_body_too(app: App, host: Host, diary: Diary) -> None:
    failures = [KeyError("key")]

    class Failing(Middleware):
        def transform_output(self, output: Any, step: StepInfo | None) -> Any:
            if failures:
                raise failures.pop()
            return output

    @app.create_function(
        fn_id="order", trigger=TriggerEvent(event="order/placed"), backoff=["1s"], middleware=[Failing]
    )
    async def order(ctx: Context) -> str:
        return await ctx.step.run("pack", diary.write, "packed")

    host.send("order/placed")
    error = host.run().steps["pack"].error
    assert error is not None
    assert error.message == "middleware Failing.transform_output raised KeyError: 'key'"
    host.advance("5s")
    assert host.run().output == "packed"
    assert diary.entries == ["packed", "packed"]

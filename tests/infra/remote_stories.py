"""A stack with remote apps: one that answers over HTTP, one that is a Lambda, and what SDKs call at the gateway."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

import boto3
import pytest

from tarry import App, Context, Event, TriggerEvent
from tarry_backend.api.sdk_calls import SdkCall
from tarry_backend.handlers import sync
from tarry_backend.remote import remote_stack
from tarry_backend.remote.manifest import read_manifest
from tarry_backend.remote.signatures import bearer_of
from tarry_backend.runtime import runtime
from tarry_dev.cloud import Chaos, Cloud, MovedClock
from tarry_dev.cloud.api import ask
from tarry_dev.cloud.crash import Invocation
from tests.aws_requests import Bystander
from tests.functional.remote.impostor import Impostor, Reply, step_of
from tests.functional.remote.test_deployed import ARN, EVENT_KEY, PREFIXED, GatewayCalls, deploy
from tests.infra.stories import LARGE

__all__ = ["play_remote"]

SIGNED = {"authorization": f"Bearer {bearer_of(PREFIXED)}", "x-inngest-sdk": "js:v0.0.0"}


def shop() -> App:
    """The stack's own app: its run waits for a signal, and has much to show."""
    app = App("shop")

    @app.create_function(fn_id="asks", trigger=TriggerEvent(event="asks"))
    async def asks(ctx: Context) -> None:
        await ctx.step.run("large", lambda: LARGE + ctx.event.data["text"])
        await ctx.step.wait_for_signal("approved", signal="approval", timeout="1h")

    return app


def functions(app_id: str) -> list[dict[str, object]]:
    nightly = step_of(f"{app_id}-nightly", "")
    return [step_of(f"{app_id}-fn", f"{app_id}/asked"), {**nightly, "triggers": [{"cron": "*/5 * * * *"}]}]


@contextmanager
def stack() -> Iterator[Cloud]:
    clock = MovedClock(datetime.now(UTC))
    with Cloud(shop(), clock=clock, signing_secret="signing", event_secret="events") as cloud:
        client = boto3.client("secretsmanager")
        client.create_secret(Name="signing", SecretString=PREFIXED.removeprefix(remote_stack.PREFIX))
        client.create_secret(Name="events", SecretString=EVENT_KEY)
        cloud.chaos = Chaos(processes=2)
        yield cloud


def play_remote() -> None:
    """Sync, call, and remove the apps."""
    with ExitStack() as life:
        patch = life.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(sync, "_PAUSES", (0,))
        patch.setattr(remote_stack, "secret_text", remote_stack.secret_text.__wrapped__)  # each Lambda reads for itself
        app = life.enter_context(
            Impostor(functions("far"), lambda _: Reply(200, '"done"', key=PREFIXED), PREFIXED, "far")
        )
        cloud = life.enter_context(stack())
        _sync(app.url, "far")
        assert _sync(f"{ARN}#/api/inngest", "near") == "FAILED"  # the embedded cloud has no such Lambda
        near = read_manifest({"appName": "near", "functions": functions("near")}, f"{ARN}#/api", "js:v0.0.0")
        runtime().store.remote_apps.put(near.id, near.text())
        cloud.advance("10m")
        cloud.sweep()
        cloud.advance("10m")
        cloud.sweep()
        _call_gateway(cloud)
        with Invocation("api", None, Bystander()):
            assert ask("GET", "/runs")[0] == 200
        cloud.send([Event("far/asked"), Event("near/asked")])
        cloud.advance("10m")
        with Invocation("sync", None, Bystander()):
            assert deploy(app.url, "far", "Delete")["Status"] == "SUCCESS"


def _sync(address: str, app_id: str) -> str:
    with Invocation("sync", None, Bystander()):
        status: str = deploy(address, app_id)["Status"]
    return status


def _call_gateway(cloud: Cloud) -> None:
    cloud.send(Event("asks", {"text": LARGE}))
    cloud.pump()
    [run_id] = [run.id for run, *_ in runtime().store.queries.open_waits()] or [""]
    report = {"appName": "other", "functions": functions("other"), "url": "https://other.example/api"}
    for method, path, document, status in (
        ("POST", f"/e/{EVENT_KEY}", {"name": "far/asked"}, 200),
        ("POST", "/fn/register", report, 200),
        ("GET", f"/v0/runs/{run_id}/actions", None, 200),
        ("GET", f"/v0/runs/{run_id}/batch", None, 200),
        ("POST", "/v1/signals", {"signal": "approval"}, 200),
    ):
        body = json.dumps(document).encode() if document else b""
        with Invocation("gateway", None, Bystander()):
            answered, _ = GatewayCalls().answer(SdkCall(method, path, SIGNED, body))
        assert answered == status, (path, answered)

"""A stack with remote apps: keys from Secrets Manager, the gateway, the sync at deployment, crons by the sweep."""

import io
import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import boto3
import pytest

from tarry import App
from tarry_backend.api.sdk_calls import SdkCall
from tarry_backend.handlers import gateway, sync
from tarry_backend.remote import remote_stack, ways
from tarry_backend.remote.manifest import SyncError
from tarry_backend.runtime import runtime
from tarry_backend.store.access import ITEMS, PUBLISHERS, REMOTE_ITEMS, REMOTE_PUBLISHERS
from tarry_dev.cloud import Cloud, Host, MovedClock
from tarry_dev.cloud.function import LambdaContext
from tests.functional.contract import permissions
from tests.functional.remote.stage import KEY, Door, SdkApp, lambda_app, node_app

CONTEXT: Any = LambdaContext("stack-gateway", "arn:aws:lambda:us-east-1:123456789012:function:x", lambda: 30_000)
EVENT_KEY = "0123456789abcdef"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:shop"
PREFIXED = f"{remote_stack.PREFIX}{KEY.rpartition('-')[2]}"


class GatewayCalls:
    """Hands each call to the gateway's Lambda, as its function URL does."""

    def answer(self, call: SdkCall) -> tuple[HTTPStatus, Any]:
        event = {
            "rawPath": call.path,
            "headers": dict(call.headers),
            "body": call.body.decode(),
            "isBase64Encoded": False,
            "requestContext": {"http": {"method": call.method}},
        }
        reply = gateway.handler(event, CONTEXT)
        return HTTPStatus(reply["statusCode"]), json.loads(reply["body"])


@contextmanager
def stack(door: Door) -> Iterator[Host]:
    """A stack whose own app has no functions; its Lambdas may do what they may on AWS."""
    remote_stack.secret_text.cache_clear()
    clock = MovedClock(datetime.now(UTC))
    with Cloud(App("remote"), clock=clock, punctual=True, signing_secret="signing", event_secret="events") as cloud:
        secrets = boto3.client("secretsmanager")
        secrets.create_secret(Name="signing", SecretString=KEY.rpartition("-")[2])
        secrets.create_secret(Name="events", SecretString=EVENT_KEY)
        door.calls = GatewayCalls()  # type: ignore[assignment]
        yield Host(cloud)
    door.calls = None
    remote_stack.secret_text.cache_clear()


@contextmanager
def cloudformation() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Where a custom resource reports: the address, and what has been reported.

    In some regions CloudFormation's URL is signed for an empty content type, and S3 refuses another one. CloudFormation
    takes no report of more than 4,096 bytes.
    """
    reports: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            report = self.rfile.read(int(self.headers["Content-Length"]))
            is_accepted = self.headers["Content-Type"] == "" and len(report) <= 4_096
            reports.extend([json.loads(report)] if is_accepted else [])
            self.send_response(HTTPStatus.OK if is_accepted else HTTPStatus.FORBIDDEN)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", reports
    server.shutdown()
    server.server_close()


def deploy(address: str, app_id: str, kind: str = "Create") -> dict[str, Any]:
    """Let the custom resource sync an app; return what it reports."""
    with cloudformation() as (url, reports):
        event = {
            "RequestType": kind,
            "ResponseURL": url,
            "StackId": "stack",
            "RequestId": "request",
            "LogicalResourceId": "App",
            "ResourceProperties": {"AppId": app_id, "Address": address},
        }
        sync.handler(event, CONTEXT)
        [report] = reports
        return report


def keys(door: Door) -> dict[str, str]:
    return {"INNGEST_SIGNING_KEY": PREFIXED, "INNGEST_EVENT_KEY": EVENT_KEY, "INNGEST_BASE_URL": door.url}


@pytest.fixture(scope="module")
def app(door: Door) -> Iterator[SdkApp]:
    with node_app(door, 4, NODE_ENV="production", **keys(door)) as app:
        yield app


@pytest.fixture(scope="module", params=[3, 4], ids=["inngest3", "inngest4"])
def as_lambda(request: pytest.FixtureRequest, door: Door) -> Iterator[SdkApp]:
    with lambda_app(door, request.param, NODE_ENV="production", **keys(door)) as app:
        yield app


@pytest.fixture
def invoke(as_lambda: SdkApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the app's port play Lambda's Invoke."""

    class Client:
        def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - boto3's names
            assert FunctionName == ARN
            request = urllib.request.Request(f"http://127.0.0.1:{as_lambda.port}/", Payload)
            with urllib.request.urlopen(request) as answer:
                return {"Payload": io.BytesIO(answer.read())}

    monkeypatch.setattr(ways, "_client", lambda _: Client())


def test_an_app_is_synced_at_deployment_and_runs(app: SdkApp, door: Door) -> None:
    with stack(door) as host:
        assert deploy(app.url, "shop4")["Status"] == "SUCCESS"
        host.send("shop/asks", {"order": 1})
        assert host.result("shop4-asks") == "answered"
        host.send("shop/big", {"megabytes": 5})
        assert host.result("shop4-big") == 5_000_000
        assert any(call.endswith("/actions") for call in door.seen)


def test_an_app_by_lambda_runs_over_invoke(as_lambda: SdkApp, invoke: None, door: Door) -> None:
    with stack(door) as host:
        assert deploy(f"{ARN}#/api/inngest", as_lambda.id)["Status"] == "SUCCESS"
        host.send("shop/signed.up", {"email": "a@b.c"})
        host.advance("3d")
        host.send("shop/confirmed", {"email": "a@b.c", "via": "link"})
        assert "INNGEST_SIGNING_KEY" in str(host.run(f"{as_lambda.id}-drip"))  # the app's clock is three days behind


def test_parallel_steps_by_lambda(as_lambda: SdkApp, invoke: None, door: Door) -> None:
    with stack(door) as host:
        deploy(f"{ARN}#/api/inngest", as_lambda.id)
        host.send("shop/parallel", {"order": 7})
        host.send("shop/answer", {"order": 7})
        assert host.result(f"{as_lambda.id}-parallel")["last"] == "AB"


def test_a_deployment_fails_with_the_reason_if_the_app_cannot_be_synced(
    app: SdkApp, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "_PAUSES", (0, 0))
    with stack(door):
        report = deploy(app.url, "other")
        assert report["Status"] == "FAILED"
        assert "has the id 'shop4'" in report["Reason"]
        assert deploy("http://127.0.0.1:9/", "shop4")["Status"] == "FAILED"


def test_a_long_reason_in_any_script_fits_into_what_cloudformation_takes(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise SyncError("shop", ["長" * 5_000])

    monkeypatch.setattr(sync, "_sync", fail)
    with stack(door):
        report = deploy("https://shop.test/", "shop")
        assert (report["Status"], report["Reason"][-3:]) == ("FAILED", "長長長")


def test_a_removed_app_starts_nothing_more(app: SdkApp, door: Door) -> None:
    with stack(door) as host:
        deploy(app.url, "shop4")
        assert deploy(app.url, "shop4", "Delete")["Status"] == "SUCCESS"
        host.advance("2m")
        host.send("shop/loop")
        assert host.runs() == []


def test_an_app_that_is_synced_while_the_lambdas_run_is_known_within_a_minute(app: SdkApp, door: Door) -> None:
    with stack(door) as host:
        host.send("shop/loop")
        assert host.runs() == []
        deploy(app.url, "shop4")
        host.advance("1m")
        host.send("shop/loop")
        assert host.result("shop4-loop") == [0, 10, 20]


def test_the_sweep_fires_each_time_of_a_cron_once(app: SdkApp, door: Door) -> None:
    with stack(door) as host:
        deploy(app.url, "shop4")
        host.cloud.sweep()
        host.advance("1d")
        for _ in range(2):
            host.cloud.sweep()
            host.cloud.pump()
        assert len(host.runs("shop4-nightly")) == 1


def test_the_lambdas_ask_of_the_table_only_what_the_stack_grants(
    app: SdkApp, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    granted = {name: (*ITEMS.get(name, ()), *REMOTE_ITEMS.get(name, ())) for name in {*ITEMS, *REMOTE_ITEMS}}
    monkeypatch.setattr(permissions, "ITEMS", granted)
    monkeypatch.setattr(permissions, "PUBLISHERS", (*PUBLISHERS, *REMOTE_PUBLISHERS))
    permissions.violations.clear()
    with stack(door) as host:
        deploy(app.url, "shop4")
        host.send("shop/parallel", {"order": 1})
        host.send("shop/answer", {"order": 1})
        host.cloud.sweep()
        assert host.result("shop4-parallel")["last"] == "AB"
        assert runtime().remote is not None
    assert permissions.violations == []


def test_the_gateway_asks_for_a_key(door: Door, app: SdkApp) -> None:
    with stack(door):
        calls = GatewayCalls()
        for path in ("/e/wrong", "/fn/register", "/v1/signals"):
            status, _ = calls.answer(SdkCall("POST", path, {}, b"{}"))
            assert status == HTTPStatus.UNAUTHORIZED
        assert calls.answer(SdkCall("GET", "/v0/runs/x/actions", {}, b""))[0] == HTTPStatus.UNAUTHORIZED
        assert calls.answer(SdkCall("GET", "/else", {}, b""))[0] == HTTPStatus.NOT_FOUND
        assert (
            calls.answer(SdkCall("POST", f"/e/{EVENT_KEY}", {}, b'{"name": "inngest/x"}'))[0] == HTTPStatus.BAD_REQUEST
        )
        assert (
            calls.answer(SdkCall("POST", f"/e/{EVENT_KEY}", {}, b'{"name": "tarry/run.cancel"}'))[0]
            == HTTPStatus.BAD_REQUEST
        )

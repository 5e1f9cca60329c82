"""Requests that an app leaves to its server: of an AI model, by ``step.ai.infer``, and of any service, by
``step.fetch``."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from tarry_backend.remote import inquiry
from tarry_backend.remote.answers import AppError
from tarry_backend.remote.ops import Gateway
from tarry_backend.remote.outside_request import outside_answer
from tarry_backend.runtime import runtime
from tests.functional.remote.impostor import Impostor, Reply, step_of
from tests.functional.remote.provider import Answered, Provider
from tests.functional.remote.stage import Shop
from tests.functional.remote.test_bad_apps import DONE, hosted
from tests.functional.roads.certificate import certified
from tests.functional.roads.scripted import answered, scripted

SECRET = "sk-very-secret"

NEWEST = pytest.mark.parametrize("app", [4], ids=["inngest4"], indirect=True)
"""For what the executor does alone: the two versions of the SDK ask for it in the same words."""


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider() as provider:
        yield provider


def history(shop: Shop, function: str) -> str:
    """All that people see of a run, and all that is stored of its steps."""
    run = shop.run(function)
    return f"{run}\n{runtime().store.runs.load(run.id)!r}"


def test_a_model_is_asked_once_with_its_key(shop_of: Shop, provider: Provider) -> None:
    shop_of.send("fetches", url=provider.url)
    assert shop_of.result("fetches") == {"answer": 42}
    [asked] = provider.asked
    assert (asked.headers["authorization"], json.loads(asked.body)) == ("Bearer secret", {"ask": "how many?"})


def test_a_model_that_refuses_is_asked_again(shop_of: Shop, provider: Provider) -> None:
    provider.coming = [Answered(500), Answered(429)]
    shop_of.send("fetches", url=provider.url)
    assert shop_of.run("fetches").status == "running"
    shop_of.host.advance("2m")
    assert shop_of.result("fetches") == {"answer": 42}
    assert len(provider.asked) == 3


def test_a_request_brings_its_method_headers_and_body_and_the_app_gets_the_answer(
    shop_of: Shop, provider: Provider
) -> None:
    provider.coming = [Answered(404, b"nothing here", {"x-seen": "yes"})]
    shop_of.send("calls", url=f"{provider.url}?a=1", method="POST", headers={"x-a": "b"}, body="hello")
    assert shop_of.result("calls") == {"status": 404, "seen": "yes", "text": "nothing here"}
    [asked] = provider.asked
    assert (asked.method, asked.path, asked.headers["x-a"], asked.body) == ("POST", "/v1?a=1", "b", b"hello")


def test_an_answer_without_a_body_reaches_the_app(shop_of: Shop, provider: Provider) -> None:
    """The SDK makes a ``Response`` of it, which refuses a body beside the status 204."""
    provider.coming = [Answered(204, b"")]
    shop_of.send("calls", url=provider.url)
    assert shop_of.result("calls") == {"status": 204, "seen": None, "text": ""}


@NEWEST
def test_a_redirect_is_followed_and_another_host_is_told_no_secret(shop_of: Shop, provider: Provider) -> None:
    with Provider() as other:
        provider.pages = {
            "/v1": Answered(302, b"", {"location": "/v2"}),
            "/v2": Answered(307, b"", {"location": f"{other.url}/end"}),
        }
        secrets = {"authorization": SECRET, "x-api-key": SECRET, "cookie": SECRET, "accept": "text/plain"}
        shop_of.send("calls", url=provider.url, method="GET", headers=secrets)
        assert shop_of.result("calls")["status"] == 200
        assert [asked.headers["authorization"] for asked in provider.asked] == [SECRET, SECRET]
        [asked] = other.asked
    assert SECRET not in str(asked)
    assert asked.headers["accept"] == "text/plain"


@NEWEST
def test_a_redirect_for_ever_is_a_failed_attempt(shop_of: Shop, provider: Provider) -> None:
    provider.pages = {"/v1": Answered(302, b"", {"location": "/v1"})}
    shop_of.send("calls", url=provider.url)
    assert "redirects" in str(shop_of.run("calls"))
    assert len(provider.asked) == 11
    shop_of.host.advance("5m")
    assert shop_of.run("calls").status == "failed"


@NEWEST
@pytest.mark.parametrize(
    "url",
    ["http://[", "ftp://x.example/a", "http://", "http://x.example:99999999/"],
)
def test_an_address_that_cannot_be_asked_fails_the_step_and_not_the_executor(shop_of: Shop, url: str) -> None:
    shop_of.send("fetches", url=url)
    assert "GatewayError" in str(shop_of.run("fetches"))


@NEWEST
def test_a_slow_service_is_a_failed_attempt_and_no_death_of_the_executor(
    shop_of: Shop, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inquiry, "_LEAST", 500)
    provider.coming = [Answered(pause=4)]
    shop_of.cloud.functions["executor"].timeout = 1.5
    shop_of.send("calls", url=provider.url)
    assert "ReadTimeoutError" in str(shop_of.run("calls"))
    shop_of.host.advance("1m")
    assert shop_of.result("calls")["status"] == 200


@NEWEST
def test_an_answer_that_is_too_large_fails_the_step(shop_of: Shop, provider: Provider) -> None:
    provider.coming = [Answered(body=b"x" * 5_000_000)]
    shop_of.send("calls", url=provider.url)
    assert "at most" in str(shop_of.run("calls"))
    assert shop_of.run("calls").status == "failed"


@NEWEST
@pytest.mark.parametrize("ending", ["answered", "refused", "not sendable", "not reachable"])
def test_no_secret_of_a_request_is_stored_or_logged(
    shop_of: Shop, provider: Provider, caplog: pytest.LogCaptureFixture, ending: str
) -> None:
    """The app has the key, no event: whatever the request comes to, nobody reads the key but who is asked."""
    caplog.set_level(logging.DEBUG, logger="tarry")
    provider.coming = [Answered(401 if ending == "refused" else 200)]
    url = "http://127.0.0.1:9/v1" if ending == "not reachable" else provider.url
    shop_of.send("keyed", url=url, after={"not sendable": "\u2026"}.get(ending, "\n"))
    assert shop_of.run("keyed").status == ("finished" if ending == "answered" else "running")
    assert len(provider.asked) == (ending in ("answered", "refused"))
    assert SECRET not in history(shop_of, "keyed")
    assert SECRET not in caplog.text


@NEWEST
def test_requests_of_one_answer_are_made_side_by_side(shop_of: Shop, provider: Provider) -> None:
    """None is answered before all four have come: one after another, they would never be."""
    meeting = Barrier(4)
    provider.pages = {f"/v1/{n}": Answered(body=f"page {n}".encode(), meeting=meeting) for n in range(4)}
    shop_of.send("pages", urls=[f"{provider.url}/{n}" for n in range(4)])
    assert shop_of.result("pages") == [f"page {n}" for n in range(4)]
    assert len(provider.asked) == 4


def test_no_address_leads_to_the_machine_of_the_lambda(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is the Lambda's own runtime, which hands out invocations to whoever asks."""
    asked = Gateway(key="s", url=provider.url, method="GET", headers={}, body=None, is_model=False)
    assert outside_answer(asked, 5).status == 200
    monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001")
    port = provider.address.rpartition(":")[2]
    for host in ("127.0.0.1", "localhost", "0.0.0.0", "2130706433", "[::ffff:127.0.0.1]"):
        with pytest.raises(AppError, match=r"own machine|no answer"):
            outside_answer(replace(asked, url=f"http://{host}:{port}/v1"), 5)
    assert len(provider.asked) == 1


def test_no_address_with_tls_leads_there_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate, context = certified(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with scripted(context) as server:
        url = f"https://localhost:{server.port}/v1"
        asked = Gateway(key="s", url=url, method="POST", headers={}, body={}, is_model=False)
        server.begin([answered({})])
        monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001")
        with pytest.raises(AppError, match="own machine"):
            outside_answer(asked, 5)
        assert server.requests == []
        monkeypatch.delenv("AWS_LAMBDA_RUNTIME_API")
        assert outside_answer(asked, 5).status == 200


def test_a_request_begins_although_the_app_has_taken_most_of_the_time(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the run would ask the slow app again and again, in one invocation after the other."""
    monkeypatch.setattr(inquiry, "_LEAST", 500)
    asks = {"id": "a" * 40, "op": "Gateway", "opts": {"url": provider.url, "method": "GET"}}

    def answer(document: dict[str, Any]) -> Reply:
        return DONE if document["steps"] else Reply(206, [asks], pause=1.5)

    with Impostor([step_of("fake-fn", "x/y")], answer) as app, hosted(app) as host:
        host.cloud.functions["executor"].timeout = 3
        host.send("x/y")
        assert host.result() == "done"
        assert (len(app.asked), len(provider.asked)) == (2, 1)

"""Whoever calls the gateway, with whatever: it answers, and no call gets further than its key allows."""

import json
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tarry_backend.api.sdk_calls import SdkCall, SdkCalls
from tarry_backend.remote.signatures import bearer_of
from tarry_dev.cloud import Cloud
from tarry_dev.cloud.remote_apps import RemoteApps
from tests.functional.remote.impostor import step_of
from tests.functional.remote.stage import KEY

BEARER = {"authorization": f"Bearer {bearer_of(KEY)}"}

PATHS = ["/e/test", "/fn/register", "/v1/signals"]

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["x/y", "1d", "event.data.x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["name", "data", "id", "ts", "user", "signal", "event", "cron", "limit", "period", "key", "mode"]
            )
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)

NAMES = [
    *(
        "id",
        "name",
        "triggers",
        "cancel",
        "concurrency",
        "throttle",
        "rateLimit",
        "debounce",
        "batchEvents",
        "priority",
    ),
    *("timeouts", "singleton"),
]

OPTIONS = st.dictionaries(st.sampled_from([*NAMES, "idempotency"]), JSON, max_size=5) | st.builds(
    lambda attempts: {"steps": {"step": {"retries": {"attempts": attempts}}}}, JSON | st.just(float("inf"))
)


@pytest.fixture
def calls() -> Iterator[SdkCalls]:
    remote = RemoteApps(("http://127.0.0.1:9/",), key=KEY, event_key="test")
    with Cloud(remote.app):
        yield remote.calls


def answer(calls: SdkCalls, method: str, path: str, body: bytes, **headers: str) -> tuple[int, Any]:
    reply = calls.answer(SdkCall(method, path, headers, body))
    assert reply is not None
    json.dumps(reply[1])
    return int(reply[0]), reply[1]


MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@MANY
@given(path=st.sampled_from(PATHS), body=st.binary(max_size=40) | JSON.map(json.dumps).map(str.encode), seed=st.text())
def test_any_body_with_the_key_is_taken_or_refused(calls: SdkCalls, path: str, body: bytes, seed: str) -> None:
    status, _ = answer(calls, "POST", path, body, **BEARER, **{"x-inngest-event-id-seed": seed})
    assert status in (200, 400, 404)


@MANY
@given(options=OPTIONS)
def test_any_options_are_taken_or_refused_with_the_reasons(calls: SdkCalls, options: dict[str, Any]) -> None:
    report = {"app_id": "fuzz", "url": "https://x.example/", "functions": [{**step_of("fuzz-fn", "x/y"), **options}]}
    status, said = answer(calls, "POST", "/fn/register", json.dumps(report).encode(), **BEARER)
    assert status == 200 or (status == 400 and said["error"]), said


def test_no_path_gets_by_the_event_key(calls: SdkCalls) -> None:
    odd = ["/e/", "/e/test/", "/e/TEST", "/e/test%00", "/e/tes", "/e/\ud800", "/e//test", "/e/test/../test"]
    for path in [*odd, "/e/" + "a" * 100_000]:
        assert answer(calls, "POST", path, b'[{"name": "x/y"}]', **BEARER)[0] == HTTPStatus.UNAUTHORIZED, path


def test_no_header_gets_by_the_signing_key(calls: SdkCalls) -> None:
    right = bearer_of(KEY)
    odd = ["", "Bearer", "Bearer ", f"Bearer {KEY}", f"bearer {right}x", right[:-1], "Bearer \u0130", "Bearer \ud800"]
    for header in [*odd, "Basic " + "a" * 10_000]:
        for method, path in (("POST", "/fn/register"), ("POST", "/v1/signals"), ("GET", "/v0/runs/x/actions")):
            assert answer(calls, method, path, b"{}", authorization=header)[0] == HTTPStatus.UNAUTHORIZED, header


def test_what_tarry_does_not_have_is_said_to_be_lacking(calls: SdkCalls) -> None:
    odd = ["/v0/runs/../actions", "/v0/runs/a/b/actions"]
    for path in [*odd, "/v1/checkpoint/x", "/v0/connect/start", "/v1/realtime/publish"]:
        status, said = answer(calls, "POST", path, b"{}", **BEARER)
        assert (status, "Tarry does not have" in said["error"]) == (404, True), path


def test_an_app_is_registered_only_at_an_address_that_can_be_called(calls: SdkCalls) -> None:
    odd = ["https://[", "https://", "https://a b/", "https://x.example:99999/", "ftp://x", "https://\ud800/", None, 7]
    for url in odd:
        report = {"app_id": "fuzz", "url": url, "functions": [step_of("fuzz-fn", "x/y")]}
        status, said = answer(calls, "POST", "/fn/register", json.dumps(report).encode(), **BEARER)
        assert status == 400, url
        assert "address" in said["error"]

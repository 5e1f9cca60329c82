"""Functions by the official PyPI package ``inngest``, over FastAPI. In development it registers itself."""

import json
from collections.abc import Iterator

import pytest

from tests.functional.remote.provider import Provider
from tests.functional.remote.sdk_promises import SdkPromises
from tests.functional.remote.stage import KEY, Door, SdkApp, Shop, python_app, shop


@pytest.fixture(scope="module")
def app(door: Door) -> Iterator[SdkApp]:
    with python_app(door, INNGEST_DEV=door.url) as app:
        yield app


class TestPython(SdkPromises):
    """What all SDKs do alike."""


def test_a_failed_run_starts_its_failure_function(shop_of: Shop) -> None:
    shop_of.send("fails")
    shop_of.host.advance("6m")
    assert shop_of.run("fails").status == "failed"
    assert shop_of.result("fails-failure") == "out of order"


def test_a_function_invokes_another_and_sends_an_event(shop_of: Shop) -> None:
    shop_of.send("invokes", box=4)
    assert shop_of.result("invokes") == 8
    assert [event.data["packed"] for event in shop_of.host.events("shop/told")] == [8]


def test_a_model_is_asked_by_the_executor(shop_of: Shop) -> None:
    with Provider() as provider:
        shop_of.send("fetches", url=provider.url)
        assert shop_of.result("fetches") == {"answer": 42}
        [asked] = provider.asked
    assert (asked.path, asked.headers["authorization"]) == ("/v1/chat/completions", "Bearer secret")
    assert json.loads(asked.body) == {"ask": "how many?", "model": "small"}


def test_a_signed_app_runs_as_well_and_fetches_a_large_state(door: Door) -> None:
    keys = {"INNGEST_SIGNING_KEY": KEY, "INNGEST_EVENT_KEY": "test", "INNGEST_BASE_URL": door.url}
    with python_app(door, **keys) as app, shop(app, KEY) as signed:
        signed.send("invokes", box=5)
        assert signed.result("invokes") == 10
        signed.send("big")
        assert signed.result("big") == 5_000_000

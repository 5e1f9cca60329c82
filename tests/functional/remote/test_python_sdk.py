"""Functions by the official PyPI package ``inngest``, over FastAPI. In development it registers itself."""

from collections.abc import Iterator

import pytest

from tests.functional.remote.stage import KEY, Door, SdkApp, Shop, python_app, shop


@pytest.fixture(scope="module")
def app(door: Door) -> Iterator[SdkApp]:
    with python_app(door, INNGEST_DEV=door.url) as app:
        yield app


def test_a_campaign_is_answered_late(shop_of: Shop) -> None:
    shop_of.send("signed.up", email="a@b.c")
    shop_of.host.advance("3d")
    shop_of.send("confirmed", email="a@b.c")
    assert shop_of.result("drip") == {"outcome": "late"}
    assert shop_of.bodies("drip") == {"welcome": 1, "reminder": 1}


def test_a_campaign_is_never_answered(shop_of: Shop) -> None:
    shop_of.send("signed.up", email="a@b.c")
    shop_of.host.advance("4d")
    assert shop_of.result("drip") == {"outcome": "never"}


def test_steps_run_side_by_side(shop_of: Shop) -> None:
    shop_of.send("parallel")
    assert shop_of.result("parallel") == ["A", "B"]
    assert shop_of.bodies("parallel") == {"a": 1, "b": 1}


def test_a_failing_step_is_tried_again(shop_of: Shop) -> None:
    shop_of.send("retries")
    shop_of.host.advance("2m")
    assert shop_of.result("retries") == 3


def test_a_failed_run_starts_its_failure_function(shop_of: Shop) -> None:
    shop_of.send("fails")
    shop_of.host.advance("6m")
    assert shop_of.run("fails").status == "failed"
    assert shop_of.result("fails-failure") == "out of order"


def test_a_function_invokes_another_and_sends_an_event(shop_of: Shop) -> None:
    shop_of.send("invokes", box=4)
    assert shop_of.result("invokes") == 8
    assert [event.data["packed"] for event in shop_of.host.events("shop/told")] == [8]


def test_a_signed_app_runs_as_well_and_fetches_a_large_state(door: Door) -> None:
    keys = {"INNGEST_SIGNING_KEY": KEY, "INNGEST_EVENT_KEY": "test", "INNGEST_BASE_URL": door.url}
    with python_app(door, **keys) as app, shop(app, KEY) as signed:
        signed.send("invokes", box=5)
        assert signed.result("invokes") == 10
        signed.send("big")
        assert signed.result("big") == 5_000_000

"""Apps in cloud mode: each request is signed, and so is each answer."""

import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from tarry_dev.cloud import Cloud
from tarry_dev.cloud.remote_apps import RemoteApps
from tests.functional.remote.stage import KEY, Door, SdkApp, Shop, node_app, shop


@pytest.fixture(scope="module", params=[3, 4], ids=["inngest3", "inngest4"])
def signed(request: pytest.FixtureRequest, door: Door) -> Iterator[SdkApp]:
    variables = {"INNGEST_SIGNING_KEY": KEY, "INNGEST_EVENT_KEY": "test", "INNGEST_BASE_URL": door.url}
    with node_app(door, request.param, NODE_ENV="production", **variables) as app:
        yield app


@pytest.fixture
def shop_of(signed: SdkApp) -> Iterator[Shop]:
    with shop(signed, KEY) as opened:
        yield opened


def test_a_signed_app_sends_waits_and_fetches_its_state(shop_of: Shop) -> None:
    shop_of.send("asks", order=1)
    assert shop_of.result("asks") == "answered"
    shop_of.send("parallel", order=2)
    shop_of.send("answer", order=2)
    assert shop_of.result("parallel")["last"] == "AB"
    shop_of.send("big", megabytes=5)
    assert shop_of.result("big") == 5_000_000
    shop_of.send("cuts")
    assert shop_of.result("cuts") == "d83d"


def test_a_request_that_is_signed_ten_minutes_ahead_is_refused_by_the_app(shop_of: Shop) -> None:
    shop_of.host.advance("10m")
    shop_of.send("loop")
    assert "INNGEST_SIGNING_KEY" in str(shop_of.run("loop"))


def test_an_app_of_another_key_is_not_synced(signed: SdkApp) -> None:
    remote = RemoteApps((signed.url,), key=f"{KEY[:-2]}00")
    with Cloud(remote.app):
        [synced] = remote.sync()
    assert "INNGEST_SIGNING_KEY" in (synced.why_not or "")


def test_a_call_without_the_key_is_refused(shop_of: Shop) -> None:
    for path in ("/e/wrong", "/v1/signals", "/fn/register"):
        request = urllib.request.Request(f"{shop_of.app.door.url}{path}", b"[]", {"Authorization": "Bearer 00"})
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        assert refused.value.code == 401
        refused.value.close()
    assert shop_of.host.events() == []

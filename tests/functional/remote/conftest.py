"""One Node process for each version of the SDK serves all tests of a worker."""

from collections.abc import Iterator

import pytest

from tests.functional.remote.stage import Door, SdkApp, Shop, node_app, shop


@pytest.fixture(scope="session")
def door() -> Iterator[Door]:
    with Door() as door:
        yield door


@pytest.fixture(scope="session", params=[3, 4], ids=["inngest3", "inngest4"])
def app(request: pytest.FixtureRequest, door: Door) -> Iterator[SdkApp]:
    with node_app(door, request.param, INNGEST_DEV=door.url) as app:
        yield app


@pytest.fixture
def shop_of(app: SdkApp) -> Iterator[Shop]:
    with shop(app) as opened:
        yield opened

"""Functions by inngestgo. It needs Go, and a clone of the SDK, which vendors what it needs: ``INNGESTGO=folder``.

CI has neither. ``docs/inngest-apps.md`` says when these tests last ran, and with which version.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.remote.provider import Provider
from tests.functional.remote.sdk_promises import SdkPromises
from tests.functional.remote.stage import KEY, Door, SdkApp, Shop, go_app, shop

CLONE = os.environ.get("INNGESTGO", "")

pytestmark = pytest.mark.skipif(
    not (CLONE and shutil.which("go")), reason="INNGESTGO names no clone of the SDK, or there is no Go"
)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The app, built inside of the clone, without the network."""
    folder, program = Path(CLONE) / "tarryapp", tmp_path_factory.mktemp("go") / "app"
    folder.mkdir(exist_ok=True)
    shutil.copy(Path(__file__).parent / "go/main.go", folder)
    subprocess.run(
        ["go", "build", "-o", str(program), "./tarryapp"],
        cwd=CLONE,
        env={**os.environ, "GOFLAGS": "-mod=vendor", "GOPROXY": "off"},
        check=True,
    )
    return program


@pytest.fixture(scope="module")
def app(door: Door, program: Path) -> Iterator[SdkApp]:
    with go_app(door, program, INNGEST_DEV=door.url) as app:
        yield app


class TestGo(SdkPromises):
    """What all SDKs do alike."""


def test_an_error_that_no_retry_helps_is_caught_by_the_function(shop_of: Shop) -> None:
    shop_of.send("caught")
    assert shop_of.result("caught") is True


def test_a_function_sleeps_and_sends_an_event(shop_of: Shop) -> None:
    shop_of.send("naps")
    shop_of.host.advance("1d")
    assert shop_of.result("naps") == "slept"
    assert [event.data for event in shop_of.host.events("shop/told")] == [{"n": 1}]


def test_a_state_of_six_megabytes_is_sent_whole(shop_of: Shop) -> None:
    shop_of.send("big")
    assert shop_of.result("big") == 6_000_000


def test_a_request_is_made_by_the_executor(shop_of: Shop) -> None:
    with Provider() as provider:
        shop_of.send("fetches", url=provider.url)
        assert shop_of.result("fetches") == {"status": 200, "text": '{"answer": 42}'}
        assert [(asked.method, asked.body) for asked in provider.asked] == [("POST", b"hello")]


def test_a_signed_app_runs_as_well(door: Door, program: Path) -> None:
    keys = {"INNGEST_SIGNING_KEY": KEY, "INNGEST_EVENT_KEY": "test", "INNGEST_BASE_URL": door.url}
    with go_app(door, program, **keys) as app, shop(app, KEY) as signed:
        signed.send("parallel")
        assert signed.result("parallel") == ["A", "B"]
        signed.send("naps")
        assert signed.run("naps").status == "running"

"""Functions by inngestgo. It needs Go, and a clone of the SDK, which vendors what it needs: ``INNGESTGO=folder``.

CI has neither. ``docs/inngest-apps.md`` says when these tests last ran, and with which version.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

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
    assert shop_of.result("parallel") == ["a", "b"]
    assert shop_of.bodies("parallel") == {"a": 1, "b": 1}


def test_a_failing_step_is_tried_again(shop_of: Shop) -> None:
    shop_of.send("retries")
    shop_of.host.advance("2m")
    assert shop_of.result("retries") == 3


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


def test_a_signed_app_runs_as_well(door: Door, program: Path) -> None:
    keys = {"INNGEST_SIGNING_KEY": KEY, "INNGEST_EVENT_KEY": "test", "INNGEST_BASE_URL": door.url}
    with go_app(door, program, **keys) as app, shop(app, KEY) as signed:
        signed.send("parallel")
        assert signed.result("parallel") == ["a", "b"]
        signed.send("naps")
        assert signed.run("naps").status == "running"

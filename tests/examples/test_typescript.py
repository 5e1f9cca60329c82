"""The mail campaign in TypeScript, by the official SDK: what it does is what the one in Python does."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.functional.remote.stage import Door, SdkApp, Shop, example_app, shop
from tests.functional.remote.typescript import bundle, complaints

ADA = {"userId": "u-1", "email": "ada@shop.test"}
BOB = {"userId": "u-2", "email": "bob@shop.test"}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SdkApp]:
    program = bundle("server.ts", tmp_path_factory.mktemp("example") / "server.cjs")
    with Door() as door, example_app(door, program) as app:
        yield app


@pytest.fixture
def campaign(app: SdkApp) -> Iterator[Shop]:
    with shop(app) as opened:
        yield opened


def mails(campaign: Shop) -> list[Any]:
    steps = campaign.run("onboarding").steps.values()
    return [step.output["template"] for step in steps if step.kind == "run"]


def test_the_compiler_has_nothing_to_say(tmp_path: Path) -> None:
    assert complaints(tmp_path) == ""


def test_who_gets_going_gets_tips(campaign: Shop) -> None:
    campaign.host.send("app/account.created", ADA)
    assert mails(campaign) == ["welcome"]
    campaign.host.advance("2d")
    campaign.host.send("app/onboarding.completed", BOB)
    campaign.host.send("app/onboarding.completed", ADA)
    assert campaign.result("onboarding") == "onboarded"
    assert mails(campaign) == ["welcome", "tips"]


def test_who_stays_silent_for_three_days_gets_a_nudge(campaign: Shop) -> None:
    campaign.host.send("app/account.created", ADA)
    campaign.host.advance("3d")
    assert campaign.result("onboarding") == "nudged"
    assert mails(campaign) == ["welcome", "nudge"]

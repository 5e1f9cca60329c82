"""The mail campaign, as its author would test it."""

from typing import Any

import pytest

from examples.onboarding import app
from tarry_dev.cloud.host import Host
from tarry_dev.pytest_plugin import MakeHost

ADA = {"userId": "u-1", "email": "ada@shop.test"}
BOB = {"userId": "u-2", "email": "bob@shop.test"}


@pytest.fixture
def host(tarry_host: MakeHost) -> Host:
    return tarry_host(app)


def mails(host: Host) -> list[Any]:
    steps = host.run("onboarding").steps.values()
    return [step.output["template"] for step in steps if step.kind == "run"]


def test_a_welcome_goes_out_at_once_and_the_run_waits(host: Host) -> None:
    host.send("app/account.created", ADA)
    assert host.run("onboarding").status == "running"
    assert mails(host) == ["welcome"]


def test_who_gets_going_gets_tips(host: Host) -> None:
    host.send("app/account.created", ADA)
    host.advance("2d")
    host.send("app/onboarding.completed", ADA)
    assert host.run("onboarding").output == "onboarded"
    assert mails(host) == ["welcome", "tips"]


def test_who_stays_silent_for_three_days_gets_a_nudge(host: Host) -> None:
    host.send("app/account.created", ADA)
    host.advance("3d")
    assert host.run("onboarding").output == "nudged"
    assert mails(host) == ["welcome", "nudge"]


def test_somebody_elses_completion_resumes_nobody(host: Host) -> None:
    host.send("app/account.created", ADA)
    host.send("app/onboarding.completed", BOB)
    assert host.run("onboarding").status == "running"


def test_of_two_accounts_each_goes_its_own_way(host: Host) -> None:
    host.send("app/account.created", ADA)
    host.send("app/account.created", BOB)
    host.send("app/onboarding.completed", BOB)
    host.advance("3d")
    assert [run.output for run in host.runs("onboarding")] == ["nudged", "onboarded"]
    assert host.dead_letters == []

"""The executor dies at each of its calls to AWS, while a remote function runs: its outcome is as without.

One cloud has all the runs of a story: first one without a death, which tells the calls, then one for each death.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tarry_dev.cloud import HostedRun
from tests.functional.contract.deaths import Mortal, deaths
from tests.functional.remote.provider import Provider
from tests.functional.remote.stage import Door, SdkApp, Shop, node_app, python_app, shop

BACK = "20m"
"""By then the message of a dead executor is back."""

FIRST = 7_000
"""The first number, which is in no other place of an ending."""

Story = Callable[[Shop, int], list[HostedRun]]
"""What is sent, for a run of that number. It returns the runs that have come of it; the first one's bodies count."""


def run_of(shop: Shop, function: str, number: int) -> list[HostedRun]:
    """The runs of a function that a story's number has started."""
    runs = shop.host.runs(f"{shop.app.id}-{function}")
    return [run for run in runs if f"'n': {number}," in f"{run.event.data},".replace("}", ",")]


def campaign_that_is_answered(shop: Shop, n: int) -> list[HostedRun]:
    email = f"{n}@b.c"
    shop.send("signed.up", email=email, timeout="1h", minutes=60, n=n)
    shop.host.advance("100m")
    shop.send("confirmed", email=email, via="link")
    shop.host.advance(BACK)
    return run_of(shop, "drip", n)


def campaign_that_times_out(shop: Shop, n: int) -> list[HostedRun]:
    shop.send("signed.up", email=f"{n}@b.c", timeout="30m", minutes=30, n=n)
    shop.host.advance("100m")
    return run_of(shop, "drip", n)


def steps_side_by_side_with_a_wait(shop: Shop, n: int) -> list[HostedRun]:
    shop.send("parallel", order=n, n=n)
    shop.host.advance(BACK)
    shop.send("answer", order=n)
    shop.host.advance(BACK)
    return run_of(shop, "parallel", n)


def race_won_by_the_event(shop: Shop, n: int) -> list[HostedRun]:
    shop.send("race", deadline="2h", n=n)
    shop.host.advance(BACK)
    shop.send("paid")
    shop.host.advance("140m")
    return run_of(shop, "race", n)


def invocation_and_event(shop: Shop, n: int) -> list[HostedRun]:
    shop.send("invokes", box=n, n=n)
    shop.host.advance("45m")
    # The app sends the event in a step's body. Where that runs again, the event is sent again.
    assert 1 <= len([event for event in shop.host.events("shop/told") if event.data == {"packed": 2 * n}]) <= 2
    return run_of(shop, "invokes", n)


def failure(shop: Shop, n: int) -> list[HostedRun]:
    shop.send("fails", order=n, n=n)
    shop.host.advance("45m")
    reports = shop.host.runs(f"{shop.app.id}-fails-failure")
    return [*run_of(shop, "fails", n), *(run for run in reports if run.event.data["event"]["data"]["n"] == n)]


def request_of_a_service(shop: Shop, n: int) -> list[HostedRun]:
    with Provider() as provider:
        shop.send("calls", url=provider.url, n=n)
        shop.host.advance(BACK)
        assert 1 <= len(provider.asked) <= 2
    return run_of(shop, "calls", n)


def ending(runs: list[HostedRun], n: int) -> Any:
    """What has come of a story, without its number."""
    told = [(run.function_id, run.status, run.output if run.status == "finished" else None) for run in runs]
    return str(told).replace(f" {2 * n}", " 2n").replace(f" {n}", " n").replace(f"{n}@", "n@")


def check(shop: Shop, story: Story) -> None:
    plan = Mortal("executor")
    expected = ending(story(shop, FIRST - 1), FIRST - 1)  # the first run in a cloud makes a call more
    with shop.cloud.dies(plan):
        assert ending(story(shop, FIRST), FIRST) == expected
    assert expected.count("finished") + expected.count("failed") >= 1
    for n, death in enumerate(deaths("executor", plan.calls), FIRST + 1):
        mortal = Mortal("executor", death)
        with shop.cloud.dies(mortal):
            runs = story(shop, n)
        assert mortal.has_died, str(death)
        assert ending(runs, n) == expected, str(death)
        bodies = shop.app.bodies(runs[0])
        assert sum(bodies.values()) <= len(bodies) + 1 + 1 * ("throws" in bodies), f"{death}: {bodies}"


@pytest.fixture(scope="module")
def app(door: Door) -> Iterator[SdkApp]:
    """The app without its cron, whose runs would be counted among a story's."""
    with node_app(door, 4, INNGEST_DEV=door.url, WITHOUT="nightly") as app:
        yield app


STORIES = [
    campaign_that_is_answered,
    campaign_that_times_out,
    steps_side_by_side_with_a_wait,
    race_won_by_the_event,
    invocation_and_event,
    failure,
    request_of_a_service,
]


@pytest.mark.parametrize("story", STORIES)
def test_whichever_call_the_executor_dies_at_the_outcome_is_the_same(shop_of: Shop, story: Story) -> None:
    check(shop_of, story)


@pytest.mark.parametrize("sdk", ["inngest3", "python"])
def test_an_app_by_another_sdk_ends_as_well_whichever_call_the_executor_dies_at(door: Door, sdk: str) -> None:
    variables = {"INNGEST_DEV": door.url, "WITHOUT": "nightly"}
    made = python_app(door, **variables) if sdk == "python" else node_app(door, 3, **variables)
    with made as app, shop(app) as opened:
        check(opened, invocation_and_event)

"""tarry pause, resume, limit and functions, and what tarry run says of a run that waits for its turn."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.serving import Dev, ask, document, eventually, served, succeed

APP = """
import tarry

app = tarry.App("mine")


@app.create_function(
    fn_id="slow", trigger=tarry.TriggerEvent(event="app/begun"), concurrency=tarry.Concurrency(1, hold="run")
)
async def slow(ctx: tarry.Context):
    await ctx.step.wait_for_event("wait", event="app/done", match="data.id", timeout="2d")


@app.create_function(
    fn_id="free", trigger=tarry.TriggerEvent(event="app/free"), throttle=tarry.Throttle(3, "1m", burst=2)
)
async def free(ctx: tarry.Context):
    return None
"""


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    with served(tmp_path_factory.mktemp("served"), APP) as dev:
        yield dev


def test_a_run_that_waits_for_its_turn_says_since_when_and_how_many_are_before_it(tmp_path: Path) -> None:
    with served(tmp_path, APP):  # one whose executor does not remember that the function was paused
        _three_runs_wait()


def _three_runs_wait() -> None:
    for number in range(3):
        succeed("send", "app/begun", json.dumps({"id": number}))
    eventually(lambda: len(document("runs")["runs"]) == 3)
    ids = [run["id"] for run in sorted(document("runs")["runs"], key=lambda run: str(run["event"]["data"]["id"]))]
    eventually(lambda: document("run", ids[2])["held_back"])
    shown = [document("run", each)["held_back"] for each in ids[1:]]
    assert [each["before"] for each in shown] == [0, 1]
    assert all(each["since"] and each["paused"] is None for each in shown)
    assert document("run", ids[0])["held_back"] is None
    assert "waits for its turn: 1 before it" in succeed("run", ids[2])


def test_a_function_is_paused_limited_and_listed(dev: Dev) -> None:
    assert document("pause", "slow")["paused"]
    assert document("limit", "slow", "7")["limit_now"] == 7
    slow, free = document("functions")["functions"]
    assert (slow["id"], slow["limit_now"], bool(slow["paused"])) == ("slow", 7, True)
    assert slow["concurrency"] == [{"limit": 1, "key": None, "scope": "fn", "hold": "run"}]
    assert (free["concurrency"], free["paused"]) == ([], None)
    assert free["throttle"] == {"limit": 3, "period": "1m", "burst": 2}
    assert "throttle (limit 3, period 1m, burst 2)" in " ".join(succeed("functions").split())
    assert "paused" in succeed("functions")
    assert document("resume", "slow") == {"id": "slow", "paused": None, "draining": None, "limit_now": 7}
    assert document("limit", "slow", "--reset")["limit_now"] is None
    assert document("drain", "slow")["draining"]
    assert "draining" in succeed("functions")
    assert document("resume", "slow")["draining"] is None


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("pause", "free"), "pausable=True"),
        (("pause", "none"), "no function 'none'"),
        (("limit", "slow"), "--reset"),
    ],
)
def test_what_cannot_be_controlled_is_refused_with_the_reason(
    dev: Dev, arguments: tuple[str, ...], problem: str
) -> None:
    asked = ask(*arguments)
    assert asked.exit_code != 0
    assert problem in asked.output

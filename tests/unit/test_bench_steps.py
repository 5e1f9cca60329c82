"""The benchmark of steps itself, on moto and with few steps, so that it still runs when it is wanted."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from benchmarks.matching.wire import Traffic
from benchmarks.steps.growth import Row, growth
from benchmarks.steps.parallel import Race
from benchmarks.steps.scene import Invocation
from tests.unit.repository import ROOT


def invocation(kept: int, *, ms: float = 5, received: int = 0, **requests: int) -> Invocation:
    traffic = Traffic(requests=Counter(requests), sent_bytes=500, received_bytes=received)
    return Invocation(kept, traffic, cpu_ms=ms, wall_ms=ms)


def row(count: int, *, reads: int = 1, received: int | None = None, writes: int = 0, ms: float | None = None) -> Row:
    run = [invocation(kept, ms=5 + kept / 10, Query=1, PutItem=3, SendMessageBatch=1) for kept in range(count)]
    taken, answered = ms or count / 10, 100 * count if received is None else received
    replay = invocation(count, ms=taken, received=answered, Query=reads, PutItem=writes)
    return Row.of("some", count, run, [replay, replay])


def test_it_runs_and_finds_what_a_step_and_a_replay_ask_of_aws(endpoint: str, tmp_path: Path) -> None:
    file = tmp_path / "new" / "steps.json"
    few = ["--sizes", "3,6", "--turns", "6", "--rest", "50", "--endpoint", endpoint, "--json", str(file)]
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.steps", *few], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert file.exists(), run.stderr
    figures: dict[str, Any] = json.loads(file.read_text())

    # A step is a write, a suspension two more; so are the beginning of the run and the sleep at its end, of all six.
    asked = {(each["kind"], each["count"]): each["step"] for each in figures["runs"]}
    counted = {
        kind: [round(6 * step[name]) for name in ("writes", "reads", "messages")]
        for (kind, n), step in asked.items()
        if n == 6
    }
    assert counted == {
        "steps": [6 + 2, 0, 0],
        "steps and sleeps": [18 + 2, 6, 0],
        "steps and waits": [18 + 2, 6 * 3, 6],
    }
    assert {(each["replay"]["reads"], each["replay"]["writes"]) for each in figures["runs"]} == {(1, 0)}
    assert [each["replay"]["kept"] for each in figures["runs"]] == [4, 7, 7, 13, 7, 13]
    assert [each["verdict"] for each in figures["growth"]] == ["PASS"] * 3
    assert [race["face"] for race in figures["parallel"]] == ["async", "def"]
    assert run.returncode == (0 if figures["passed"] else 1)
    assert list(file.parent.iterdir()) == [file]


def test_a_steps_time_is_what_the_kept_steps_do_not_explain() -> None:
    assert row(20).step.wall_ms == pytest.approx(5)


def test_what_a_kept_step_costs_is_a_replays_share() -> None:
    replay = row(50, ms=10, received=5_000).replay
    assert (replay.bytes_each, replay.cpu_us_each, replay.wall_us_each) == (100, 200, 200)


def test_what_grows_as_its_steps_do_passes() -> None:
    grown = growth([row(10), row(100), row(1_000)])
    assert (grown.fewer, grown.most, grown.verdict, grown.note) == (100, 1_000, "PASS", "")


@pytest.mark.parametrize("last", [row(1_000, received=103_000), row(1_000, reads=11), row(1_000, writes=1)])
def test_bytes_reads_or_writes_of_a_replay_that_grow_faster_fail(last: Row) -> None:
    assert growth([row(100), last]).verdict == "FAIL"


def test_time_that_grows_faster_is_remarked_on_alone() -> None:
    grown = growth([row(100), row(1_000, ms=150)])
    assert grown.verdict == "PASS"
    assert grown.note == "replay cpu each, replay wall each grew 1.5 x or more"


@pytest.mark.parametrize(
    ("row_ms", "parallel_ms", "verdict"), [(2_050, 230, "PASS"), (2_050, 310, "FAIL"), (300, 290, "FAIL")]
)
def test_side_by_side_takes_less_than_one_step_and_a_half_and_in_a_row_all_of_them(
    row_ms: float, parallel_ms: float, verdict: str
) -> None:
    assert Race("async", row_ms, parallel_ms).verdict == verdict

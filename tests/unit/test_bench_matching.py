"""The benchmark of matching itself, on moto and with few waits, so that it still runs when it is wanted."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.dynamodb_local import install
from benchmarks.matching.flatness import Row, growth
from benchmarks.matching.kinds import KINDS
from tarry.errors import UsageError
from tests.unit.repository import ROOT


def row(waits: int, *, requests: float = 4, read_units: float = 1.5, ms: float = 3, is_flat: bool = True) -> Row:
    return Row(
        kind="some",
        expression="async.data.a == event.data.a",
        is_flat=is_flat,
        waits=waits,
        events=10,
        requests=requests,
        by_operation={"Query": requests},
        read_units=read_units,
        write_units=1,
        cpu_ms=ms,
        wall_ms=ms,
    )


def test_it_runs_and_finds_that_an_event_costs_four_requests(endpoint: str, tmp_path: Path) -> None:
    file = tmp_path / "new" / "matching.json"
    few = ["--sizes", "2,6", "--events", "5", "--fan-out", "12", "--endpoint", endpoint, "--json", str(file)]
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.matching", *few], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    figures: dict[str, Any] = json.loads(file.read_text())

    keyed = [row for row in figures["events"] if row["is_flat"]]
    assert [(row["kind"], row["waits"]) for row in keyed] == [
        (kind.name, waits) for kind in KINDS if kind.is_flat for waits in (2, 6)
    ]
    assert [row["by_operation"] for row in keyed] == [
        {"BatchWriteItem": 1, "GetItem": 1, "Query": 1, "SendMessageBatch": 1}
    ] * len(keyed)

    (wave,) = figures["fan_out"]
    assert (wave["waits"], wave["pages"], wave["by_operation"]["SendMessageBatch"]) == (12, 1, 2)
    assert wave["traced_mb"] > 0

    assert figures["passed"]
    assert run.stdout.count("PASS") == 3
    assert list(file.parent.iterdir()) == [file], "it is written at once, and nothing is left beside it"


def test_a_kind_whose_cost_stays_passes() -> None:
    grown = growth([row(100), row(1_000, requests=9), row(10_000)])
    assert (grown.fewest, grown.most, grown.verdict, grown.note) == (100, 10_000, "PASS", "")


@pytest.mark.parametrize("last", [row(10_000, requests=4.1), row(10_000, read_units=2), row(10_000, read_units=1)])
def test_a_kind_whose_requests_or_read_units_change_fails(last: Row) -> None:
    assert growth([row(100), last]).verdict == "FAIL"


def test_time_that_grows_is_remarked_on_alone() -> None:
    grown = growth([row(100), row(10_000, ms=4.5)])
    assert grown.verdict == "PASS"
    assert grown.note == "CPU and wall time grew 1.5 x or more"


def test_a_kind_of_which_nothing_is_claimed_has_no_verdict() -> None:
    grown = growth([row(100, is_flat=False), row(10_000, requests=400, ms=300, is_flat=False)])
    assert (grown.requests, grown.verdict, grown.note) == (100, "-", "")


def test_an_emulator_other_than_the_pinned_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text("#!/bin/sh\necho other > package.tgz\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(npm.parent))
    with pytest.raises(UsageError, match="SHA-512"):
        install(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []

"""The benchmark beside AWS's SDK: its parts that need neither that SDK nor Java."""

from pathlib import Path

import pytest

from benchmarks.peers import __main__ as peers
from benchmarks.peers import imports, tarry_side
from benchmarks.peers.job import Run
from benchmarks.peers.process import Invocation
from benchmarks.peers.report import Report, Row


def test_a_missing_peer_is_named_with_what_installs_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert peers.main(["--peer", str(tmp_path / "python")]) == 2
    assert "run make bench-peers" in capsys.readouterr().err


@pytest.mark.parametrize("name", [name for name in imports.COLD_STARTS if name != imports.PEER])
def test_a_cold_start_of_each_lambda_can_be_measured(name: str, tmp_path: Path) -> None:
    cpu_ms, modules = imports._measure(name, Path("none"), tarry_side.asset(tmp_path / "asset"))
    assert cpu_ms > 1
    assert modules > 100


def test_the_last_invocation_of_a_run_ends_it_and_counts_for_nothing() -> None:
    found = [Invocation({"answer": "{}", "said": None, "cpu_ms": cpu, "wall_ms": 1.0}) for cpu in (5.0, 2.0, 3.0, 99.0)]
    assert Run.of(found) == Run(first=5.0, resumed=2.5)


def test_a_step_costs_what_the_run_without_steps_does_not() -> None:
    def runs(*cpu: float) -> dict[str, list[Run]]:
        return dict(zip(("def", "async", "peer"), ([Run(each, each)] for each in cpu), strict=True))

    measured = {"sleeps": runs(1, 1, 2), "events": runs(1, 2, 4), "steps": runs(11, 7, 24)}
    rows = {row.name: row for row in peers._rows(measured, 10)}
    assert rows["a step (def)"] == Row("a step (def)", 1.0, 2.0)
    assert rows["a step (async)"].ratio == 0.25
    assert rows["suspend and resume, event (async)"].ratio == 0.5


def test_the_report_has_the_ratio_for_people_and_for_programs() -> None:
    report = Report(
        {"benchmark": "peers"}, [Row("a step", 1.0, 2.0)], {"executor": 500}, {"the matcher, an event": 3.0}
    )
    assert any(line.startswith("a step ") and line.endswith("0.50 x") for line in report.lines())
    assert report.figures["rows"][0]["ratio"] == 0.5

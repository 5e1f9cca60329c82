"""The benchmark of ``tarry dev``: what it makes of its figures."""

import json

import pytest

from benchmarks.dev.report import Report, Row, Shared
from benchmarks.dev.scene import Cost


def cost(count: int, cpu_s: float = 1) -> Cost:
    return Cost(count, cpu_s, wall_s=2, first_s=0.1)


def report(*resume_ms: float, idle: float = 0.01) -> Report:
    sizes = [100 * 10**place for place in range(len(resume_ms))]
    rows = [
        Row(waits, cost(waits), idle, cost(100, milliseconds / 10), 150.0)
        for waits, milliseconds in zip(sizes, resume_ms, strict=True)
    ]
    return Report({"benchmark": "dev"}, rows, [Shared("one event to its runs", cost(50), cost(50))])


@pytest.mark.parametrize(("made", "failed"), [(report(10, 11, 14), False), (report(10, 11, 15.1), True)])
def test_a_resume_that_grows_with_the_waits_fails_the_benchmark(made: Report, failed: bool) -> None:
    assert made.failed is failed
    assert made.figures["passed"] is not failed
    assert ("FAIL" in "".join(made.lines())) is failed


def test_a_cloud_that_does_not_rest_fails_the_benchmark() -> None:
    assert report(10, 10, idle=0.06).failed


def test_the_figures_are_per_thing_and_per_second() -> None:
    figures = json.loads(json.dumps(report(10, 12).figures))
    assert [row["resumed"]["cpu_ms_each"] for row in figures["waits"]] == [10, 12]
    assert figures["waits"][0]["registered"]["per_second"] == 50
    assert figures["growth"]["resume"] == pytest.approx(1.2)

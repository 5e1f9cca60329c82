"""The prices of docs/cost.md follow from its own units, and the README quotes their sum."""

import re

import pytest

from benchmarks.cost.price import Cost
from tarry_dev.console.cost import PRICES
from tests.unit.repository import ROOT

PAGE = (ROOT / "docs/cost.md").read_text()
README = (ROOT / "README.md").read_text()

WRITE, READ, SQS, FIFO, INVOCATION, LAMBDA_MS, PUT = 0.625, 0.125, 0.40, 0.50, 0.20, 0.0133, 1.00
"""USD a million, as in the page's first table; a millisecond of 1 GB is a thousandth of its 1,000 GB-seconds."""

ONE_RUN = {"events": 1, "awaited": 1, "runs": 1, "steps": 2, "waits": 1, "resumes": 1, "ends": 1}
"""What happens in a run of the onboarding example, by the first word of a row."""


def rows() -> dict[str, list[str]]:
    table = PAGE[PAGE.index("| a million | write units |") : PAGE.index("So a million runs")]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:] if line]
    return {cells[0].split()[0].rstrip(","): cells[1:] for cells in lines}


ROWS = rows()


def first(cell: str) -> float:
    return float(re.split(r"[ ,]", cell)[0] or 0)


def computed(name: str, *, shared_by: int) -> float:
    """The price of a million. ``shared_by`` is how many messages share a request and an invocation.

    The executor, which reads the FIFO queue, has one message an invocation: only the request that sends it is shared.
    """
    writes, reads, requests, puts, invocations, times, *_ = ROWS[name]
    fifo = re.search(r"(\d+) FIFO", requests)
    standard = 0.0 if requests.endswith("FIFO") and "," not in requests else first(requests)
    by_executor = 1 if fifo else 0
    shared = standard * SQS + by_executor * FIFO + (first(invocations) - by_executor) * INVOCATION
    unshared = (int(fifo[1]) - 1) * FIFO + INVOCATION if fifo else 0
    read, took = (float(each.split(", ")[0 if shared_by == 1 else -1] or 0) for each in (reads, times))
    own = first(writes) * WRITE + read * READ + first(puts) * PUT
    return own + unshared + shared / shared_by + took * LAMBDA_MS


def test_the_first_table_has_the_prices_that_the_rows_use() -> None:
    for price in (WRITE, READ, SQS, FIFO, INVOCATION, LAMBDA_MS, PUT):
        assert re.search(rf"\b{price:.4f}".rstrip("0").rstrip("."), PAGE[: PAGE.index("## By what happens")])


@pytest.mark.parametrize("name", ROWS)
def test_a_row_costs_what_its_units_cost(name: str) -> None:
    *_, alone, batched = ROWS[name]
    assert computed(name, shared_by=1) == pytest.approx(float(alone), abs=0.0051)
    assert computed(name, shared_by=10) == pytest.approx(float(batched), abs=0.0051)


def measured() -> dict[str, list[str]]:
    """The benchmark's figures by a row's first word: CPU time, requests to each service, milliseconds."""
    table = PAGE[PAGE.index("| | CPU ms, alone and batched |") :].partition("\n\n")[0]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    return {cells[0].split()[0].rstrip(","): cells[1:] for cells in lines}


@pytest.mark.parametrize("name", ROWS)
def test_a_rows_time_follows_from_its_measured_cpu_time_and_its_counted_requests(name: str) -> None:
    cpu, requests, times = measured()[name]
    assert times == ROWS[name][5]
    alone, batched = (tuple(map(float, each.split(", "))) for each in requests.split("; "))
    for cpu_ms, counted, took in zip(map(float, cpu.split(", ")), (alone, batched), times.split(", "), strict=True):
        cost = Cost(cpu_ms, *counted)
        assert cost.milliseconds == pytest.approx(float(took), abs=0.6)


def test_the_readme_and_the_page_say_what_a_million_runs_come_to() -> None:
    alone, batched = (
        sum(computed(name, shared_by=shared_by) * count for name, count in ONE_RUN.items()) for shared_by in (1, 10)
    )
    assert f"| **together** | **{alone:.2f}** | **{batched:.2f}** |" in PAGE
    said = f"{batched:.0f} to {alone:.0f} USD"
    assert f"cost {said}" in PAGE
    assert f"{said} for a million runs" in README


@pytest.mark.parametrize("begins", PRICES)
def test_the_console_estimates_a_run_by_the_pages_prices(begins: str) -> None:
    (alone,) = [cells[-2] for name, cells in ROWS.items() if begins.startswith(name)]
    assert PRICES[begins] == float(alone)

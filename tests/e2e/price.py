"""The most that one `make acceptance` costs, from the prices of docs/cost.md."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["AT_MOST", "Price", "price_of"]

PAGE = Path(__file__).parents[2] / "docs/cost.md"

AT_MOST = {
    "events put on the bus": 3_000,
    "awaited events": 1_000,
    "runs started": 1_000,
    "steps": 3_000,
    "waits opened": 1_000,
    "resumes": 1_000,
    "timeouts": 200,
    "ends of runs": 1_000,
}
"""What the scenarios do at most, by the first words of the page's rows. They do about half of it."""

_QUERIES, _QUERY = 500, 0.00005
"""Athena's queries, and the price of one: 5 USD per TB, of which a query reads 10 MB at least."""

_BESIDES = 0.25
"""Storage, logs, the requests of the scenarios themselves, and the reads of PITR: some cents together."""


@dataclass(frozen=True, slots=True)
class Price:
    """In USD.

    Attributes:
        use: What the scenarios do.
        day: Polls, alarms and metrics of a day: the stack lives for less than an hour.
        dashboard: A month of the dashboard, which is free if the account has fewer than three.
        month: What the stack costs each month if it is kept.
    """

    use: float
    day: float
    dashboard: float
    month: float

    @property
    def at_most(self) -> float:
        """The whole, rounded up to a tenth of a dollar."""
        return -(-(self.use + self.day + self.dashboard) * 10 // 1) / 10


def price_of(page: str) -> Price:
    """Compute the price from the text of docs/cost.md; ``ValueError`` if the page lacks a row."""
    use = sum(number * _row(page, name, column=-2) / 1_000_000 for name, number in AT_MOST.items())
    dashboard = _row(page, "the dashboard", column=-1)
    month = _idle(page)
    return Price(use + _QUERIES * _QUERY + _BESIDES, (month - dashboard) / 30, dashboard, month)


def _row(page: str, name: str, column: int) -> float:
    found = re.search(rf"^\| {re.escape(name)}\b.*\|$", page, re.MULTILINE)
    if found is None:
        raise ValueError(f"docs/cost.md has no row that begins with {name!r}")
    return float(found[0].strip("|").split("|")[column])


def _idle(page: str) -> float:
    found = re.search(r"^\| \*\*together\*\* \| \*\*([\d.]+)\*\*, or", page, re.MULTILINE)
    if found is None:
        raise ValueError("docs/cost.md has no sum of an idle month")
    return float(found[1])

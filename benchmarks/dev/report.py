"""The figures, as a table and as a file."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.dev.scene import Cost

__all__ = ["IDLE_LESS_THAN", "RESUME_GROWS_LESS_THAN", "Report", "Row", "Shared"]

RESUME_GROWS_LESS_THAN = 1.5
"""A resume with the most waits, against one with the fewest: the processor's time."""

IDLE_LESS_THAN = 0.05
"""The part of one core that a cloud takes while all of its runs wait."""


@dataclass(frozen=True, slots=True)
class Row:
    """What it cost to come to that many waits, what the cloud takes with them at rest, and what resumes cost then."""

    waits: int
    registered: Cost
    idle: float
    resumed: Cost
    memory_mb: float


@dataclass(frozen=True, slots=True)
class Shared:
    """One event to that many runs, or as many events at once to a run each: their registration, their resumes."""

    what: str
    registered: Cost
    resumed: Cost


@dataclass(frozen=True, slots=True)
class Report:
    """All that was measured, and under which conditions."""

    conditions: dict[str, Any]
    rows: Sequence[Row]
    shared: Sequence[Shared]

    @property
    def growth(self) -> float:
        """How many times as much of the processor a resume takes with the most waits as with the fewest."""
        return self.rows[-1].resumed.cpu_ms_each / self.rows[0].resumed.cpu_ms_each

    @property
    def idle(self) -> float:
        """The most that the cloud took at rest."""
        return max(row.idle for row in self.rows)

    @property
    def failed(self) -> bool:
        """Whether a resume grows with the waits, or the cloud does not rest."""
        return self.growth >= RESUME_GROWS_LESS_THAN or self.idle >= IDLE_LESS_THAN

    @property
    def figures(self) -> dict[str, Any]:
        """For programs."""
        return {
            **self.conditions,
            "waits": [
                {**asdict(row), "registered": _of(row.registered), "resumed": _of(row.resumed)} for row in self.rows
            ],
            "shared": [
                {"what": each.what, "registered": _of(each.registered), "resumed": _of(each.resumed)}
                for each in self.shared
            ],
            "growth": {"resume": self.growth, "idle": self.idle},
            "bounds": {"resume": RESUME_GROWS_LESS_THAN, "idle": IDLE_LESS_THAN},
            "passed": not self.failed,
        }

    def lines(self) -> Iterator[str]:
        """For people."""
        yield (
            f"{'waits':>8} {'registered/s':>13} {'CPU ms':>7} {'idle, % of a core':>18} {'resumed/s':>10} {'CPU ms':>7}"
            f" {'MB':>6}"
        )
        for row in self.rows:
            yield (
                f"{row.waits:8,} {row.registered.per_second:13.0f} {row.registered.cpu_ms_each:7.1f}"
                f" {100 * row.idle:18.2f} {row.resumed.per_second:10.0f} {row.resumed.cpu_ms_each:7.1f}"
                f" {row.memory_mb:6.0f}"
            )
        verdict = "FAIL" if self.failed else "PASS"
        yield f"a resume: {self.growth:.2f} x, less than {RESUME_GROWS_LESS_THAN} x  {verdict}"
        yield ""
        yield f"{'':32} {'resumes':>8} {'all, s':>7} {'first, s':>9} {'resumed/s':>10} {'CPU ms':>7}"
        for each in self.shared:
            cost = each.resumed
            yield (
                f"{each.what:32} {cost.count:8,} {cost.wall_s:7.1f} {cost.first_s:9.2f} {cost.per_second:10.0f}"
                f" {cost.cpu_ms_each:7.1f}"
            )


def _of(cost: Cost) -> dict[str, Any]:
    return {**asdict(cost), "cpu_ms_each": cost.cpu_ms_each, "per_second": cost.per_second}

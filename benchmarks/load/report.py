"""The figures, as tables and as a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.load.load import Result, Stage

__all__ = ["Part", "Report"]


@dataclass(frozen=True, slots=True)
class Part:
    """What was found in one place. ``load`` are the machine's load averages when it was through."""

    title: str
    result: Result
    load: tuple[float, float, float] = field(default_factory=os.getloadavg)

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"{self.title}; load average {' '.join(f'{each:.1f}' for each in self.load)}"
        yield (
            f"  {'events per second':>17} {'events':>7} {'open':>7} {'median ms':>9} {'p95 ms':>8} {'p99 ms':>8}"
            f" {'behind':>7} {'put late':>8}  {'lost':>4} {'twice':>5}"
        )
        for stage in self.result.stages:
            yield _row(stage, "sustained" if stage.is_borne else "too many")
        yield _row(self.result.last, f"<- four fifths of {self.result.highest:g}, the highest sustained rate")


@dataclass(frozen=True, slots=True)
class Report:
    """All that was measured, and under which conditions."""

    conditions: dict[str, Any]
    parts: dict[str, Part]

    @property
    def failed(self) -> bool:
        """Whether a wait was not resumed once and by its own event."""
        return not all(
            stage.is_exact for part in self.parts.values() for stage in (*part.result.stages, part.result.last)
        )

    def lines(self) -> Iterator[str]:
        """For people, who have read of each part when it was through."""
        yield "FAIL: waits were lost, or resumed twice" if self.failed else "PASS: each wait was resumed exactly once"

    @property
    def figures(self) -> dict[str, Any]:
        """For programs."""
        parts = {
            name: {
                "title": part.title,
                "load": part.load,
                "highest_rate": part.result.highest,
                "measured": asdict(part.result.last),
                "stages": [asdict(stage) | {"is_borne": stage.is_borne} for stage in part.result.stages],
            }
            for name, part in self.parts.items()
        }
        return {**self.conditions, **parts, "passed": not self.failed}


def _row(stage: Stage, remark: str) -> str:
    return (
        f"  {stage.rate:17.1f} {stage.events:7,} {stage.open_waits:7,} {stage.median_ms:9.0f} {stage.p95_ms:8.0f}"
        f" {stage.p99_ms:8.0f} {stage.backlog:7,} {stage.late_ms:8.0f}  {stage.lost:4} {stage.twice:5}  {remark}"
    )

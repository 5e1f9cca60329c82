"""The figures, as a table and as a file."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.cost.price import LATENCY, VCPU, Cost

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Report", "Row"]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of docs/cost.md, by its first word. ``batched`` is a tenth of ten messages in one invocation."""

    name: str
    alone: Cost
    batched: Cost

    @property
    def figures(self) -> dict[str, Any]:
        """The row for programs."""
        both = {"alone": self.alone, "batched": self.batched}
        return {"name": self.name} | {
            name: asdict(each) | {"milliseconds": each.milliseconds} for name, each in both.items()
        }


@dataclass(frozen=True, slots=True)
class Report:
    """All that was measured, and under which conditions."""

    conditions: dict[str, Any]
    rows: Sequence[Row]
    failed: bool = False

    @property
    def figures(self) -> dict[str, Any]:
        """The figures for programs."""
        method = {"vcpu_at_1_gb": VCPU, "latency_ms": LATENCY}
        return {**self.conditions, **method, "rows": [row.figures for row in self.rows]}

    def lines(self) -> Iterator[str]:
        """Yield the lines for people."""
        yield f"{'':10} {'CPU ms':>13} {'DynamoDB, SQS, bus':>19} {'ms at 1 GB':>13} {'write units':>12}"
        for row in self.rows:
            one, ten = row.alone, row.batched
            requests = f"{one.dynamodb:.0f}, {one.sqs:.0f}, {one.events:.0f}"
            cpu, took = f"{one.cpu:.2f}, {ten.cpu:.2f}", f"{one.milliseconds:.0f}, {ten.milliseconds:.0f}"
            yield f"{row.name:10} {cpu:>13} {requests:>19} {took:>13} {one.writes:>12.1f}"

"""The figures, as a table and as a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Report", "Row"]


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that both sides do, and the CPU time in milliseconds that it costs each."""

    name: str
    tarry: float
    peer: float

    @property
    def ratio(self) -> float:
        """Tarry's time for one of the peer's: below 1, Tarry is cheaper."""
        return self.tarry / self.peer

    @property
    def figures(self) -> dict[str, Any]:
        """The row for programs."""
        return {"name": self.name, "tarry_cpu_ms": self.tarry, "peer_cpu_ms": self.peer, "ratio": self.ratio}


@dataclass(frozen=True, slots=True)
class Report:
    """All that was measured, and under which conditions.

    ``beside`` are figures of Tarry alone.
    """

    conditions: dict[str, Any]
    rows: Sequence[Row]
    modules: Mapping[str, int]
    beside: Mapping[str, float]
    failed: bool = False

    @property
    def figures(self) -> dict[str, Any]:
        """The figures for programs."""
        return {
            **self.conditions,
            "rows": [row.figures for row in self.rows],
            "modules": dict(self.modules),
            "tarry_alone_cpu_ms": dict(self.beside),
        }

    def lines(self) -> Iterator[str]:
        """Yield the lines for people."""
        yield f"{'CPU time, in ms':44} {'Tarry':>9} {'peer':>9} {'Tarry / peer':>13}"
        for row in self.rows:
            yield f"{row.name:44} {row.tarry:9.2f} {row.peer:9.2f} {row.ratio:11.2f} x"
        yield ""
        for name, cpu_ms in self.beside.items():
            yield f"{name:44} {cpu_ms:9.2f}"
        yield f"{'modules at a cold start':44} " + ", ".join(f"{name} {n}" for name, n in self.modules.items())

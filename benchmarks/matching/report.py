"""The figures, as a table and as a file."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.matching.fan_out import Wave
    from benchmarks.matching.flatness import Growth, Row

__all__ = ["Report"]


@dataclass(frozen=True, slots=True)
class Report:
    """All that was measured, and under which conditions."""

    conditions: dict[str, Any]
    rows: Sequence[Row]
    growth: Sequence[Growth]
    waves: Sequence[Wave]

    @property
    def failed(self) -> bool:
        """Whether a kind that is claimed to be flat is not."""
        return any(each.verdict == "FAIL" for each in self.growth)

    @property
    def figures(self) -> dict[str, Any]:
        """For programs."""
        return {
            **self.conditions,
            "events": [asdict(row) for row in self.rows],
            "growth": [asdict(each) for each in self.growth],
            "fan_out": [asdict(wave) for wave in self.waves],
            "passed": not self.failed,
        }

    def lines(self) -> Iterator[str]:
        """For people."""
        yield from self._row_lines()
        yield from self._growth_lines()
        yield from self._wave_lines()

    def _row_lines(self) -> Iterator[str]:
        title = "an event, by kind of wait"
        yield f"{title:28} {'open':>8} {'requests':>9} {'RCU':>9} {'WCU':>5} {'CPU ms':>9} {'ms':>9}"
        for row in self.rows:
            yield (
                f"{row.kind:28} {row.waits:8,} {row.requests:9.2f} {row.read_units:9.1f} {row.write_units:5.1f}"
                f" {row.cpu_ms:9.2f} {row.wall_ms:9.2f}"
            )

    def _growth_lines(self) -> Iterator[str]:
        for each in self.growth:
            if each is self.growth[0]:
                yield ""
                title = f"{each.most:,} open against {each.fewest:,}"
                yield f"{title:28} {'requests':>9} {'RCU':>10} {'CPU':>9} {'wall':>9}"
            yield (
                f"{each.kind:28} {each.requests:7.2f} x {each.read_units:8.2f} x {each.cpu:7.2f} x {each.wall:7.2f} x"
                f"  {each.verdict}{'; ' if each.note else ''}{each.note}"
            )

    def _wave_lines(self) -> Iterator[str]:
        for wave in self.waves:
            if wave is self.waves[0]:
                yield ""
                yield (
                    f"{'an event that resumes all':28} {'ms':>8} {'ms/1000':>9} {'requests':>9} {'/1000':>7}"
                    f" {'RCU':>7} {'pages':>6} {'invoked':>8} {'MB':>6} {'RSS MB':>7}"
                )
            resident = "" if wave.resident_mb is None else f"{wave.resident_mb:7.1f}"
            yield (
                f"{wave.waits:28,} {wave.last_message_ms:8.0f} {1000 * wave.last_message_ms / wave.waits:9.0f}"
                f" {wave.requests:9,} {wave.requests_per_1000:7.1f} {wave.read_units:7.1f} {wave.pages:6}"
                f" {wave.invocations:8} {wave.traced_mb:6.1f} {resident}"
            )

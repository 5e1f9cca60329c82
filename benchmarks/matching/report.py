"""The figures, as a table and as a file."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.matching.fan_out import Wave
    from benchmarks.matching.flatness import Growth, Row

__all__ = ["Report", "conditions", "write_json"]

_PARTS = ("tarry", "boto3", "botocore", "pynamodb", "cel-python")


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


def conditions(dynamodb: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Where, when and with what is measured. The load is the system's, before anything has begun."""
    return {
        "benchmark": "matching",
        "queues": "a stand-in that takes no time",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "arguments": arguments,
        "machine": {
            "system": platform.platform(),
            "processor": platform.machine(),
            "cpus": os.cpu_count(),
            "load": list(os.getloadavg()),
        },
        "versions": {"python": platform.python_version(), "dynamodb": dynamodb}
        | {name: version(name) for name in _PARTS},
    }


def write_json(report: Report, path: Path) -> None:
    """Writes the report whole or not at all."""
    figures = {
        **report.conditions,
        "events": [asdict(row) for row in report.rows],
        "growth": [asdict(each) for each in report.growth],
        "fan_out": [asdict(wave) for wave in report.waves],
        "passed": not report.failed,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile("w", dir=path.parent, prefix=path.name, suffix=".part", delete=False) as file:
        json.dump(figures, file, indent=2)
        file.write("\n")
    Path(file.name).replace(path)

"""The figures, as a table and as a file."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.steps.app import BODY_MS, WIDTH
from benchmarks.steps.growth import COUNTED_GROWS_LESS_THAN, TIMES_GROW_LESS_THAN, figures

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.steps.growth import Growth, Row
    from benchmarks.steps.parallel import Race
    from benchmarks.steps.roads import Road

__all__ = ["Report"]


@dataclass(frozen=True, slots=True)
class Report:
    """All that was measured, and under which conditions."""

    conditions: dict[str, Any]
    rows: Sequence[Row]
    growth: Sequence[Growth]
    races: Sequence[Race]
    roads: Sequence[Road]

    @property
    def failed(self) -> bool:
        """Whether something grew that must not, or steps did not stand side by side."""
        return "FAIL" in {*(each.verdict for each in self.growth), *(race.verdict for race in self.races)}

    def lines(self) -> Iterator[str]:
        """For people."""
        yield from self._road_lines()
        if not self.rows:
            return
        yield ""
        yield from self._step_lines()
        yield ""
        yield from self._replay_lines()
        yield ""
        yield from self._growth_lines()
        yield ""
        yield from self._race_lines()

    @property
    def figures(self) -> dict[str, Any]:
        """For programs."""
        return {
            **self.conditions,
            "runs": [figures(row) for row in self.rows],
            "growth": [asdict(each) for each in self.growth],
            "parallel": [{**asdict(race), "ratio": race.ratio, "verdict": race.verdict} for race in self.races],
            "roads": [{**asdict(road), "ratio": road.ratio} for road in self.roads],
            "bounds": {"counted": COUNTED_GROWS_LESS_THAN, "times": TIMES_GROW_LESS_THAN},
            "passed": not self.failed,
        }

    def _road_lines(self) -> Iterator[str]:
        yield f"{'CPU ms, by turns':34} {'plain road':>11} {'lean road':>10}"
        for road in self.roads:
            yield f"{road.what:34} {road.plain_ms:11.2f} {road.lean_ms:10.2f} {road.ratio:7.2f} x"

    def _step_lines(self) -> Iterator[str]:
        yield (
            f"{'a step, by kind of run':24} {'steps':>6} {'writes':>7} {'reads':>6} {'messages':>9} {'bytes sent':>11}"
            f" {'CPU ms':>7} {'ms':>7} {'the run: CPU s':>15} {'s':>7}"
        )
        for row in self.rows:
            step = row.step
            yield (
                f"{row.kind:24} {row.count:6,} {step.writes:7.2f} {step.reads:6.2f} {step.messages:9.2f}"
                f" {step.sent_bytes:11,.0f} {step.cpu_ms:7.2f} {step.wall_ms:7.2f} {row.run_cpu_ms / 1000:15.2f}"
                f" {row.run_ms / 1000:7.2f}"
            )

    def _replay_lines(self) -> Iterator[str]:
        yield (
            f"{'a replay':24} {'kept':>6} {'writes':>7} {'reads':>6} {'bytes read':>11} {'CPU ms':>7} {'ms':>7}"
            f" {'a kept step: bytes':>19} {'CPU us':>7} {'us':>7}"
        )
        for row in self.rows:
            replay = row.replay
            each = f"{replay.bytes_each:19,.0f} {replay.cpu_us_each:7.0f} {replay.wall_us_each:7.0f}"
            snapshot = f"{replay.received_bytes:11,.0f} {replay.cpu_ms:7.2f} {replay.wall_ms:7.2f}"
            yield f"{row.kind:24} {replay.kept:6,} {replay.writes:7.2f} {replay.reads:6.2f} {snapshot} {each}"

    def _growth_lines(self) -> Iterator[str]:
        yield f"growth, a step and a kept step: requests and bytes less than {COUNTED_GROWS_LESS_THAN} x"
        yield (
            f"{'':24} {'steps':>12} {'requests':>9} {'sent':>7} {'replay: reads':>14} {'bytes':>7} {'CPU':>7} {'ms':>7}"
        )
        for each in self.growth:
            yield (
                f"{each.kind:24} {f'{each.fewer:,}-{each.most:,}':>12} {each.requests:7.2f} x {each.sent_bytes:5.2f} x"
                f" {each.replay_requests:12.2f} x {each.replay_bytes_each:5.2f} x {each.replay_cpu_each:5.2f} x"
                f" {each.replay_wall_each:5.2f} x  {each.verdict}{'; ' if each.note else ''}{each.note}"
            )

    def _race_lines(self) -> Iterator[str]:
        body_ms = next((race.body_ms for race in self.races), BODY_MS)
        yield f"{f'{WIDTH} steps of {body_ms} ms':24} {'in a row, ms':>13} {'side by side, ms':>17}"
        for race in self.races:
            yield f"{race.face:24} {race.row_ms:13,.0f} {race.parallel_ms:17,.0f} {race.ratio:6.1f} x  {race.verdict}"

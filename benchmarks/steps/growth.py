"""What a step costs, and a replay, by how many steps the run has."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import linear_regression, median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.steps.scene import Invocation

__all__ = ["COUNTED_GROWS_LESS_THAN", "TIMES_GROW_LESS_THAN", "Growth", "Replay", "Row", "Step", "growth"]

COUNTED_GROWS_LESS_THAN = 1.02
"""Requests and bytes. They are not quite equal: numbers get longer, and a name is read anew once a minute."""

TIMES_GROW_LESS_THAN = 1.5


@dataclass(frozen=True, slots=True)
class Step:
    """A step, with the sleep or wait that follows it. Requests and bytes are those of the whole run, by its steps.

    Times are of the run's invocations without what the kept steps add to each: the intercept of their least squares.
    """

    writes: float
    reads: float
    messages: float
    sent_bytes: float
    cpu_ms: float
    wall_ms: float


@dataclass(frozen=True, slots=True)
class Replay:
    """A replay of all kept steps, with the reading of them; times are medians."""

    kept: int
    reads: float
    writes: float
    received_bytes: float
    cpu_ms: float
    wall_ms: float

    @property
    def bytes_each(self) -> float:
        """By kept step."""
        return self.received_bytes / self.kept

    @property
    def cpu_us_each(self) -> float:
        """By kept step, in microseconds."""
        return 1000 * self.cpu_ms / self.kept

    @property
    def wall_us_each(self) -> float:
        """By kept step, in microseconds."""
        return 1000 * self.wall_ms / self.kept


@dataclass(frozen=True, slots=True)
class Row:
    """A run of one kind, with so many steps."""

    kind: str
    count: int
    run_ms: float
    run_cpu_ms: float
    step: Step
    replay: Replay

    @classmethod
    def of(cls, kind: str, count: int, run: Sequence[Invocation], replays: Sequence[Invocation]) -> Row:
        """The invocations of a run, and of its replays at the end, as one row."""
        return cls(
            kind=kind,
            count=count,
            run_ms=sum(each.wall_ms for each in run),
            run_cpu_ms=sum(each.cpu_ms for each in run),
            step=Step(
                writes=sum(each.writes for each in run) / count,
                reads=sum(each.reads for each in run) / count,
                messages=sum(each.messages for each in run) / count,
                sent_bytes=sum(each.traffic.sent_bytes for each in run) / count,
                cpu_ms=_fixed([each.kept for each in run], [each.cpu_ms for each in run], count),
                wall_ms=_fixed([each.kept for each in run], [each.wall_ms for each in run], count),
            ),
            replay=Replay(
                kept=replays[0].kept,
                reads=sum(each.reads for each in replays) / len(replays),
                writes=sum(each.writes for each in replays) / len(replays),
                received_bytes=sum(each.traffic.received_bytes for each in replays) / len(replays),
                cpu_ms=median(each.cpu_ms for each in replays),
                wall_ms=median(each.wall_ms for each in replays),
            ),
        )


def _fixed(kept: Sequence[int], times: Sequence[float], count: int) -> float:
    """What an invocation takes whatever is kept; of a run that went to its end in one, a step's share."""
    if len(times) == 1:
        return times[0] / count
    return linear_regression(kept, times).intercept


@dataclass(frozen=True, slots=True)
class Growth:
    """The figures with the most steps, as multiples of those with the size before."""

    kind: str
    fewer: int
    most: int
    requests: float
    sent_bytes: float
    replay_requests: float
    replay_bytes_each: float
    step_cpu: float
    replay_cpu_each: float
    replay_wall_each: float
    verdict: str
    note: str


def growth(rows: Sequence[Row]) -> Growth:
    """How one kind grows. PASS: a step's requests and bytes, a replay's requests, and its bytes by kept step stay.

    Times are only remarked on: machines are noisy.
    """
    fewer, most = sorted(rows, key=lambda row: row.count)[-2:]
    counted = {
        "requests": _requests(most.step) / _requests(fewer.step),
        "sent_bytes": most.step.sent_bytes / fewer.step.sent_bytes,
        "replay_requests": _by_kept(most.replay) / _by_kept(fewer.replay),
        "replay_bytes_each": most.replay.bytes_each / fewer.replay.bytes_each,
    }
    times = {
        "step_cpu": most.step.cpu_ms / fewer.step.cpu_ms,
        "replay_cpu_each": most.replay.cpu_us_each / fewer.replay.cpu_us_each,
        "replay_wall_each": most.replay.wall_us_each / fewer.replay.wall_us_each,
    }
    slower = [name.replace("_", " ") for name, times_more in times.items() if times_more >= TIMES_GROW_LESS_THAN]
    return Growth(
        kind=most.kind,
        fewer=fewer.count,
        most=most.count,
        **counted,
        **times,
        verdict="PASS" if max(counted.values()) < COUNTED_GROWS_LESS_THAN and not most.replay.writes else "FAIL",
        note=f"{', '.join(slower)} grew {TIMES_GROW_LESS_THAN} x or more" if slower else "",
    )


def _requests(step: Step) -> float:
    return step.writes + step.reads + step.messages


def _by_kept(replay: Replay) -> float:
    return replay.reads / replay.kept


def figures(row: Row) -> dict[str, object]:
    """The row for a file, with what is derived from it."""
    replay = row.replay
    each = {"bytes_each": replay.bytes_each, "cpu_us_each": replay.cpu_us_each, "wall_us_each": replay.wall_us_each}
    return {**asdict(row), "replay": {**asdict(replay), **each}}

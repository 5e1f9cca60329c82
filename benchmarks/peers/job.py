"""What both sides do, and what they are asked to measure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.peers.process import Invocation

__all__ = ["Job", "Run", "Side"]


@dataclass(frozen=True, slots=True)
class Job:
    """The job is a run with a number of steps, then of waits. Each wait suspends the run.

    ``kind`` is what ends a wait: time, or something from outside (an event, or a callback).
    """

    steps: int
    waits: int
    kind: Literal["sleep", "event"]
    seconds: int = 1

    @property
    def data(self) -> dict[str, object]:
        """The job as a function gets it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Run:
    """The CPU time in milliseconds of a run's invocations: the first one, and those that resume it, by median."""

    first: float
    resumed: float

    @classmethod
    def of(cls, invocations: Sequence[Invocation]) -> Run:
        """Return the figures of a whole run. Its last invocation ends it, so it does not suspend: it is left out."""
        return cls(invocations[0].cpu_ms, median(each.cpu_ms for each in invocations[1:-1]))


class Side(Protocol):
    """Tarry, or its peer."""

    def run(self, job: Job) -> Run:
        """Do the job once, to its end."""

"""Steps side by side against steps in a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.steps.app import BODY_SECONDS, WIDTH

if TYPE_CHECKING:
    from benchmarks.steps.scene import Scene

__all__ = ["Race", "measure"]

_MOST = 1.5 * 1000 * BODY_SECONDS


@dataclass(frozen=True, slots=True)
class Race:
    """Milliseconds of a run whose steps sleep: in a row, and side by side, the least of some; with all its writes."""

    face: str
    row_ms: float
    parallel_ms: float

    @property
    def ratio(self) -> float:
        """How much sooner the run is through side by side."""
        return self.row_ms / self.parallel_ms

    @property
    def verdict(self) -> str:
        """PASS: nearer to one step's time than to two's. In a row it takes all of them."""
        in_a_row = 1000 * BODY_SECONDS * WIDTH
        return "PASS" if self.parallel_ms < _MOST and self.row_ms >= in_a_row else "FAIL"


def measure(scene: Scene, face: str, times: int) -> Race:
    """Both, one after the other; the second runs ``times`` times. The face is ``async`` or ``def``."""
    return Race(face, scene.timed(f"row-{face}"), min(scene.timed(f"parallel-{face}") for _ in range(times)))

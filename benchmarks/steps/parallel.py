"""Steps side by side against steps in a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.steps.app import BODY_MS, WIDTH

if TYPE_CHECKING:
    from benchmarks.steps.scene import Scene

__all__ = ["Race", "measure"]


@dataclass(frozen=True, slots=True)
class Race:
    """Milliseconds of a run whose steps sleep: in a row, and side by side, the least of some; with all its writes."""

    face: str
    row_ms: float
    parallel_ms: float
    body_ms: int = BODY_MS

    @property
    def ratio(self) -> float:
        """How much sooner the run is through side by side."""
        return self.row_ms / self.parallel_ms

    @property
    def verdict(self) -> str:
        """PASS: nearer to one step's time than to two's. In a row it takes all of them."""
        is_beside = self.parallel_ms < 1.5 * self.body_ms
        return "PASS" if is_beside and self.row_ms >= self.body_ms * WIDTH else "FAIL"


def measure(scene: Scene, face: str, times: int, body_ms: int = BODY_MS) -> Race:
    """Both, one after the other; the second runs ``times`` times. The face is ``async`` or ``def``."""
    in_a_row = scene.timed(f"row-{face}", body_ms)
    return Race(face, in_a_row, min(scene.timed(f"parallel-{face}", body_ms) for _ in range(times)), body_ms)

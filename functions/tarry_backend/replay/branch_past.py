"""The past of a function's branch, as far as its next wait needs it.

Each branch (an asyncio task, or a thread of ``group.parallel``) uses only its own past. So a branch does not miss an
answer because another branch went on meanwhile.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tarry.durations import milliseconds
from tarry.errors import DurationError
from tarry_backend.model.position import Position

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tarry.durations import Duration
    from tarry_backend.model.step import Step

__all__ = ["PAST", "BranchPast"]


@dataclass(frozen=True, slots=True)
class BranchPast:
    """The past of one branch.

    Attributes:
        leaves: The position from which on events may answer the previous step.
        left_off: The same, by event name.
    """

    leaves: Position
    left_off: Mapping[str, Position] = field(default_factory=dict)

    def then(self, step: Step) -> BranchPast:
        """Return the past after ``step`` has ended."""
        if step.wait is None:
            return replace(self, leaves=step.leaves)
        left_off: dict[str, Position] = {}
        for wait in step.wait.all:
            left_off[wait.event_name] = min(wait.left_off, left_off.get(wait.event_name, wait.left_off))
        return BranchPast(step.leaves, {**self.left_off, **left_off})

    def joined(self, branches: Iterable[BranchPast]) -> BranchPast:
        """Return the past after branches that began here have ended: the earliest position of each."""
        ends = [branch for branch in branches if branch is not self]
        if not ends:
            return self
        moved = [item for end in ends for item in end.left_off.items() if self.left_off.get(item[0]) != item[1]]
        left_off = {name: min(position for other, position in moved if other == name) for name, _ in moved}
        return BranchPast(min(end.leaves for end in ends), {**self.left_off, **left_off})

    def since(self, event_name: str, lookback: Duration | None, now: int) -> Position:
        """Return where a wait on that name begins to look; see section 3 of the contract."""
        default = self.left_off.get(event_name, self.leaves)
        if lookback is None:
            return default
        back = milliseconds(lookback)
        if back < 0:
            raise DurationError(f"lookback={lookback!r} is negative: give 0, or how far to look back")
        return min(default, Position(now - back)) if back else Position(now)


PAST: ContextVar[BranchPast] = ContextVar("tarry_past")

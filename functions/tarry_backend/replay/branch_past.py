"""What a branch of a function has behind it, as far as its next wait needs to know.

Each branch (an asyncio task, a thread of ``group.parallel``) goes by what it did itself, so that a branch does
not miss an answer because another one went on meanwhile.
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
    """``leaves``: from where on events may answer the previous step. ``left_off``: the same by event name."""

    leaves: Position
    left_off: Mapping[str, Position] = field(default_factory=dict)

    def then(self, step: Step) -> BranchPast:
        """The past once ``step`` has ended."""
        if step.wait is None:
            return replace(self, leaves=step.leaves)
        left_off: dict[str, Position] = {}
        for wait in step.wait.all:
            left_off[wait.event_name] = min(wait.left_off, left_off.get(wait.event_name, wait.left_off))
        return BranchPast(step.leaves, {**self.left_off, **left_off})

    def joined(self, branches: Iterable[BranchPast]) -> BranchPast:
        """The past once branches which began here have ended: the earliest of what each of them has left."""
        ends = [branch for branch in branches if branch is not self]
        if not ends:
            return self
        moved = [item for end in ends for item in end.left_off.items() if self.left_off.get(item[0]) != item[1]]
        left_off = {name: min(position for other, position in moved if other == name) for name, _ in moved}
        return BranchPast(min(end.leaves for end in ends), {**self.left_off, **left_off})

    def since(self, event_name: str, lookback: Duration | None, now: int) -> Position:
        """Where a wait on that name begins to look; section 3 of the contract."""
        default = self.left_off.get(event_name, self.leaves)
        if lookback is None:
            return default
        back = milliseconds(lookback)
        if back < 0:
            raise DurationError(f"lookback={lookback!r} lies ahead: give 0, or how far to look back")
        return min(default, Position(now - back)) if back else Position(now)


PAST: ContextVar[BranchPast] = ContextVar("tarry_past")

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
from tarry_backend.clock import AHEAD
from tarry_backend.model.position import Position

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tarry.durations import Duration
    from tarry_backend.model.step import Step

__all__ = ["PAST", "BranchPast"]


@dataclass(frozen=True, slots=True)
class BranchPast:
    """What lies behind a branch.

    ``leaves`` is from where on events may answer the last step that did something, or slept; waits do not move it.
    ``left_off`` is where the last wait on each event name left off. ``given`` is when the last result was there
    (Unix milliseconds) that the branch has been given: its next step cannot have begun before.
    """

    leaves: Position
    left_off: Mapping[str, Position] = field(default_factory=dict)
    given: int = 0

    def then(self, step: Step) -> BranchPast:
        """The past once ``step`` has ended."""
        past = replace(self, given=max(self.given, _ended(step)))
        if step.leaves is not None:
            later = step.leaves.received_at >= self.leaves.received_at
            return replace(past, leaves=step.leaves) if later else past
        if step.wait is None:
            return past
        left_off: dict[str, Position] = {}
        for wait in step.wait.all:
            left_off[wait.event_name] = min(wait.left_off, left_off.get(wait.event_name, wait.left_off))
        return replace(past, left_off={**self.left_off, **left_off})

    def began(self, now: int, attempt_since: int | None) -> int:
        """When a new step of this branch began first.

        ``attempt_since`` is since when an attempt may have been under way whose steps were not all kept. Then the step
        may have begun as soon as its branch had the result before it:

            attempt 1    a kept ── b ── dies                              (b began after a's end)
            attempt 2                          a given ────── b, kept

            attempt 1    a ── dies                                        (b had not begun: a's end is of attempt 2)
            attempt 2                          a, kept ────── b, kept
        """
        return now if attempt_since is None else min(now, max(attempt_since, self.given))

    def joined(self, branches: Iterable[BranchPast]) -> BranchPast:
        """Return the past after branches that began here have ended: the earliest position of each."""
        ends = [branch for branch in branches if branch is not self]
        if not ends:
            return self
        moved = [item for end in ends for item in end.left_off.items() if self.left_off.get(item[0]) != item[1]]
        left_off = {name: min(position for other, position in moved if other == name) for name, _ in moved}
        given = max(end.given for end in ends)
        return BranchPast(min(end.leaves for end in ends), {**self.left_off, **left_off}, given)

    def since(self, event_name: str, lookback: Duration | None, now: int) -> Position:
        """Return where a wait on that name begins to look; see section 3 of the contract."""
        default = self.left_off.get(event_name, self.leaves)
        if lookback is None:
            return default
        back = milliseconds(lookback)
        if back < 0:
            raise DurationError(f"lookback={lookback!r} is negative: give 0, or how far to look back")
        return min(default, Position(now - back)) if back else Position(now)


def _ended(step: Step) -> int:
    """When a step had ended by the queues' clock, or a little earlier: never later.

    The end of a body is by that clock. What else ends a step takes the time of a Lambda, whose clock may be ahead. A
    wait ended after the queue had its event.
    """
    ended = (step.ended or 0) - (0 if step.kind in ("run", "send") else AHEAD)
    return max(ended, step.wait.resolved_by.received_at) if step.wait and step.wait.resolved_by else ended


PAST: ContextVar[BranchPast] = ContextVar("tarry_past")

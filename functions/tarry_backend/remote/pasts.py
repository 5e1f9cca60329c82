"""From where on a wait of a remote function looks for its event. Pure.

The executor sees no branches of a remote function: it sees steps that end, and then the steps that the function asks
for. So a new wait follows from one of the results that the function was given just before. Which one is not known.
The earliest beginning that any of them gives counts: further back, and never nearer.

    order     1 a begins   2 b begins   3 b ends   4 a ends   5 wait
    results                             └──────────┴─ of one of these
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tarry_backend.model.step import Step
    from tarry_backend.replay.branch_past import BranchPast

__all__ = ["Pasts"]


class Pasts:
    """The pasts of a run's next steps. ``first`` is what lies behind the function's beginning."""

    def __init__(self, first: BranchPast, steps: Iterable[Step]) -> None:
        self._first = first
        self._ended = sorted((step for step in steps if step.is_given), key=lambda step: step.ended_order or 0)
        self._begun = sorted(step.begun_order for step in steps)
        self._known: dict[int, BranchPast] = {}

    def before(self, order: int, news: int = 0) -> BranchPast:
        """Return the past of a step that begins at that order. At least ``news`` of the newest results count.

        It fills in the earlier steps from the front, so that a long chain of waits needs no deep recursion.
        """
        for begun in self._begun:
            if begun < order and begun not in self._known:
                self._known[begun] = self._joined(self._news(begun))
        return self._joined(self._news(order, news))

    def _news(self, order: int, least: int = 1) -> Sequence[Step]:
        """Return the results that the function was given just before it asked for a step of that order.

        They have ended since the steps before were asked for. If none has, they are those given before these steps:

            order     4 begins ── 5 ends ── 6 begins ── 7 begins: the results before it are {5}, too
        """
        ended = [step for step in self._ended if (step.ended_order or 0) < order]
        if not ended:
            return ()
        newest = ended[-1].ended_order or 0
        since = max((begun for begun in self._begun if begun < newest), default=0)
        given = [step for step in ended if (step.ended_order or 0) > since]
        return ended[-max(least, len(given), 1) :]

    def _joined(self, news: Sequence[Step]) -> BranchPast:
        ends = [self._known.get(step.begun_order, self._first).then(step) for step in news]
        if not ends:
            return self._first
        names = {name for end in ends for name in end.left_off}
        left_off = {name: min(end.left_off.get(name, end.leaves) for end in ends) for name in names}
        return replace(
            self._first,
            leaves=min(end.leaves for end in ends),
            left_off=left_off,
            given=min(end.given for end in ends),
        )

"""Patches: whether a run takes the new code of a change, or the old code that it has gone on with.

A run has passed a place with the old code if it has stored a step that its code asks for only after that place. Code
asks for its steps in the same order at each replay. So if some stored step has not been asked for yet when the code
asks for the patch, the run has passed the place; else it has not, and it stores a mark:

    history                a ── b                       a                      a ── mark ── c
    code        ask for a ── patch: b is left   ask for a ── patch: mark   ask for a ── patch: the mark is there
    answer                   false                           true                       true

No other code of the run goes on before the answer. So the mark is durable before any step of code after it, of
whichever branch; and the order of the code is the same with each answer, and at each replay:

    branch 1    patch ── mark durable ── c                     dies before the mark: nothing after it is stored
    branch 2                             └── d
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tarry._engine.operations import Patch
    from tarry._engine.place import Place
    from tarry_backend.replay.conclusion import Conclusion
    from tarry_backend.replay.journal import Journal
    from tarry_backend.replay.performer import Performer
    from tarry_backend.replay.result_order import ResultOrder
    from tarry_backend.replay.step_writer import StepWriter

__all__ = ["Patches"]


class Patches:
    """Answers for patches."""

    def __init__(
        self,
        journal: Journal,
        turns: ResultOrder,
        keeping: StepWriter,
        performer: Performer,
        conclusion: Conclusion,
        must_stop: Callable[[], bool],
        place: Callable[[], Place],
    ) -> None:
        self._journal = journal
        self._turns = turns
        self._keeping = keeping
        self._performer = performer
        self._conclusion = conclusion
        self._must_stop = must_stop
        self._place = place
        self._without: set[str] = set()

    async def answer(self, patch: Patch) -> bool:
        """Return whether the run takes the new code of the patch. The first answer in a run is that of all.

        It never yields to the loop, unless the function goes no further.
        """
        if patch.key in self._keeping.steps:
            return True
        if patch.key in self._without or self._turns.missing():
            self._without.add(patch.key)
            return False
        if self._must_stop() or not self._is_marked(patch):
            await self._conclusion.rest()
        return True

    def _is_marked(self, patch: Patch) -> bool:
        """Store the mark; return false if that fails. Then the replay ends."""
        try:
            mark = self._performer.mark(patch)
            self._journal.keep(mark)
        except BaseException as error:
            self._conclusion.break_off(error, patch.key, self._place())
            return False
        self._keeping.kept(mark)
        return True

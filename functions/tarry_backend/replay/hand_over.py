"""The end of a run that a new run continues.

The call is answered when the replay comes to rest: when no other code of the function can go on. So all branches have
gone as far as they can, in each replay alike, and a step that another branch waits for is seen:

    branch 1    continue_as_new ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄ at rest: the run ends
    branch 2                        a ── ends

    branch 1    continue_as_new ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄ at rest: an error, since b is open
    branch 2                        a ── b waits
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tarry._engine.hand_over import WHAT
from tarry._engine.interruption import Presence
from tarry.errors import StepCallError
from tarry_backend.replay.branch_past import PAST
from tarry_backend.replay.outcome import Continued, Paused, of_error

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Never

    from tarry._engine.hand_over import ContinueAsNew
    from tarry._engine.place import Place
    from tarry.event import Event
    from tarry_backend.replay.conclusion import Conclusion
    from tarry_backend.replay.hooks import Hooks
    from tarry_backend.replay.journal import Journal
    from tarry_backend.replay.outcome import Outcome
    from tarry_backend.replay.result_order import ResultOrder
    from tarry_backend.replay.step_writer import StepWriter

__all__ = ["HandOver"]


class HandOver:
    """The request of one replay's function to go on as a new run, if it makes one."""

    def __init__(
        self,
        event: Event,
        journal: Journal,
        turns: ResultOrder,
        hooks: Hooks,
        keeping: StepWriter,
        conclusion: Conclusion,
        place: Callable[[], Place],
    ) -> None:
        self._event = event
        self._journal = journal
        self._turns = turns
        self._hooks = hooks
        self._keeping = keeping
        self._conclusion = conclusion
        self._place = place
        self._asked: Continued | None = None
        self._where: Place | None = None

    async def ask(self, request: ContinueAsNew) -> Never:
        """Note the request; it never returns. The data go through the middleware, as those of a sent event do."""
        where = self._place()
        await self._turns.live(WHAT)
        if self._journal.is_cancelled():
            await self._conclusion.rest()
        if self._asked is not None:
            await self._conclusion.fail(of_error(StepCallError(f"{WHAT} was called in two branches{where}")))
        event = replace(self._event, data=request.data)
        self._asked, self._where = Continued(event, PAST.get()), where
        if self._hooks:
            self._asked = replace(self._asked, event=await self._transformed(event))
        await self._conclusion.rest()

    async def _transformed(self, event: Event) -> Event:
        presence = Presence()
        try:
            return await self._hooks.handed_over(event)
        except BaseException as error:
            if presence.is_cut_off(error):
                raise
            await self._conclusion.fail(of_error(error))

    def outcome(self) -> Outcome | None:
        """Return how the replay ends that has come to rest; ``None`` if its function has not asked for a successor."""
        if self._asked is None:
            return None
        if self._journal.is_cancelled():
            return Paused()
        if not self._conclusion.is_awaited_alone:
            steps = ", ".join(repr(step.key) for step in self._keeping.steps.values() if step.is_open)
            return of_error(
                StepCallError(
                    f"{WHAT} was called{self._where} while another branch waits for {steps or 'a step'}: await it, "
                    "or cancel its task, or end it by group.race"
                )
            )
        return self._asked

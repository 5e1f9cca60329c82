"""The check of where a function's tools may be called."""

from __future__ import annotations

import asyncio
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING

from tarry._engine.place import place_of_call
from tarry.errors import StepCallError, Suspended
from tarry_backend.replay.hooks import HOOK
from tarry_backend.replay.outcome import Continued, Finished, Paused
from tarry_backend.replay.performer import BODY
from tarry_backend.replay.race import check_lanes, refusals_of_lost

if TYPE_CHECKING:
    from tarry_backend.replay.bridge import Bridge
    from tarry_backend.replay.conclusion import Conclusion

__all__ = ["Admission"]

_PATIENCE = 100
"""How many calls a run's code may make that are refused. Code that makes more goes on for ever: it is ended, or left
behind."""

_PAUSE = 1.0
"""How many seconds each later call takes, where nothing else holds it."""

_CALLER: ContextVar[Conclusion | None] = ContextVar("tarry_caller", default=None)
"""The end of the run whose code it is. Bodies of steps, hooks and threads have it too, if they have its context."""


class Admission:
    """Lets the function's own code call its tools, while its replay lasts.

    Elsewhere a call raises ``StepCallError``, which says where. The run of the code that calls fails, whatever that
    code catches. Where the caller's run cannot be told, the run fails whose tools are called.
    """

    def __init__(self, bridge: Bridge, conclusion: Conclusion) -> None:
        self._bridge = bridge
        self._conclusion = conclusion

    def settle(self) -> None:
        """Marks what runs from here on as this run's code."""
        _CALLER.set(self._conclusion)

    async def enter(self, what: str) -> None:
        """Check a call before the tool does anything; ``what`` names the tool in the error.

        Code that goes on for ever after its refusals must let others run: the replay, which is about to cancel it, and
        the bodies of other runs. Only the end of a replay waits for its hooks, so there nothing cancels them:

            replay's loop    refused … refused ── rests ┐          ┌ cancelled
            its main task                               └ the end ─┘ ── after_execution: refused … refused ── Suspended
            body loop        refused … refused ── pauses ── cancelled
        """
        culprit = self._culprit()
        if culprit.refusals > _PATIENCE:
            if culprit.is_at_home() and not (HOOK.get() and culprit.is_reached):
                await culprit.rest()
            await asyncio.sleep(_PAUSE)
            self._give_up(culprit)
        if refusals_of_lost() > _PATIENCE:
            await asyncio.get_running_loop().create_future()  # the winner has cancelled it, and goes on without it
        self._admit(what)

    def enter_sync(self, what: str) -> None:
        """As ``enter``, where nothing can be awaited: in a thread, or in a plain hook."""
        self._check_patience()
        if refusals_of_lost() > _PATIENCE:
            time.sleep(_PAUSE)
        self._admit(what)

    def refuse(self, problem: str) -> StepCallError:
        """The error of a call that may not be; it fails the run."""
        error = StepCallError(f"{problem}{place_of_call()}")
        body, culprit = BODY.get(), self._culprit()
        culprit.refusals += 1
        in_step = body is not None and not body.is_over
        if body is not None and in_step:
            body.fault = body.fault or error
        culprit.refuse(error, at_once=not in_step or culprit.refusals > _PATIENCE)
        return error

    def refuse_sync(self, problem: str) -> StepCallError:
        """As ``refuse``, of a call that nothing has checked before."""
        self._check_patience()
        return self.refuse(problem)

    def _culprit(self) -> Conclusion:
        return _CALLER.get() or self._conclusion

    def _check_patience(self) -> None:
        culprit = self._culprit()
        if (over := culprit.refusals - _PATIENCE) <= 0:
            return
        if over > 1:  # it caught also what shall end it
            time.sleep(_PAUSE)
        self._give_up(culprit)

    def _give_up(self, culprit: Conclusion) -> None:
        """End code of a run that catches each ``StepCallError``. A foreign thread, which is no run's, is only slow."""
        if _CALLER.get() is not None:
            culprit.refusals += 1
            raise Suspended(Suspended.__doc__)

    def _admit(self, what: str) -> None:
        if HOOK.get():
            raise self.refuse(f"{what} was called in a middleware: call it in the function itself")
        if (body := BODY.get()) is not None:
            raise self.refuse(
                f"{what} was called inside step {body.key!r}: call it before or after that step; code that may run in "
                "a step asks tarry.current().is_in_step first"
            )
        if not self._bridge.is_home():
            raise self.refuse(
                f"{what} was called outside its run: call it in the function, not in another thread or loop"
            )
        check_lanes(what)
        if not self._conclusion.is_reached:
            return
        self._conclusion.refusals += 1
        if isinstance(self._conclusion.ending, Paused | Continued):
            raise Suspended(Suspended.__doc__)
        problem = f"{what} was called after its function had ended: await every step"
        raise self.refuse(problem) if isinstance(self._conclusion.ending, Finished) else StepCallError(problem)

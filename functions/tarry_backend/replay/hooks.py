"""The hooks of a function's middleware, as the engine calls them."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

from tarry._engine.chain import Chain
from tarry._engine.hand_over import hooked_event
from tarry._engine.interruption import Presence
from tarry.errors import Suspended, UsageError
from tarry.middleware import StepInfo
from tarry_backend.replay.outcome import Continued, Failed, Finished, Paused, of_error

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from tarry.context import Context, ContextSync
    from tarry.event import Event
    from tarry.function import Function
    from tarry.middleware import Status
    from tarry_backend.model.step import Step
    from tarry_backend.replay.outcome import Outcome

__all__ = ["HOOK", "Hooks"]

T = TypeVar("T")

HOOK: ContextVar[bool] = ContextVar("tarry_hook", default=False)
"""Whether the running code is a hook's."""


class Hooks:
    """The hooks outside of steps' bodies. It is false if the function has no middleware.

    ``at_work`` counts the running hooks. While one runs, the function receives no further result. So a slow
    ``async def`` hook changes no order.
    """

    def __init__(self, function: Function) -> None:
        self._function = function
        self.chain = Chain(function.middleware)
        self.at_work = 0

    def __bool__(self) -> bool:
        return bool(self.chain)

    async def enter(self, context: Context | ContextSync) -> None:
        """Run the hooks before the function is called."""
        await self._work(self.chain.begin().enter(context, self._function))

    async def given(self, output: Any, step: Step, *, is_new: bool) -> Any:
        """Return a step's output, as the function receives it."""
        info = StepInfo(step.key, step.kind, step.attempt, began=step.began, ended=step.ended, is_new=is_new)
        return await self._work(self.chain.restore(output, info))

    async def returned(self, output: Any) -> Any:
        """Return the function's output, as it is stored."""
        return await self._work(self.chain.transform(output, None))

    async def handed_over(self, event: Event) -> Event:
        """Return the event of the run's successor, as it is stored: its hooks are those of an event that is sent."""
        kept: list[Event] = []

        def put(events: Sequence[Event]) -> list[str]:
            if len(events) != 1:
                raise UsageError(
                    f"before_send_events made {len(events)} events of the one with which a new run goes on"
                )
            kept.append(hooked_event(events[0]))
            return [events[0].id]

        await self._work(self.chain.send([event], put))
        return kept[0]

    async def leave(self, ending: Outcome | BaseException) -> Outcome | BaseException:
        """Return the replay's ending after all hooks: what a hook raises fails a replay that has not failed itself."""
        presence = Presence()
        try:
            await self._work(self.chain.leave(*_told(ending)))
        except BaseException as error:
            if presence.is_cut_off(error) and not issubclass(type(error), Suspended):  # the run is at its end anyway
                raise
            return of_error(error) if isinstance(ending, Finished | Paused | Continued) else ending
        return ending

    async def _work(self, hooks: Awaitable[T]) -> T:
        self.at_work += 1
        token = HOOK.set(True)
        try:
            return await hooks
        finally:
            HOOK.reset(token)
            self.at_work -= 1


def _told(ending: Outcome | BaseException) -> tuple[Status, BaseException | None]:
    match ending:
        case Finished() | Continued():
            return "finished", None
        case Failed():
            return "failed", ending.cause
        case BaseException():
            return "failed", ending
        case _:
            return "paused", None

"""The context that Tarry passes to a function: the starting event and the step tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Never, cast

from tarry._engine.hand_over import ContinueAsNew
from tarry._engine.operations import Patch
from tarry._engine.runlogger import RunLogger
from tarry._engine.step_call import awaited
from tarry.group import Group, GroupSync
from tarry.step import Step
from tarry.stepsync import StepSync

if TYPE_CHECKING:
    import logging
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from typing_extensions import TypeVar

    from tarry._engine.engine import Engine
    from tarry.event import Event, Typed

    D = TypeVar("D", default=Any)

    Handler = Callable[["Context"], Awaitable[Any]] | Callable[["ContextSync"], Any]
    """What ``app.create_function`` decorates."""
else:
    from typing import TypeVar

    D = TypeVar("D")

__all__ = ["Context", "ContextSync"]


class _Base(Generic[D]):
    def __init__(
        self, engine: Engine, event: Event, run_id: str, function_id: str, events: Sequence[Event] = ()
    ) -> None:
        self._engine = engine
        self._events = events
        self.event = event
        self.data: D = cast(D, event.data)
        self.run_id = run_id
        self.logger: logging.LoggerAdapter[logging.Logger] = RunLogger(engine, run_id, function_id)

    @property
    def events(self) -> list[Event]:
        """The events that started the run, in the order of their reception: several with ``batch_events``."""
        return [self.event, *self._events[1:]]

    @events.setter
    def events(self, events: Sequence[Event]) -> None:
        """For a middleware, which may change ``event`` in the same way."""
        self.event, self._events = events[0], events

    @property
    def attempt(self) -> int:
        """The attempt, from 0: in a step's body that of the step, else that of the function."""
        return self._engine.attempt


class Context(_Base[D]):
    """The argument of an ``async def`` function.

    Code outside of steps runs again at each resume. So put everything that has an effect in a step.

    Attributes:
        event: The event that started the run.
        data: The event's data. If the trigger has an event type, an instance of it; else the plain ``event.data``.
            Write ``Context[OrderPlaced]`` so that a type checker knows the type.
        run_id: The run's id.
        step: The step tools.
        group: Parallel branches and races.
        logger: A logger whose lines carry the run's and the function's id. It is silent during replay.
    """

    def __init__(
        self, engine: Engine, event: Event, run_id: str, function_id: str, events: Sequence[Event] = ()
    ) -> None:
        super().__init__(engine, event, run_id, function_id, events)
        self.step = Step(engine)
        self.group = Group(engine)

    @awaited
    async def patched(self, patch_id: str) -> bool:
        """Return whether the run takes new code: false for a run that has gone on from here with the old code.

        ``if await ctx.patched("check stock"):`` guards a changed part of a function. A run in flight that has stored
        steps beyond this place keeps the old part. Every other run takes the new one; Tarry stores a mark with its
        steps, which costs one write. An id has one answer in a run, also where your code asks for it again.

        Once no run from before the change is left, take the ``if`` out: a mark that is no longer asked for is not
        missed. See ``docs/upgrade.md``.

        Args:
            patch_id: The patch's id, 1 to 512 bytes. Never use one again for another change.
        """
        return await self._engine.patched(Patch(patch_id))

    @awaited
    async def continue_as_new(self, data: Mapping[str, Any] | Typed | None = None) -> Never:
        """End this run here, and let a new run of the function go on: its successor, with new data and no steps.

        Use it in a loop without an end, before the run has too many steps. Nothing after the call runs in this run, and
        ``except Exception`` does not catch it. The successor has an event of the same name with ``data``. Its waits
        begin to look where this run's waits left off, so no event falls between the two.

        No step may be open in another branch. See ``docs/reference/continue-as-new.md`` for limits, guards, callers and
        ``idempotency``.

        Args:
            data: The data of the successor's event: a JSON object, or an instance of its event type. By default those
                of this run's event.
        """
        await self._engine.continue_as_new(ContinueAsNew.of(self.event.data if data is None else data))


class ContextSync(_Base[D]):
    """The argument of a plain ``def`` function: a ``Context`` whose tools you do not await.

    Attributes:
        event: The event that started the run.
        data: The event's data, as in ``Context``.
        run_id: The run's id.
        step: The step tools.
        group: Parallel branches and races.
        logger: A logger as in ``Context``.
    """

    def __init__(
        self, engine: Engine, event: Event, run_id: str, function_id: str, events: Sequence[Event] = ()
    ) -> None:
        super().__init__(engine, event, run_id, function_id, events)
        self.step = StepSync(engine)
        self.group = GroupSync(engine)

    def patched(self, patch_id: str) -> bool:
        """Return whether the run takes new code. As ``Context.patched``."""
        return self._engine.patched_sync(Patch(patch_id))

    def continue_as_new(self, data: Mapping[str, Any] | Typed | None = None) -> Never:
        """End this run here, and let a new run of the function go on. As ``Context.continue_as_new``."""
        self._engine.continue_as_new_sync(ContinueAsNew.of(self.event.data if data is None else data))

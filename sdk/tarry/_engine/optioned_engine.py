"""An engine whose steps have options: that of ``step.with_options``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from tarry._engine.operations import CollectEvents, RunStep, SendEvent
from tarry.errors import UsageError

if TYPE_CHECKING:
    from tarry._engine.engine import Engine
    from tarry._engine.operations import Operation
    from tarry._engine.step_options import StepOptions

__all__ = ["optioned"]

_OF_BODIES = ("timeout", "at_most_once")
"""The options of steps whose body is your code."""


class _Optioned:
    """An engine that adds the options to each operation."""

    def __init__(self, engine: Engine, options: StepOptions) -> None:
        self.engine = engine
        self.options = options

    async def perform(self, operation: Operation | CollectEvents) -> Any:
        return await self.engine.perform(self._with_options(operation))

    def perform_sync(self, operation: Operation | CollectEvents) -> Any:
        return self.engine.perform_sync(self._with_options(operation))

    def _with_options(self, operation: Operation | CollectEvents) -> Operation:
        if not isinstance(operation, RunStep | SendEvent):
            raise UsageError(
                f"step {operation.id!r}: with_options({self.options.given()[0]}=...) is for step.run and "
                "step.send_event; Tarry makes no attempts of other steps"
            )
        of_bodies = [name for name in self.options.given() if name in _OF_BODIES]
        if of_bodies and isinstance(operation, SendEvent):
            raise UsageError(
                f"step {operation.id!r}: with_options({of_bodies[0]}=...) is for step.run alone; the events of "
                "step.send_event have the same ids at each attempt, so a repeated one counts once"
            )
        return replace(operation, options=self.options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)


def optioned(engine: Engine, options: StepOptions) -> Engine:
    """Return the engine with these options, which override those that it has."""
    if not options.given():
        return engine
    inner: Any = engine
    if isinstance(inner, _Optioned):
        return cast("Engine", _Optioned(inner.engine, inner.options.then(options)))
    return cast("Engine", _Optioned(engine, options))

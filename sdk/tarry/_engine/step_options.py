"""The options of ``step.with_options``, which apply to the steps that it is followed by."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from tarry._engine.operations import CollectEvents, RunStep, SendEvent
from tarry.errors import UsageError
from tarry.function import MAX_RETRIES

if TYPE_CHECKING:
    from tarry._engine.engine import Engine
    from tarry._engine.operations import Operation

__all__ = ["optioned"]


class _Optioned:
    """An engine that adds the options to each operation."""

    def __init__(self, engine: Engine, retries: int) -> None:
        self._engine = engine
        self._retries = retries

    async def perform(self, operation: Operation | CollectEvents) -> Any:
        return await self._engine.perform(self._with_options(operation))

    def perform_sync(self, operation: Operation | CollectEvents) -> Any:
        return self._engine.perform_sync(self._with_options(operation))

    def _with_options(self, operation: Operation | CollectEvents) -> Operation:
        if not isinstance(operation, RunStep | SendEvent):
            raise UsageError(
                f"step {operation.id!r}: with_options(retries=...) is for step.run and step.send_event; Tarry makes no "
                "attempts of other steps"
            )
        return replace(operation, retries=self._retries)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)


def optioned(engine: Engine, retries: int | None) -> Engine:
    """Return the engine with these options; ``None`` leaves an option as it is."""
    if retries is None:
        return engine
    if type(retries) is not int or not 0 <= retries <= MAX_RETRIES:
        raise UsageError(f"with_options: retries={retries!r}: give a number from 0 to {MAX_RETRIES}")
    return cast("Engine", _Optioned(engine, retries))

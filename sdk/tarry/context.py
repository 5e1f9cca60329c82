"""What a function is given: the event that started it, and the tools to go on from there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, cast

from tarry._engine.runlogger import RunLogger
from tarry.group import Group, GroupSync
from tarry.step import Step
from tarry.stepsync import StepSync

if TYPE_CHECKING:
    import logging
    from collections.abc import Awaitable, Callable

    from typing_extensions import TypeVar

    from tarry._engine.engine import Engine
    from tarry.event import Event

    D = TypeVar("D", default=Any)

    Handler = Callable[["Context"], Awaitable[Any]] | Callable[["ContextSync"], Any]
    """What ``app.create_function`` decorates."""
else:
    from typing import TypeVar

    D = TypeVar("D")

__all__ = ["Context", "ContextSync"]


class _Base(Generic[D]):
    def __init__(self, engine: Engine, event: Event, run_id: str, function_id: str) -> None:
        self._engine = engine
        self.event = event
        self.data: D = cast(D, event.data)
        self.run_id = run_id
        self.logger: logging.LoggerAdapter[logging.Logger] = RunLogger(engine, run_id, function_id)

    @property
    def attempt(self) -> int:
        """In a step's body the attempt of that step, else that of the function; from 0."""
        return self._engine.attempt


class Context(_Base[D]):
    """Given to an ``async def`` function.

    ``event`` is the event that started the run, ``data`` its data: as an instance of the trigger's type if it has one
    (write ``Context[OrderPlaced]`` for a type checker to know), else as they are, the plain ``event.data``. ``run_id``
    is the run's id, ``step`` the step tools, ``group`` what runs them side by side, ``logger`` a logger whose lines
    carry the ids of run and function, and are not repeated when the code is (see ``tarry._engine.runlogger``).

    Code outside of steps runs again at each resume, so whatever has an effect belongs into a step.
    """

    def __init__(self, engine: Engine, event: Event, run_id: str, function_id: str) -> None:
        super().__init__(engine, event, run_id, function_id)
        self.step = Step(engine)
        self.group = Group(engine)


class ContextSync(_Base[D]):
    """Given to a plain ``def`` function: a ``Context`` whose tools are not awaited."""

    def __init__(self, engine: Engine, event: Event, run_id: str, function_id: str) -> None:
        super().__init__(engine, event, run_id, function_id)
        self.step = StepSync(engine)
        self.group = GroupSync(engine)

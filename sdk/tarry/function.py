"""A durable function: the user's handler, its triggers and its retries."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic

from tarry._engine.flow import Flow
from tarry._engine.handler import is_async_handler
from tarry._engine.whole_number import is_whole
from tarry._wire.bus import source_of
from tarry._wire.eventdata import given
from tarry._wire.internal_events import ADDRESS, FAILED, INVOKED
from tarry.cancel import Timeouts
from tarry.durations import milliseconds
from tarry.errors import UsageError
from tarry.triggers import TriggerEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from typing_extensions import TypeVar

    from tarry._cel.dialect import Dialect
    from tarry.cancel import Cancel
    from tarry.concurrency import Concurrency
    from tarry.durations import Duration
    from tarry.event import Event
    from tarry.triggers import Trigger

    R_co = TypeVar("R_co", covariant=True, default=Any)
else:
    from typing import TypeVar

    R_co = TypeVar("R_co", covariant=True)

__all__ = ["ADDRESS", "DEFAULT_BACKOFF", "FAILED", "INVOKED", "MAX_RETRIES", "Function", "Retries"]

MAX_RETRIES = 20

DEFAULT_BACKOFF: tuple[Duration, ...] = ("15s", "30s", "1m", "2m", "5m", "10m", "20m", "40m", "1h", "2h")
"""The pauses before the retries; the last one repeats. Inngest uses the same schedule."""

_JITTER = 0.1


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a failing step is retried, and after which pauses.

    Up to a tenth is added to each pause, so that steps which failed together do not retry together.

    Attributes:
        limit: The number of retries, 0 to 20.
        backoff: The pauses as written.
        pauses: The pauses in milliseconds.

    Raises:
        UsageError: ``limit`` is out of range, or ``backoff`` is empty or has a negative pause.
        DurationError: A pause is not a duration.
    """

    limit: int = 4
    backoff: Sequence[Duration] = DEFAULT_BACKOFF
    pauses: tuple[int, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not is_whole(self.limit, 0, MAX_RETRIES):
            raise UsageError(f"retries={self.limit!r}: give a whole number from 0 to {MAX_RETRIES}")
        if not self.backoff:
            raise UsageError("backoff is empty: give at least one pause, such as ('15s',)")
        pauses = tuple(milliseconds(pause) for pause in self.backoff)
        if min(pauses) < 0:
            raise UsageError(f"backoff={tuple(self.backoff)!r}: a pause cannot be negative")
        object.__setattr__(self, "pauses", pauses)

    def pause(self, attempt: int, jitter: float) -> int:
        """Milliseconds from the failure of ``attempt`` (from 0) to the next; ``jitter`` is from 0 to 1."""
        base = self.pauses[min(attempt, len(self.pauses) - 1)]
        return base + int(base * _JITTER * jitter)


@dataclass(frozen=True, slots=True)
class Function(Generic[R_co]):
    """A durable function, as ``app.create_function`` returns it. ``Function[R]`` returns an ``R``.

    Attributes:
        id: The function's id.
        app_id: The id of its app.
        handler: The handler as written.
        triggers: What starts it.
        retries: Its retries and pauses.
        cancels: The events that cancel its runs.
        timeouts: The time limits of its runs.
        idempotency: The CEL expression of its idempotency key.
        concurrency: The limits on its runs at work.
        middleware: The app's middleware, then the function's own. ``create_function`` has the precise types.
        strict: Whether a run fails if a stored step is asked for with other arguments than those it began with.
        name: The function's name for people.
        dialect: How its expressions are evaluated. ``inngest`` is for the functions of official Inngest SDKs.
        flow: What limits the starts of its runs.
        pausable: Whether people can pause it although it has no limit. ``is_pausable`` includes those with a limit.
    """

    id: str
    app_id: str
    handler: Callable[[Any], Any]
    triggers: tuple[Trigger, ...]
    retries: Retries
    cancels: tuple[Cancel, ...] = ()
    timeouts: Timeouts = field(default_factory=Timeouts)
    idempotency: str | None = None
    middleware: tuple[Callable[[], object], ...] = ()
    strict: bool = False
    name: str = ""
    concurrency: tuple[Concurrency, ...] = ()
    dialect: Dialect = "tarry"
    flow: Flow = field(default_factory=Flow)
    pausable: bool = False

    @property
    def event_triggers(self) -> tuple[TriggerEvent, ...]:
        """The triggers that are events."""
        return tuple(each for each in self.triggers if isinstance(each, TriggerEvent))

    @property
    def is_pausable(self) -> bool:
        """Whether people can pause it: its executors ask whether they have."""
        return self.pausable or bool(self.concurrency)

    @property
    def is_async(self) -> bool:
        """Whether the handler is an ``async def``, and so gets a ``Context``. A decorator's ``wraps`` counts."""
        return is_async_handler(self.handler)

    def data_of(self, event: Event) -> Any:
        """Return an event's data as an instance of its trigger's type, or as plain data without a type.

        The data of an invocation use the triggers' type, if all triggers have the same one.

        Raises:
            EventDataError: The data do not fit the type.
        """
        triggers = self.event_triggers
        if _is_invocation(event, self.app_id) and len({each.data_type for each in triggers}) == 1:
            event = replace(event, data={key: value for key, value in event.data.items() if key != ADDRESS})
        else:
            triggers = tuple(each for each in triggers if each.names(event.name))
        typed = next((each.data_type for each in triggers if each.data_type is not None), None)
        return event.data if typed is None else given(event, typed)

    def on_failure(self, handler: Callable[[Any], Any]) -> Function:
        """Return the function that each failed run of this one starts.

        Its own failed runs do not start it, since it has another id. Nor do those of another app on the bus.
        """
        function_id = json.dumps(self.id, ensure_ascii=False)  # a text of JSON is one of CEL
        expression = f'event.source == "{source_of(self.app_id)}" && event.data.function_id == {function_id}'
        return Function(
            id=f"{self.id}-failure",
            app_id=self.app_id,
            handler=handler,
            triggers=(TriggerEvent(FAILED, expression),),
            retries=self.retries,
            middleware=self.middleware,
            strict=self.strict,
            name=f"{self.name} (failure)",
            pausable=self.pausable,
        )


def _is_invocation(event: Event, app_id: str) -> bool:
    """Whether Tarry has put the event: one of that name from another source is its sender's."""
    return event.name == INVOKED and event.source == source_of(app_id)

"""The functions that an event starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from tarry._wire.bus import source_of
from tarry.errors import ExpressionError, UsageError
from tarry.event import RESERVED
from tarry_backend import matching
from tarry_backend.events.address import addressee, is_untimely, run_id_of
from tarry_backend.matcher.window_entry import WindowEntry
from tarry_backend.model.shared_key import SHARED
from tarry_backend.model.window_name import window_name
from tarry_backend.queues.messages import Start
from tarry_backend.store.due_index import BATCHES, CALMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tarry import Event
    from tarry._cel.dialect import Dialect
    from tarry._engine.flow import Flow
    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_backend.queues.messages import Carried
    from tarry_backend.telemetry import Meter

__all__ = ["DeclaredApp", "DeclaredFunction", "DeclaredTrigger", "Starts"]

T = TypeVar("T")


class DeclaredTrigger(Protocol):
    """A trigger, as an app or its manifest has it."""

    @property
    def event(self) -> str:
        """The name of its events, or their prefix and ``*``."""

    @property
    def expression(self) -> str | None:
        """CEL over the event."""

    def names(self, event_name: str) -> bool:
        """Whether the trigger accepts events of this name."""


class DeclaredFunction(Protocol):
    """What the matcher knows of a function."""

    @property
    def id(self) -> str:
        """The function's id."""

    @property
    def event_triggers(self) -> Sequence[DeclaredTrigger]:
        """The events that start it."""

    @property
    def idempotency(self) -> str | None:
        """The expression of its idempotency key."""

    @property
    def dialect(self) -> Dialect:
        """How its expressions are evaluated."""

    @property
    def flow(self) -> Flow:
        """What gathers its events, or limits its starts."""


class DeclaredApp(Protocol):
    """What the matcher knows of the app: its manifest, or the app itself."""

    @property
    def id(self) -> str:
        """The app's id."""

    @property
    def functions(self) -> Mapping[str, DeclaredFunction]:
        """The functions by their ids."""


class Starts:
    """The starts that one event causes.

    A trigger that cannot be read does not stop the other functions: iterate first, then call ``check``. ``gathered``
    is, after the iteration, for which functions the event is gathered before it starts a run.
    """

    def __init__(self, app: DeclaredApp, incoming: ReceivedEvent, carried: Carried, meter: Meter) -> None:
        self._app = app
        self._incoming = incoming
        self._carried = carried
        self._meter = meter
        self._unreadable: list[str] = []
        self.gathered: list[WindowEntry] = []

    def __iter__(self) -> Iterator[Start]:
        event = self._incoming.event
        addressed_to = addressee(event, self._app.id)
        if addressed_to is not None and addressed_to not in self._app.functions:
            self._unreadable.append(
                f"event {event.id} is addressed to function {addressed_to!r}, which app {self._app.id!r} does not have"
            )
        elif addressed_to is not None and is_untimely(event, self._incoming.received_at):
            self._unreadable.append(f"event {event.id} of function {addressed_to!r}'s schedule is before its time")
            return
        for function in self._app.functions.values():
            try:
                if addressed_to == function.id:
                    yield self._start(function.id, None)
                elif any(self._triggers(each, function) for each in function.event_triggers):
                    yield from self._begin(function)
            except ExpressionError as error:
                self._unreadable.append(f"the trigger, or another expression, of function {function.id!r}: {error}")

    def start(self, function_id: str) -> Start:
        """Return the start of that function by the event, which was gathered for it before."""
        function = self._app.functions.get(function_id)
        return self._start(function_id, None if function is None else self._once(function))

    def _begin(self, function: DeclaredFunction) -> Iterator[Start]:
        """Yield the start of a function that the event triggers, unless the event is gathered for it.

        If the key of what gathers has no value for the event, the event starts its run at once.
        """
        debounce, batch = function.flow.debounce, function.flow.batch_events
        if batch is not None and batch.if_exp is not None:
            batch = batch if self._asked(matching.trigger_holds, batch.if_exp, function) else None
        gathers = debounce or batch
        if gathers is not None and (value := self._value(gathers.key, function)) is not None:
            name, kind = window_name(function.id, value), CALMS if debounce else BATCHES
            self.gathered.append(WindowEntry(kind, name, self._run_id(function.id), self._incoming))
        else:
            yield self._start(function.id, self._once(function))

    def _start(self, function_id: str, once: str | None) -> Start:
        return Start(self._run_id(function_id), function_id, self._carried, once)

    def _run_id(self, function_id: str) -> str:
        event = self._incoming.event
        return run_id_of(self._app.id, function_id, event.id, event.source, event.name)

    def check(self) -> None:
        """Raise ``UsageError`` if a trigger could not be read or the addressed function does not exist.

        The event then goes to the dead-letter queue. Redriven after the mend, it starts the function once.
        """
        if self._unreadable:
            raise UsageError("; ".join(self._unreadable))

    def _once(self, function: DeclaredFunction) -> str | None:
        """Return the event's idempotency key for this function, or ``None``.

        An event that is addressed to the function has no key: its sender may wait for the very run that it starts.
        """
        if function.idempotency is None:
            return None
        return self._asked(matching.value_key, function.idempotency, function)

    def _value(self, key: str | None, function: DeclaredFunction) -> str | None:
        """Return the event's value of a key; ``None`` if it has none."""
        return SHARED if key is None else self._asked(matching.value_key, key, function)

    def _triggers(self, trigger: DeclaredTrigger, function: DeclaredFunction) -> bool:
        name = self._incoming.event.name
        if not trigger.names(name) or (name.startswith(RESERVED) and not self._listens(trigger, function)):
            return False
        if trigger.expression is None:
            return True
        return bool(self._asked(matching.trigger_holds, trigger.expression, function))

    def _listens(self, trigger: DeclaredTrigger, function: DeclaredFunction) -> bool:
        """Return whether the trigger is for internal events, and for those of this source.

        ``*`` means the user's events: a run's own end would start it again, for ever.
        """
        if not trigger.event.startswith(RESERVED):
            return False
        if self._incoming.event.source == source_of(self._app.id):
            return True
        expression = trigger.expression
        return expression is not None and matching.reads_source(expression, "event", function.dialect)

    def _asked(
        self, ask: Callable[[str, Event, int, Dialect], T], expression: str, function: DeclaredFunction
    ) -> T | None:
        """Return what an expression yields about the event alone; count an error, and return ``None``."""
        try:
            return ask(expression, self._incoming.event, self._incoming.received_at, function.dialect)
        except matching.MatchError:
            self._meter.count("MatchErrors")
            return None

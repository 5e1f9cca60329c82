"""Operations: each call of a step tool, as data for the engine.

An operation checks itself when it is made, so a mistake is an error at the call. ``result`` converts the engine's
answer into the call's return value. Both faces of a tool share both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from tarry._engine.error_text import shown
from tarry._engine.outputtype import OutputType, asked, has_parameter
from tarry._engine.step_options import NO_OPTIONS, StepOptions
from tarry._engine.whole_number import is_whole
from tarry._wire.eventdata import given
from tarry._wire.internal_events import OWN
from tarry.errors import UsageError
from tarry.event import Event
from tarry.function import Function
from tarry.matches import EventMatch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tarry.durations import Duration, Timeout

__all__ = [
    "MAX_FIRST",
    "MAX_STEP_ID",
    "OWN",
    "CollectEvents",
    "InvokeFunction",
    "Operation",
    "Patch",
    "RunStep",
    "SendEvent",
    "Sleep",
    "WaitForEvent",
    "WaitForSignal",
]

MAX_FIRST = 10
"""The most kinds of events in one ``wait_for_first``: each needs its own query of the log."""

MAX_STEP_ID = 512
"""The longest step id, in bytes of UTF-8: it is part of its item's key."""


@dataclass(frozen=True, slots=True)
class _Step:
    kind: ClassVar[str]
    id: str

    def __post_init__(self) -> None:
        _check_id(self.id)


@dataclass(frozen=True, slots=True)
class RunStep(_Step):
    """Call ``handler(*args, **kwargs)`` once and store its result."""

    kind = "run"
    handler: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    output_type: Any = None
    options: StepOptions = NO_OPTIONS

    @classmethod
    def of(cls, step_id: str, handler: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> RunStep:
        """Make a step from what ``step.run`` got. Of its keyword arguments, ``output_type`` is Tarry's."""
        if "output_type" not in kwargs:
            return cls(step_id, handler, args, kwargs)
        if has_parameter(handler, "output_type"):
            raise UsageError(
                f"step {step_id!r}: output_type is an option of step.run, and {shown(handler)} has a parameter of that "
                "name: give its value inside a lambda or a functools.partial"
            )
        own = {name: value for name, value in kwargs.items() if name != "output_type"}
        return cls(step_id, handler, args, own, kwargs["output_type"])

    @property
    def output(self) -> OutputType | None:
        """The type of what the function receives; ``None`` for JSON as it is."""
        return asked(self.output_type, self.handler)

    def __post_init__(self) -> None:
        _check_id(self.id)
        if not callable(self.handler):
            raise UsageError(
                f"step {self.id!r}: handler is {self.handler!r}, not a function: give the function itself, then its "
                "arguments, instead of calling it"
            )


@dataclass(frozen=True, slots=True)
class Sleep(_Step):
    """Pause for a duration, or until a moment."""

    kind = "sleep"
    until: Timeout


@dataclass(frozen=True, slots=True)
class WaitForEvent(_Step):
    """Wait for the first event that one of ``matches`` accepts, or ``None`` at the deadline.

    ``continued`` says that it goes on with an earlier wait, whose deadline it has.
    """

    kind = "wait"
    matches: tuple[EventMatch, ...]
    timeout: Timeout
    lookback: Duration | None
    continued: bool = False

    @classmethod
    def one(
        cls,
        step_id: str,
        event: str | type[Any],
        if_exp: str | None,
        match: str | None,
        timeout: Timeout,
        lookback: Duration | None,
        where: Mapping[str, Any] | None = None,
        bind: Mapping[str, Any] | None = None,
    ) -> WaitForEvent:
        """Make a wait for one kind of event."""
        if if_exp is not None and match is not None:
            raise UsageError(f"step {step_id!r}: give if_exp or match, not both")
        return cls(step_id, (EventMatch(event, if_exp, match, where, bind),), timeout, lookback)

    @classmethod
    def first(
        cls, step_id: str, events: Sequence[EventMatch], timeout: Timeout, lookback: Duration | None
    ) -> WaitForEvent:
        """Make a wait for the first of several kinds of events."""
        several = tuple(events)
        if not all(isinstance(each, EventMatch) for each in several):
            raise UsageError(f"step {step_id!r}: wait_for_first takes a list of tarry.EventMatch, not {events!r}")
        if not 0 < len(several) <= MAX_FIRST:
            raise UsageError(f"step {step_id!r}: wait_for_first takes 1 to {MAX_FIRST} events, not {len(several)}")
        return cls(step_id, several, timeout, lookback)

    def result(self, output: Mapping[str, Any] | None) -> Any:
        """Return the event, as an instance if its match has an event type."""
        if output is None:
            return None
        event = Event(**output)
        return given(event, next((each.event for each in self.matches if each.name == event.name), event.name))


@dataclass(frozen=True, slots=True)
class CollectEvents:
    """Wait repeatedly, up to the deadline of the first wait, and return all events.

    It is complete with ``count`` events, or once ``until`` is true for the events so far. Each wait is a step.
    """

    wait: WaitForEvent
    count: int | None
    until: Callable[[list[Any]], bool] | None

    def __post_init__(self) -> None:
        if self.count is not None and not is_whole(self.count, 1):
            raise UsageError(f"step {self.id!r}: count={self.count!r}; give a whole number of events, 1 or more")
        if self.until is not None and not callable(self.until):
            raise UsageError(f"step {self.id!r}: until={self.until!r}; give a function of the events so far")

    @property
    def id(self) -> str:
        """The id of the first wait."""
        return self.wait.id

    def is_complete(self, events: list[Event]) -> bool:
        """Whether no further wait is needed."""
        if self.count is not None and len(events) >= self.count:
            return True
        return self.until is not None and bool(events) and self.until(self.result(events))

    def result(self, events: list[Event]) -> list[Any]:
        """Return the events, as instances if there is an event type."""
        [asked] = self.wait.matches
        return [given(event, asked.event) for event in events]


@dataclass(frozen=True, slots=True)
class SendEvent(_Step):
    """Put events on the app's bus."""

    kind = "send"
    events: Sequence[Event]
    options: StepOptions = NO_OPTIONS


@dataclass(frozen=True, slots=True)
class InvokeFunction(_Step):
    """Start a function and wait for its result. ``app_id`` is the function's app; ``None`` is the run's own."""

    kind = "invoke"
    app_id: str | None
    function_id: str
    data: Mapping[str, Any] | None
    user: Mapping[str, Any] | None
    timeout: Timeout | None
    output_type: Any = None
    handler: Callable[..., Any] | None = field(default=None, compare=False)

    @property
    def output(self) -> OutputType | None:
        """The type of what the function receives; ``None`` for JSON as it is."""
        return asked(self.output_type, self.handler)

    @classmethod
    def of(
        cls,
        step_id: str,
        function: Function,
        data: Mapping[str, Any] | None,
        user: Mapping[str, Any] | None,
        timeout: Timeout | None,
        output_type: Any = None,
    ) -> InvokeFunction:
        """Make an invocation of a function that ``create_function`` returned."""
        if not isinstance(function, Function):
            raise UsageError(
                f"step {step_id!r}: function is {function!r}: give what create_function returned, or use invoke_by_id"
            )
        return cls(step_id, function.app_id, function.id, data, user, timeout, output_type, function.handler)

    def __post_init__(self) -> None:
        _check_id(self.id)
        for name, value in (("data", self.data), ("user", self.user)):
            if not isinstance(value, Mapping | None):
                raise UsageError(
                    f"step {self.id!r}: {name} is {str(value)[:80]!r}; give a JSON object, such as {{'id': 7}}"
                )


@dataclass(frozen=True, slots=True)
class WaitForSignal(_Step):
    """Wait for the data of the signal of this name, or ``None`` at the deadline."""

    kind = "signal"
    signal: str
    timeout: Timeout
    type: Any = None

    def __post_init__(self) -> None:
        from tarry._wire.signal_request import check_signal  # few runs wait for signals

        _check_id(self.id)
        check_signal(self.signal)

    def result(self, output: Any) -> Any:
        """Return the signal's data as an instance of ``type``."""
        kind = None if output is None or self.type is None else OutputType.of(self.type)
        return output if kind is None else kind.read(output, self.id, "data")


@dataclass(frozen=True, slots=True)
class Patch(_Step):
    """Ask whether the run is to take new code. ``key`` is that of the mark, which is stored with the run's steps."""

    kind = "patch"

    @property
    def key(self) -> str:
        """The key of the mark."""
        return f"{OWN}patch/{self.id}"


Operation = RunStep | Sleep | WaitForEvent | SendEvent | InvokeFunction | WaitForSignal
"""An operation that is stored as one step."""


def _check_id(step_id: object) -> None:
    try:
        fits = isinstance(step_id, str) and 0 < len(step_id.encode()) <= MAX_STEP_ID
    except UnicodeEncodeError:  # half of a surrogate pair, which is not allowed in an item's key
        fits = False
    if not fits:
        raise UsageError(f"step id {shown(step_id)}: give a string of 1 to {MAX_STEP_ID} bytes")
    assert isinstance(step_id, str)
    if step_id.startswith(OWN):
        raise UsageError(
            f"step id {step_id[:80]!r}: ids that begin with {OWN!r} are reserved for Tarry; choose another"
        )

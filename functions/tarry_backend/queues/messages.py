"""The messages that the Lambdas send each other through the queues."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from typing import Any, ClassVar, Self, get_args

from tarry._wire.signal_message import Signalled
from tarry.errors import TarryError
from tarry.event import Event
from tarry_backend.model.event_identity import identity_of
from tarry_backend.model.position import Position
from tarry_backend.model.received_event import ReceivedEvent
from tarry_backend.queues.gate_messages import Admit, Admitted, RemoveObjects
from tarry_backend.queues.window_messages import WindowEnd

__all__ = [
    "Admit",
    "Admitted",
    "CancelRun",
    "Carried",
    "Continue",
    "Deadline",
    "Due",
    "FanOut",
    "Look",
    "Marker",
    "MatcherMessage",
    "Message",
    "MessageError",
    "RemoveObjects",
    "Resume",
    "RetryRun",
    "Returned",
    "RunMessage",
    "RunUpdate",
    "Settle",
    "Signalled",
    "Start",
    "TimerMessage",
    "Wake",
    "WindowEnd",
    "decode",
    "encode",
]

INLINE = 48_000
"""The largest event, in characters of JSON, that a message carries itself: SQS bills in units of 64 KB."""


class MessageError(TarryError):
    """A record in a queue is not one of Tarry's messages. It goes to the dead-letter queue."""


@dataclass(frozen=True)
class Carried:
    """An event in a message: the event itself, or its place in the log."""

    name: str
    id: str
    source: str
    received_at: int
    event: dict[str, Any] | None

    @property
    def position(self) -> Position:
        """The event's position in the log."""
        return Position(self.received_at, identity_of(self.id, self.source, self.name))

    @cached_property
    def text(self) -> str:
        """The JSON text, written once for all the messages that carry it."""
        return _json({each.name: getattr(self, each.name) for each in fields(self)})

    @classmethod
    def of(cls, received: ReceivedEvent) -> Carried:
        """Return an event for a message. A small event is in the message itself."""
        event = received.event
        values = asdict(event)
        small = len(json.dumps(values)) <= INLINE
        return cls(event.name, event.id, event.source, received.received_at, values if small else None)

    def received(self) -> ReceivedEvent | None:
        """Return the event, or ``None`` if the message does not carry it."""
        return ReceivedEvent(Event(**self.event), self.received_at) if self.event is not None else None


@dataclass(frozen=True, slots=True)
class _Looks:
    """A message that asks for a look into the log. A long look continues in the same message, with a cursor."""

    def cursor(self) -> Position | None:
        """Return where the look of this message continues; ``None`` if the look begins."""
        after: str | None = getattr(self, "after", None)
        return None if after is None else Position.parse(after)

    def onward(self, cursor: Position) -> Self:
        """Return the message that continues the look from there."""
        return replace(self, after=cursor.text())  # type: ignore[call-arg]


@dataclass(frozen=True, slots=True)
class Start:
    """To the executor: an event starts a run.

    ``once`` represents the value of the function's idempotency expression. Of the events with the same value within a
    day, one starts a run. ``batch`` are the places in the log of all events that start it, if they are a batch: when it
    was received, identity and name of each. ``carried`` is the first.
    """

    kind: ClassVar[str] = "start"
    run_id: str
    function_id: str
    carried: Carried
    once: str | None = None
    batch: list[list[Any]] | None = None


@dataclass(frozen=True, slots=True)
class Resume(_Looks):
    """To the executor: an event matches a wait. ``after`` is the cursor of a look into the log that continues."""

    kind: ClassVar[str] = "resume"
    run_id: str
    step_key: str
    carried: Carried
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Wake:
    """To the executor: at ``due`` (Unix milliseconds) a sleep ends, a retry begins or an invocation times out."""

    kind: ClassVar[str] = "wake"
    run_id: str
    due: int


@dataclass(frozen=True, slots=True)
class Deadline(_Looks):
    """To the executor: a wait's marker has come out of the events queue. ``after`` is as in ``Resume``."""

    kind: ClassVar[str] = "deadline"
    run_id: str
    step_key: str
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Look(_Looks):
    """To the executor: look into the log for a wait. ``after`` is as in ``Resume``."""

    kind: ClassVar[str] = "look"
    run_id: str
    step_key: str
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Returned:
    """To the executor: the run that a step invoked has ended."""

    kind: ClassVar[str] = "returned"
    run_id: str
    step_key: str


@dataclass(frozen=True, slots=True)
class Continue:
    """To the executor: continue a run whose last invocation was near its end."""

    kind: ClassVar[str] = "continue"
    run_id: str


@dataclass(frozen=True, slots=True)
class CancelRun:
    """To the executor: cancel the run, after its earlier messages."""

    kind: ClassVar[str] = "cancel"
    run_id: str


@dataclass(frozen=True, slots=True)
class RetryRun:
    """To the executor: retry the run if it has failed, from ``step_key`` if it is given.

    ``asked_by`` is the identity of the event that asks: it retries the run once, however often it comes.
    """

    kind: ClassVar[str] = "retry"
    run_id: str
    step_key: str | None
    asked_by: str


@dataclass(frozen=True, slots=True)
class Due:
    """To the timers: a step or attempt of a run is due.

    ``step_kind`` is the step's, or ``run`` for the function itself.
    """

    kind: ClassVar[str] = "due"
    run_id: str
    step_key: str | None
    step_kind: str
    due: int


@dataclass(frozen=True, slots=True)
class Settle(_Looks):
    """To the timers: read the log once more for a wait, now that the index has it.

    ``excluded`` are events that the run had before. They are a hint that avoids an unnecessary resume.
    ``after`` is as in ``Resume``.
    """

    kind: ClassVar[str] = "settle"
    run_id: str
    step_key: str
    excluded: list[str]
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Marker:
    """To the matcher: a wait's deadline has passed. It is in the queue behind the events before it."""

    kind: ClassVar[str] = "marker"
    run_id: str
    step_key: str
    deadline: int


@dataclass(frozen=True, slots=True)
class FanOut:
    """To the matcher: continue with the waits that have ``match_key``, whose place is in ``(after, until]``."""

    kind: ClassVar[str] = "fanout"
    match_key: str
    after: str
    until: str
    carried: Carried


RunUpdate = Start | Resume | Wake | Deadline | Look | Returned | Signalled | Continue | Admitted
"""The messages that the executor applies to a run before it replays the function."""

RunMessage = RunUpdate | CancelRun | RetryRun
"""The messages of the runs queue to one run. The queue also has ``Admit`` and ``RemoveObjects``."""

TimerMessage = Due | Settle
"""The messages of the timers queue."""

MatcherMessage = Marker | FanOut | WindowEnd
"""The messages of the events queue, beside events."""

Message = RunMessage | Admit | RemoveObjects | TimerMessage | MatcherMessage

_KINDS: dict[str, type[Message]] = {message.kind: message for message in get_args(Message)}


def encode(message: Message) -> str:
    """Return the message as a queue carries it: in ASCII, since SQS refuses some characters that JSON allows."""
    values = {field.name: getattr(message, field.name) for field in fields(message)}
    carried = values.pop("carried", None)
    text = _json({"tarry": message.kind, **values})
    return text if carried is None else f'{text[:-1]},"carried":{carried.text}}}'


def decode(body: str) -> Message:
    """Return the message that ``encode`` wrote; raise ``MessageError`` if the body is something else."""
    try:
        values: dict[str, Any] = json.loads(body)
        message = _KINDS[values.pop("tarry")]
        if "carried" in values:
            values["carried"] = Carried(**values["carried"])
        return message(**values)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise MessageError(f"this is not a Tarry message: {body[:200]!r} ({error!r})") from error


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))

"""The sender of events to an EventBridge bus."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tarry._engine.error_text import shown
from tarry._wire.aws import client
from tarry._wire.jsonvalues import check_carried, encode
from tarry._wire.limits import MAX_ENTRY, MAX_ID, why_not_id
from tarry.durations import MAX_DURATION
from tarry.errors import EventError, OutputError, SendError
from tarry.event import check_event, check_name, check_not_reserved, new_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef as Entry

    from tarry.event import Event

__all__ = [
    "ENVELOPE_VERSION",
    "LOGGED_AT",
    "EventBus",
    "check_names",
    "entry_size",
    "envelope",
    "request_ranges",
    "source_of",
]

ENVELOPE_VERSION = 1

LOGGED_AT = "logged_at"
"""The envelope's field for the time at which the executor logged an announcement before it sent it."""

_PER_REQUEST = 10

_REQUEST_BYTES = 262_144
"""The most bytes of several entries in one request.

Not every region's bus may carry 1 MiB, as most do since January 2026. One that carries 256 KiB refuses a larger request
as a whole. More requests cost nothing: AWS counts events, by 64 KiB.
"""
_PAUSES = (0.1, 0.5)


def source_of(app_id: str) -> str:
    """Return the EventBridge source of the events that an app sends."""
    return f"tarry.{app_id}"


def check_names(events: Sequence[Event]) -> None:
    """Raise ``EventError`` for a name that the bus does not accept from users."""
    for event in events:
        check_not_reserved(check_name(check_event(event).name))


class EventBus:
    """One app's access to its bus. boto3 loads with the first event."""

    _client: EventBridgeClient = client("events")

    def __init__(self, app_id: str, name: str | None = None) -> None:
        self._app_id = app_id
        self._name = name

    @property
    def given_name(self) -> str | None:
        """The bus that the app itself names, or ``None``."""
        return self._name

    @property
    def name(self) -> str:
        """The bus: the given name, or ``TARRY_BUS``, or ``tarry-<app>``."""
        return self._name or os.environ.get("TARRY_BUS") or f"tarry-{self._app_id}"

    def send(self, events: Sequence[Event]) -> list[str]:
        """Put the user's events in batches; see ``App.send``."""
        check_names(events)
        return self.send_internal(events)

    def send_internal(self, events: Sequence[Event], logged_at: int | None = None) -> list[str]:
        """Put Tarry's own events, whose names no user's event has.

        Args:
            events: The events.
            logged_at: The time of their position, if they are in the log already.
        """
        events = [event if check_event(event).id else replace(event, id=new_id()) for event in events]
        entries = [self._entry(event, logged_at) for event in events]
        reasons: dict[int, str] = {}
        for first, last in request_ranges(entries):
            refused, error = self._put(entries[first:last])
            reasons |= {first + place: reason for place, reason in refused.items()}
            if error is not None:  # what comes after is not tried: it would wait for the same, batch after batch
                skipped = dict.fromkeys(range(last, len(events)), "not sent, since a request before it failed")
                unknown = {first + place for place in refused} if not _is_answer(error) else set()
                raise _send_error(events, reasons | skipped, unknown) from error
        if reasons:
            raise _send_error(events, reasons, set())
        return [event.id for event in events]

    def disconnect(self) -> None:
        """Close the connection; the next event opens a new one, from the environment at that time."""
        self.__dict__.pop("_client", None)

    def _entry(self, event: Event, logged_at: int | None = None) -> Entry:
        entry: Entry = {
            "EventBusName": self.name,
            "Source": source_of(self._app_id),
            "DetailType": check_name(event.name),
            "Detail": envelope(event, logged_at),
            "Time": _time(event),
        }
        if (size := entry_size(entry)) > MAX_ENTRY:
            raise EventError(
                f"event {event.name!r} ({event.id}) has {size:,} bytes; the bus carries at most {MAX_ENTRY:,}"
            )
        return entry

    def _put(self, entries: list[Entry]) -> tuple[dict[int, str], Exception | None]:
        """Put one batch and retry refused entries.

        Return the reasons by the places that the bus has not accepted, and the error if a request failed as a whole.
        """
        left = dict(enumerate(entries))
        for pause in (*_PAUSES, None):
            try:
                answer = self._client.put_events(Entries=list(left.values()))
            except Exception as error:
                if not _is_of_aws(error):
                    raise
                return dict.fromkeys(left, f"{type(error).__name__}: {error}"), error
            refused = {
                place: f"{result.get('ErrorCode')}: {result.get('ErrorMessage')}"
                for place, result in zip(left, answer["Entries"], strict=True)
                if result.get("ErrorCode")
            }
            if not refused or pause is None:
                return refused, None
            left = {place: left[place] for place in refused}
            time.sleep(pause)
        raise AssertionError("unreachable")


def _is_of_aws(error: Exception) -> bool:
    from botocore.exceptions import BotoCoreError, ClientError

    return isinstance(error, BotoCoreError | ClientError)


def _is_answer(error: Exception) -> bool:
    """Whether the bus has answered, and refused the request as a whole."""
    from botocore.exceptions import ClientError

    return (
        isinstance(error, ClientError) and error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400) < 500
    )


def _send_error(events: Sequence[Event], reasons: Mapping[int, str], unknown: AbstractSet[int]) -> SendError:
    """What has become of the events. ``reasons`` are by the places of those that the bus has not accepted."""
    return SendError(
        [(events[place].id, reason) for place, reason in reasons.items() if place not in unknown],
        total=len(events),
        unknown=[(events[place].id, reason) for place, reason in reasons.items() if place in unknown],
        accepted=[event.id for place, event in enumerate(events) if place not in reasons],
        left={place: events[place] for place in sorted(reasons)},
    )


def envelope(event: Event, logged_at: int | None = None) -> str:
    """Return the ``detail`` of an event that the SDK sends.

    Raises:
        EventError: The bus would never accept it.
    """
    if not isinstance(event.data, dict):
        raise EventError(f"event {event.name!r}: data is a {type(event.data).__name__}; give a JSON object")
    if why_not_id(event.id):
        raise EventError(f"event {event.name!r}: id is {shown(event.id)}; give a string of at most {MAX_ID} bytes")
    carried: dict[str, Any] = {"v": ENVELOPE_VERSION, "id": event.id, "ts": event.ts, "data": event.data}
    if event.user is not None:
        carried["user"] = event.user
    if logged_at is not None:
        carried[LOGGED_AT] = logged_at
    try:
        text = encode(carried, f"event {event.name!r}", "data", "user")
        check_carried(text, f"event {event.name!r}")
        is_object = isinstance(event.user, dict | None) or encode(event.user, "user").startswith("{")
    except OutputError as error:
        raise EventError(str(error)) from None
    if not is_object:  # the matcher would refuse it, and make a dead letter of it
        raise EventError(f"event {event.name!r}: user is a {type(event.user).__name__}; give a JSON object, or None")
    return text


def _time(event: Event) -> datetime:
    ts: object = event.ts
    if not isinstance(ts, int) or isinstance(ts, bool) or ts > time.time_ns() // 1_000_000 + MAX_DURATION:
        raise EventError(f"event {event.name!r}: ts is {ts!r}; give Unix milliseconds, at most 366 days from now")
    try:
        return datetime.fromtimestamp(ts / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        raise EventError(f"event {event.name!r}: ts is {ts}, which is before year 1") from None


def entry_size(entry: Mapping[str, Any]) -> int:
    """Return the size in bytes as EventBridge counts it: 14 for the time, and the UTF-8 of the texts."""
    texts = [entry.get(field) or "" for field in ("Source", "DetailType", "Detail")]
    time = 0 if entry.get("Time") is None else 14
    return time + sum(len(text.encode("utf-8", "surrogatepass")) for text in (*texts, *(entry.get("Resources") or ())))


def request_ranges(entries: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, int]]:
    """Yield ranges of at most ten entries that have 256 KiB together. A larger entry is alone."""
    first = size = 0
    for place, entry in enumerate(entries):
        more = entry_size(entry)
        if place > first and (place - first == _PER_REQUEST or size + more > _REQUEST_BYTES):
            yield first, place
            first, size = place, 0
        size += more
    if first < len(entries):
        yield first, len(entries)

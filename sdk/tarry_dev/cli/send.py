"""``tarry send``: puts events on the app's bus, and says what they did."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tarry._wire.bus import source_of
from tarry_backend.api.documents import event_receipt_document
from tarry_backend.clock import now
from tarry_dev.cli.event import receipt_grid
from tarry_dev.cli.line_sender import send_lines
from tarry_dev.cli.screen import print_json, screen
from tarry_dev.cli.target import connect
from tarry_dev.control_characters import one_line
from tarry_dev.event_file import Put

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tarry_backend.api.receipts import Receipt
    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_dev.cli.connection import Connection
    from tarry_dev.event_file import Sent

__all__ = ["send_events"]

_MOST = 10
"""Of how many events the command says what they did."""

_PATIENCE = 10.0
"""How many seconds the command waits until the matcher has logged the last event."""

_EFFECT = 1.0
"""How many seconds after that an event may still show an effect: the matcher logs first, and the executor follows."""

_START = 5.0
"""The same, if the receipt shows that a start or a resume is to come: an executor may start cold."""

_PAUSES = (0.05, 0.1, 0.2, 0.4)
"""Seconds between two checks; the last one repeats."""

_SKEW = 60_000
"""By how many milliseconds this machine's clock may be ahead of the queue's."""


def send_events(events: Sequence[Sent | Put], stack: str | None, as_json: bool, wait: bool = True) -> None:
    """``tarry send``."""
    with connect(stack) as tarry:
        began = now()
        ids = list(send_lines(events, tarry))
        is_shown = wait and len(ids) <= _MOST
        if not as_json:
            _say_sent(events, ids)
        end = time.monotonic() + _PATIENCE
        sent = zip(events, ids, strict=True) if is_shown else ()
        receipts = [_receipt(event, event_id, began, end, tarry) for event, event_id in sent]
        if as_json:
            documents = [made and event_receipt_document(made) for made in receipts]
            print_json({"ids": ids} | ({"receipts": documents} if is_shown else {}))
        else:
            for event_id, made in zip(ids, receipts, strict=False):
                _say_done(event_id, made, tarry, named=len(ids) > 1)


def _say_sent(events: Sequence[Sent | Put], ids: Sequence[str]) -> None:
    if len(ids) == 1:
        screen().print(one_line(f"sent {events[0].name} as {ids[0]}"))
    else:
        screen().print(f"sent {len(ids)} events")


def _say_done(event_id: str, made: Receipt | None, tarry: Connection, *, named: bool) -> None:
    if named:
        screen().print(one_line(f"{made.received.event.name if made else 'event'} {event_id}:"))
    if made is None:
        shown = one_line(event_id)
        screen().print(
            f"the matcher has not processed it within {_PATIENCE:.0f} s; tarry event {shown} says what it did"
        )
    else:
        screen().print(receipt_grid(made, tarry.lookups))


def _receipt(event: Sent | Put, event_id: str, began: int, end: float, tarry: Connection) -> Receipt | None:
    """Return the event's receipt once it has an effect, or can have none any more; ``None`` if that takes too long.

    matcher     logs ── start, resume ──
    executor                             ── the run is written
    command     sees the log ─── looks for _EFFECT seconds ─── nothing: it did nothing
    """

    logged: float | None = None
    for pause in (*_PAUSES, *[_PAUSES[-1]] * 1_000):
        moment = time.monotonic()
        if (received := _logged(event, event_id, began, tarry)) is not None:
            made = tarry.lookups.receipt(received)
            logged = moment if logged is None else logged
            is_due = bool(made.pending) or any(trigger.holds for trigger in made.near.triggers)
            is_over = (made.has_effect and not is_due) or made.near.is_listened is False
            if is_over or moment > logged + (_START if is_due else _EFFECT):
                return made
        elif moment > end:
            return None
        time.sleep(pause)
    return None


def _logged(event: Sent | Put, event_id: str, began: int, tarry: Connection) -> ReceivedEvent | None:
    """The event as the log has it. Another source may have sent the same name and id."""
    logged = tarry.lookups.events_of_id(event_id, event.name, began - _SKEW, now() + _SKEW)
    own = event.source if isinstance(event, Put) else source_of(tarry.deployment.app_id)
    return next((received for received in logged if received.event.source == own), None)

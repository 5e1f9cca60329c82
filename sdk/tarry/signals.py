"""Signals: a message to the one run that waits for it, whose sender knows the result at once."""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from tarry._wire.aws import client
from tarry._wire.jsonvalues import decode, encode
from tarry._wire.limits import MAX_ID, why_not_id
from tarry._wire.limits import MAX_SIGNAL_DATA as MAX_DATA
from tarry._wire.limits import MAX_SIGNAL_NAME as MAX_NAME
from tarry._wire.mailbox import Letter, Mailbox, Waiter
from tarry._wire.mailboxes import Mailboxes
from tarry.durations import milliseconds
from tarry.errors import DurationError, LimitError, UsageError
from tarry.event import new_id

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

    from tarry.durations import Duration

__all__ = ["MAX_DATA", "MAX_NAME", "SignalReceipt", "SignalStatus", "Signalled", "Signals", "check_signal", "posted"]


class SignalStatus(StrEnum):
    """The result of sending a signal.

    Attributes:
        DELIVERED: A run's wait received the signal. If that wait loses its race at the same moment, the run's next
            wait for the name gets the signal.
        KEPT: No step waits yet. The next wait that begins within the ``keep`` time receives the signal at once.
        DUPLICATE: A signal of this name and id was sent before. This one changes nothing.
        NOBODY_WAITS: No step waits, and the signal was dropped. You may send it again under the same id.
    """

    DELIVERED = "delivered"
    KEPT = "kept"
    DUPLICATE = "duplicate"
    NOBODY_WAITS = "nobody waits"


@dataclass(frozen=True, slots=True)
class SignalReceipt:
    """The result of ``app.send_signal``.

    Attributes:
        status: What became of the signal.
        id: The signal's id, yours or a new one.
        run_id: The run that received the signal; for a duplicate, the run that received the first one.
        kept_until: Until when Tarry keeps the signal, in UTC.
    """

    status: SignalStatus
    id: str
    run_id: str | None = None
    kept_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Signalled:
    """To the executor: a waiting step received a signal."""

    kind: ClassVar[str] = "signalled"
    run_id: str
    step_key: str


class Signals:
    """One app's access to its mailboxes and its runs queue. boto3 loads with the first signal.

    Args:
        table: The stack's table; by default the environment variable ``TARRY_TABLE``.
        runs_queue: The URL of the stack's runs queue; by default the environment variable ``TARRY_RUNS_QUEUE``.
    """

    _client: SQSClient = client("sqs")

    def __init__(self, table: str | None = None, runs_queue: str | None = None) -> None:
        self._table = table
        self._runs_queue = runs_queue

    def send(self, name: str, data: Any, signal_id: str | None, keep: Duration | None) -> SignalReceipt:
        """Send one signal; see ``App.send_signal``.

        The mailbox is written first, then the message to the waiting run goes out. If the sender dies in between,
        sending again under the same id sends that message. Otherwise the wait finds the signal at its deadline:

            sender      mailbox ──── message
            executor                 reads the mailbox ── stores the step ── frees the mailbox
        """
        now = time.time_ns() // 1_000_000
        letter = Letter(_checked_id(signal_id), _checked_data(check_signal(name), data), now)
        until = None if keep is None else now + _checked_keep(name, keep)
        queue = self._runs_queue or _variable("TARRY_RUNS_QUEUE")

        def post(box: Mailbox) -> tuple[Mailbox, tuple[Mailbox, SignalReceipt]]:
            after, receipt = posted(box, name, letter, until)
            return after, (after, receipt)

        box, receipt = self._mailboxes.change(name, post)
        if box.waiter is not None and box.letter is not None and box.letter.id == letter.id:
            self._client.send_message(QueueUrl=queue, **_message(box.waiter))
        return receipt

    def disconnect(self) -> None:
        """Close the connections; the next signal opens new ones, from the environment at that time."""
        self.__dict__.pop("_client", None)
        self.__dict__.pop("_mailboxes", None)

    @cached_property
    def _mailboxes(self) -> Mailboxes:
        return Mailboxes(self._table or _variable("TARRY_TABLE"))


def posted(box: Mailbox, name: str, letter: Letter, until: int | None) -> tuple[Mailbox, SignalReceipt]:
    """Return the mailbox with the signal in it, and the sender's receipt. Pure."""
    if before := box.found(letter.id):
        return box, SignalReceipt(SignalStatus.DUPLICATE, letter.id, before.run_id)
    if box.waiter is not None and box.letter is None:
        return box.given(letter), SignalReceipt(SignalStatus.DELIVERED, letter.id, box.waiter.run_id)
    if until is None:
        return box, SignalReceipt(SignalStatus.NOBODY_WAITS, letter.id)
    moment = datetime.fromtimestamp(until / 1000, UTC)
    return box.keeping(name, letter, until), SignalReceipt(SignalStatus.KEPT, letter.id, kept_until=moment)


def check_signal(name: object) -> str:
    """Return the name if a signal may have it; else raise ``UsageError``. Senders and waits share this rule."""
    try:
        fits = isinstance(name, str) and 0 < len(name.encode()) <= MAX_NAME
    except UnicodeEncodeError:
        fits = False
    if not fits:
        raise UsageError(f"signal name {str(name)[:80]!r}: give a string of 1 to {MAX_NAME} bytes")
    assert isinstance(name, str)
    return name


def _checked_id(signal_id: object) -> str:
    if signal_id is None:
        return new_id()
    if not isinstance(signal_id, str) or why_not_id(signal_id):
        raise UsageError(f"signal id {str(signal_id)[:80]!r}: give a string of 1 to {MAX_ID} bytes")
    return signal_id


def _checked_data(name: str, data: Any) -> Any:
    """Return the data after a round trip through JSON, as the run will get them."""
    text = encode({} if data is None else data, f"signal {name!r}: data")
    if (size := len(text.encode("utf-8", "surrogatepass"))) > MAX_DATA:
        raise LimitError(f"signal {name!r}: data has {size:,} bytes of JSON; give at most {MAX_DATA:,}")
    return decode(text)


def _checked_keep(name: str, keep: Duration) -> int:
    span = milliseconds(keep)
    if span <= 0:
        raise DurationError(f"signal {name!r}: keep={keep!r} must be above zero; give a duration such as '1h'")
    return span


def _variable(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise UsageError(
            f"{name} is not set: to send a signal, set TARRY_TABLE and TARRY_RUNS_QUEUE to the values of the stack's "
            "outputs Table and RunsQueue"
        )
    return value


def _message(waiter: Waiter) -> dict[str, Any]:
    """Return the SQS parameters of the message to a waiting run.

    SQS drops a repeated message within five minutes. That is right here: a step receives one signal.
    """
    told = Signalled(waiter.run_id, waiter.step_key)
    body = json.dumps({"tarry": told.kind, **asdict(told)}, separators=(",", ":"))
    return {
        "MessageBody": body,
        "MessageGroupId": waiter.run_id,
        "MessageDeduplicationId": hashlib.sha256(body.encode()).hexdigest(),
    }

"""Sending a signal to the one run that waits for it. Its sender is told at once what has become of it."""

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
from tarry._wire.jsonvalues import check_depth, decode, encode
from tarry._wire.mailbox import Letter, Mailbox, Waiter
from tarry._wire.mailboxes import Mailboxes
from tarry.durations import milliseconds
from tarry.errors import DurationError, LimitError, UsageError
from tarry.event import MAX_ID, new_id

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

    from tarry.durations import Duration

__all__ = ["MAX_DATA", "MAX_NAME", "SignalReceipt", "SignalStatus", "Signalled", "Signals", "check_signal", "posted"]

MAX_NAME = 512
"""The longest name of a signal, in bytes of UTF-8: it is its item's key."""

MAX_DATA = 32_000
"""The largest data of a signal, in bytes of JSON: an item has room for eleven."""


class SignalStatus(StrEnum):
    """What has become of a signal.

    ``DELIVERED``: it is the answer of the wait of one run. ``KEPT``: nobody waits; a wait that begins within the
    time for which it is kept gets it at once. ``DUPLICATE``: a signal of this name was sent with the same id before,
    and this one changes nothing. ``NOBODY_WAITS``: it is gone, and may be sent again under the same id.
    """

    DELIVERED = "delivered"
    KEPT = "kept"
    DUPLICATE = "duplicate"
    NOBODY_WAITS = "nobody waits"


@dataclass(frozen=True, slots=True)
class SignalReceipt:
    """What the sender of a signal is told.

    ``id`` is the signal's, as given or made up. ``run_id`` is the run that was given it: of a duplicate the one that
    was given the first. ``kept_until`` is the moment up to which it is kept, in UTC.
    """

    status: SignalStatus
    id: str
    run_id: str | None = None
    kept_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Signalled:
    """To the executor: a step that waits for a signal was given one."""

    kind: ClassVar[str] = "signalled"
    run_id: str
    step_key: str


class Signals:
    """One app's way to its mailboxes, and to the queue by which runs are told. boto3 is loaded with the first signal.

    ``table`` and ``runs_queue`` (its URL) are those of the stack; without them the environment's ``TARRY_TABLE``
    and ``TARRY_RUNS_QUEUE``.
    """

    _client: SQSClient = client("sqs")

    def __init__(self, table: str | None = None, runs_queue: str | None = None) -> None:
        self._table = table
        self._runs_queue = runs_queue

    def send(self, name: str, data: Any, signal_id: str | None, keep: Duration | None) -> SignalReceipt:
        """Sends one; see ``App.send_signal``.

        The mailbox comes first, then the message to the run that waits. A sender who dies between the two has it told
        by sending again under the same id; else the wait finds the signal at its deadline:

            sender      mailbox ──── message
            executor                 reads the mailbox ── keeps the step ── frees the mailbox
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
        """Forgets the connections; the next signal makes them anew, from the environment as it is then."""
        self.__dict__.pop("_client", None)
        self.__dict__.pop("_mailboxes", None)

    @cached_property
    def _mailboxes(self) -> Mailboxes:
        return Mailboxes(self._table or _variable("TARRY_TABLE"))


def posted(box: Mailbox, name: str, letter: Letter, until: int | None) -> tuple[Mailbox, SignalReceipt]:
    """The mailbox with the signal in it, and what its sender is told. Pure."""
    if before := box.found(letter.id):
        return box, SignalReceipt(SignalStatus.DUPLICATE, letter.id, before.run_id)
    if box.waiter is not None and box.letter is None:
        return box.given(letter), SignalReceipt(SignalStatus.DELIVERED, letter.id, box.waiter.run_id)
    if until is None:
        return box, SignalReceipt(SignalStatus.NOBODY_WAITS, letter.id)
    moment = datetime.fromtimestamp(until / 1000, UTC)
    return box.keeping(name, letter, until), SignalReceipt(SignalStatus.KEPT, letter.id, kept_until=moment)


def check_signal(name: object) -> str:
    """The name, if a signal can have it; else ``UsageError``. The same rule for who sends and who waits."""
    try:
        fits = isinstance(name, str) and 0 < len(name.encode()) <= MAX_NAME
    except UnicodeEncodeError:
        fits = False
    if not fits:
        raise UsageError(f"a signal's name is a text of 1 to {MAX_NAME} bytes, not {str(name)[:80]!r}")
    assert isinstance(name, str)
    return name


def _checked_id(signal_id: object) -> str:
    if signal_id is None:
        return new_id()
    if not isinstance(signal_id, str) or not 0 < len(signal_id.encode("utf-8", "surrogatepass")) <= MAX_ID:
        raise UsageError(f"a signal's id is a text of 1 to {MAX_ID} bytes, not {str(signal_id)[:80]!r}")
    return signal_id


def _checked_data(name: str, data: Any) -> Any:
    """The data as the run will get it: passed through JSON."""
    text = encode({} if data is None else data, f"signal {name!r}: its data")
    check_depth(text, f"signal {name!r}: its data")
    if (size := len(text.encode("utf-8", "surrogatepass"))) > MAX_DATA:
        raise LimitError(f"signal {name!r}: its data has {size:,} bytes of JSON; a signal carries {MAX_DATA:,}")
    return decode(text)


def _checked_keep(name: str, keep: Duration) -> int:
    span = milliseconds(keep)
    if span <= 0:
        raise DurationError(f"signal {name!r}: keep={keep!r} is no time to keep it for; give a span such as '1h'")
    return span


def _variable(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise UsageError(
            f"{name} is not set: to send a signal, set TARRY_TABLE and TARRY_RUNS_QUEUE to what the stack's outputs "
            "Table and RunsQueue say"
        )
    return value


def _message(waiter: Waiter) -> dict[str, Any]:
    """As the runs queue wants it. What is sent again within five minutes is dropped there, and need not come again:
    a step is given one signal."""
    told = Signalled(waiter.run_id, waiter.step_key)
    body = json.dumps({"tarry": told.kind, **asdict(told)}, separators=(",", ":"))
    return {
        "MessageBody": body,
        "MessageGroupId": waiter.run_id,
        "MessageDeduplicationId": hashlib.sha256(body.encode()).hexdigest(),
    }

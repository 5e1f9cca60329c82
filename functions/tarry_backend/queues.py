"""Sending to the three queues."""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tarry.errors import TarryError
from tarry.event import new_id
from tarry_backend.messages import Continue, Due, Settle, encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mypy_boto3_sqs import SQSClient

    from tarry_backend.messages import Deadline, FanOut, Look, Marker, Resume, Start, Wake
    from tarry_backend.settings import Settings

    RunMessage = Start | Resume | Wake | Deadline | Look | Continue
    TimerMessage = Due | Settle

__all__ = ["HORIZON", "MAX_DELAY", "QueueError", "Queues"]

MAX_DELAY = 900
"""The longest delay, in seconds, that SQS gives a message."""

HORIZON = 180_000
"""What is due within so many milliseconds goes straight into the timers queue; the sweep brings the rest."""

_PER_REQUEST = 10
_REQUEST_BYTES = 1_000_000
_TRIES = 3
_LONGEST_RETRY = 900


class QueueError(TarryError):
    """SQS refused messages again and again."""


class Queues:
    """The app's queues: events (standard), runs (FIFO, a group each run), timers (standard, delayed)."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def _client(self) -> SQSClient:
        import boto3

        return boto3.client("sqs")

    def tell_runs(self, messages: Iterable[RunMessage]) -> int:
        """Sends to the executor, in batches, one run's messages in their order. Returns how many there were."""
        return self._send(
            self._settings.runs_queue,
            (
                (
                    encode(message),
                    {"MessageGroupId": message.run_id, "MessageDeduplicationId": _identity(message)},
                )
                for message in messages
            ),
        )

    def tell_timers(self, messages: Iterable[tuple[TimerMessage, int]]) -> int:
        """Sends to the timers, each message with its delay in seconds."""
        delayed = ((encode(message), {"DelaySeconds": _delay(delay)}) for message, delay in messages)
        return self._send(self._settings.timers_queue, delayed)

    def tell_matcher(self, message: Marker | FanOut, delay: int = 0) -> None:
        """Sends to the matcher, behind the events."""
        self._send(self._settings.events_queue, [(encode(message), {"DelaySeconds": _delay(delay)})])

    def retry_soon(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Brings SQS records of the runs queue back after seconds that double with each receive.

        By themselves they would come back after the visibility timeout, which is as long as the longest run of a
        function: right for an executor that has died, too long for one that was throttled.
        """
        for record in records:
            receives = int(record["attributes"]["ApproximateReceiveCount"])
            with suppress(Exception):  # then it comes back by itself; the error that led here is what counts
                self._client.change_message_visibility(
                    QueueUrl=self._settings.runs_queue,
                    ReceiptHandle=record["receiptHandle"],
                    VisibilityTimeout=min(_LONGEST_RETRY, 2**receives),
                )

    def _send(self, queue: str, messages: Iterable[tuple[str, dict[str, Any]]]) -> int:
        """Sends page by page, so that no more than one request's messages are held."""
        count = 0
        page: list[dict[str, Any]] = []
        size = 0
        for body, options in messages:
            length = len(body.encode())
            if len(page) == _PER_REQUEST or (page and size + length > _REQUEST_BYTES):
                self._send_page(queue, page)
                page, size = [], 0
            page.append({"Id": str(len(page)), "MessageBody": body, **options})
            size += length
            count += 1
        if page:
            self._send_page(queue, page)
        return count

    def _send_page(self, queue: str, page: Sequence[dict[str, Any]]) -> None:
        reasons: list[str] = []
        for again in range(_TRIES):
            answer = self._client.send_message_batch(QueueUrl=queue, Entries=page)  # type: ignore[arg-type]
            refused = {entry["Id"]: entry for entry in answer.get("Failed", ())}
            if not refused:
                return
            reasons = sorted({f"{entry['Code']}: {entry.get('Message')}" for entry in refused.values()})
            page = [entry for entry in page if entry["Id"] in refused]
            time.sleep(0.1 * 2**again)
        raise QueueError(f"{len(page)} messages were refused by {queue}: {'; '.join(reasons)}")


def _delay(seconds: int) -> int:
    return min(MAX_DELAY, max(0, seconds))


def _identity(message: RunMessage) -> str:
    """The deduplication id: what is resent within five minutes is dropped. To go on is meant anew each time."""
    if isinstance(message, Continue):
        return new_id()
    return hashlib.sha256(encode(message).encode()).hexdigest()

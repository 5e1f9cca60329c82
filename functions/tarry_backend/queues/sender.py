"""The sender to the three queues."""

from __future__ import annotations

import hashlib
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any

from tarry._wire.aws import client
from tarry.errors import TarryError
from tarry.event import new_id
from tarry_backend.queues.messages import Admitted, Continue, Returned, encode
from tarry_backend.store.lean_client import take_lean_road

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from concurrent.futures import Future

    from mypy_boto3_sqs import SQSClient

    from tarry_backend.deploy.settings import Settings
    from tarry_backend.queues.messages import Admit, MatcherMessage, RemoveObjects, RunMessage, TimerMessage

    Page = list[dict[str, Any]]

__all__ = ["HORIZON", "MAX_DELAY", "REDRIVEN", "QueueError", "Queues"]

MAX_DELAY = 900
"""The longest delay, in seconds, that SQS gives a message."""

HORIZON = 180_000
"""Within how many milliseconds a due item goes straight into the timers queue. The sweep brings later ones."""

REDRIVEN = "tarry-redriven"
"""The attribute of a message that was a dead letter: a queue delivered it before, whatever its receive count says.

Its value is when the queue first received it, in Unix milliseconds, however often it is redriven.
"""

_PER_REQUEST = 10

_REQUEST_BYTES = 262_144
"""The most bytes of several messages in one request.

Not every region's queues may take 1 MiB, as most do since August 2025. One that takes 256 KiB refuses a larger request
as a whole, however often it comes. More requests cost nothing: AWS counts them by 64 KiB.
"""

_TRIES = 3
_AT_ONCE = 8
_LONGEST_RETRY = 900


class QueueError(TarryError):
    """SQS refused messages, also after retries."""


class Queues:
    """The app's queues: events (standard), runs (FIFO, one group for each run), timers (standard, delayed)."""

    _client: SQSClient = client("sqs", take_lean_road)

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def send_to_runs(self, messages: Iterable[RunMessage | Admit | RemoveObjects]) -> int:
        """Send to the executor, in batches, one run's messages in their order; return the number of messages."""
        return self._send(
            self._settings.runs_queue,
            ((body, _of_run(message, body)) for message in messages for body in [encode(message)]),
        )

    def send_in_order(self, messages: Iterable[RunMessage]) -> dict[int, Exception]:
        """Send to the executor, one request after the other; return the errors by the places of messages not sent."""
        errors: dict[int, Exception] = {}
        first = 0
        for page in _pages((body, _of_run(message, body)) for message in messages for body in [encode(message)]):
            try:
                refused = self._refused(self._settings.runs_queue, page)
            except Exception as error:  # it says nothing of the other pages
                refused = {entry["Id"]: error for entry in page}
            errors |= {first + int(place): error for place, error in refused.items()}
            first += len(page)
        return errors

    def send_to_timers(self, messages: Iterable[tuple[TimerMessage, int]]) -> int:
        """Send to the timers, each message with its delay in seconds."""
        delayed = ((encode(message), {"DelaySeconds": _delay(delay)}) for message, delay in messages)
        return self._send(self._settings.timers_queue, delayed)

    def send_to_matcher(self, message: MatcherMessage, delay: int = 0) -> None:
        """Send to the matcher, after the events."""
        self._send(self._settings.events_queue, [(encode(message), {"DelaySeconds": _delay(delay)})])

    def retry_soon(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Return SQS records of the runs queue after seconds that double with each receive.

        Otherwise they would return after the visibility timeout, which covers a function's longest run. That is right
        for an executor that died, but too long for one that was throttled.
        """
        for record in records:
            receives = int(record["attributes"]["ApproximateReceiveCount"])
            with suppress(Exception):  # then it returns by itself; the first error counts
                self._hide(self._settings.runs_queue, record["receiptHandle"], min(_LONGEST_RETRY, 2**receives))

    def hold(self, record: Mapping[str, Any], seconds: int) -> None:
        """Make an SQS record of the runs queue visible again ``seconds`` from now.

        Raises:
            ClientError: The record is visible again, so another executor may have it.
        """
        self._hide(self._settings.runs_queue, record["receiptHandle"], seconds)

    def retry_event(self, receipt: str, seconds: int) -> None:
        """Return a record of the events queue after ``seconds``, instead of after the visibility timeout."""
        with suppress(Exception):  # then it returns by itself
            self._hide(self._settings.events_queue, receipt, min(_LONGEST_RETRY, seconds))

    def delete_events(self, receipts: Iterable[str]) -> None:
        """Delete records of the events queue before their batch is answered; at most ten."""
        entries: Any = [{"Id": str(place), "ReceiptHandle": receipt} for place, receipt in enumerate(receipts)]
        with suppress(Exception):  # Lambda deletes them when the batch is answered
            self._client.delete_message_batch(QueueUrl=self._settings.events_queue, Entries=entries)

    def _hide(self, queue: str, receipt: str, seconds: int) -> None:
        self._client.change_message_visibility(QueueUrl=queue, ReceiptHandle=receipt, VisibilityTimeout=seconds)

    def _send(self, queue: str, messages: Iterable[tuple[str, dict[str, Any]]]) -> int:
        """Send page by page, several at a time, so that memory holds only the pages on their way."""
        count = 0
        pages = _pages(messages)
        first, second = next(pages, None), next(pages, None)
        if first is None:
            return 0
        if second is None:
            return self._send_page(queue, first)
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="send") as threads:
            sent: deque[Future[int]] = deque()
            for page in chain((first, second), pages):
                if len(sent) == _AT_ONCE:
                    count += sent.popleft().result()
                sent.append(threads.submit(self._send_page, queue, page))
            return count + sum(each.result() for each in sent)

    def _send_page(self, queue: str, page: Page) -> int:
        if refused := self._refused(queue, page):
            raise next(iter(refused.values()))
        return len(page)

    def _refused(self, queue: str, page: Page) -> dict[str, Exception]:
        """Send a page; return an error for each entry that SQS refused, also after retries, by its id."""
        left = page
        refused: dict[str, Any] = {}
        for again in range(_TRIES):
            answer = self._client.send_message_batch(QueueUrl=queue, Entries=left)  # type: ignore[arg-type]
            refused = {entry["Id"]: entry for entry in answer.get("Failed", ())}
            if not refused:
                return {}
            left = [entry for entry in left if entry["Id"] in refused]
            time.sleep(0.1 * 2**again)
        reasons = sorted({f"{entry['Code']}: {entry.get('Message')}" for entry in refused.values()})
        error = QueueError(f"the queue {queue} refused {len(left)} messages: {'; '.join(reasons)}")
        return dict.fromkeys(refused, error)


def _pages(messages: Iterable[tuple[str, dict[str, Any]]]) -> Iterator[Page]:
    page: Page = []
    size = 0
    for body, options in messages:
        length = len(body.encode())
        if len(page) == _PER_REQUEST or (page and size + length > _REQUEST_BYTES):
            yield page
            page, size = [], 0
        page.append({"Id": str(len(page)), "MessageBody": body, **options})
        size += length
    if page:
        yield page


def _delay(seconds: int) -> int:
    return min(MAX_DELAY, max(0, seconds))


def _of_run(message: RunMessage | Admit | RemoveObjects, body: str) -> dict[str, str]:
    """Give each run its group. SQS drops a repeated message within five minutes.

    But each ``Continue`` is new, and so is each ``Returned``, whose step may not have existed at first. A gate tells a
    run of each grant.
    """
    match message:
        case Continue() | Returned():
            identity = new_id()
        case Admitted(token=token):
            identity = token
        case _:
            identity = hashlib.sha256(body.encode()).hexdigest()
    return {"MessageGroupId": message.run_id, "MessageDeduplicationId": identity}

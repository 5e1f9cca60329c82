"""A queue of the embedded cloud, and the function that reads it: Lambda's event source mapping, by hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tarry._wire.steady_logger import steady_logger
from tarry_dev.cloud.crash import Crash, unwatched
from tarry_dev.cloud.message import Delivery, Message, refused
from tarry_dev.dead_letters import DeadLetters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import DeleteMessageBatchRequestEntryTypeDef

    from tarry_backend.deploy.topology import Queue
    from tarry_dev.cloud.chaos import Odds
    from tarry_dev.cloud.function import LambdaFunction
    from tarry_dev.cloud.moto_queue import FaithfulQueue

__all__ = ["LocalQueue", "Observer"]

Observer = Callable[[Delivery], None]
"""Is told of each invocation when it is over."""

_log = steady_logger(__name__)


class LocalQueue:
    """A queue, its dead-letter queue, and its function.

    The pump delivers by ``receive`` and ``deliver``, and so may a test: out of order, twice, late, or never.
    """

    def __init__(
        self,
        spec: Queue,
        *,
        stored: FaithfulQueue,
        dead: FaithfulQueue,
        client: SQSClient,
        function: LambdaFunction,
        observe: Observer,
        odds: Odds,
    ) -> None:
        self.spec = spec
        self.url = stored.physical_resource_id
        self.arn = stored.queue_arn
        self.function = function
        self._stored = stored
        self._dead = dead
        self.dead_url = dead.physical_resource_id
        self._client = client
        self._observe = observe
        self._odds = odds
        self._holds = 0

    @property
    def messages(self) -> list[Message]:
        """All that is in the queue, waiting, delayed or in flight; looking at them does not receive them."""
        return [Message.seen(stored) for stored in self._stored.contents]

    @property
    def dead_letters(self) -> list[Message]:
        """What has been received too often."""
        return [Message.seen(stored) for stored in self._dead.contents]

    @property
    def is_held(self) -> bool:
        """Whether the pump passes the queue by."""
        return self._holds > 0

    @property
    def next_delivery(self) -> float | None:
        """From when on, in Unix milliseconds, a message can be received; maybe past. None if there is none."""
        return self._stored.next_delivery

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Meanwhile the pump passes the queue by: what is sent to it stays."""
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1

    def receive(self, most: int | None = None) -> list[Message]:
        """Takes up to ``most`` messages (unless given, a batch; ten at most) off the queue, as Lambda does.

        They stay in flight, invisible to others, until they are delivered or the visibility timeout is over.
        A message that has been received too often goes to the dead-letter queue instead.
        """
        batch = self._receive(self.url, most or self.spec.batch_size)
        for message in () if self.spec.fifo else batch:
            if (delay := self._odds.second_copy()) is not None:
                self._stored.duplicate(message.receipt, delay, forget=self._odds.happens(0.5))
        return batch

    def deliver(self, batch: Sequence[Message]) -> Delivery:
        """Invokes the function with messages that were received, and deletes those that it does not refuse.

        Delivering the same ones once more is what at-least-once delivery may do at any time.
        """
        began = time.monotonic()
        failed = frozenset(message.id for message in batch)
        error: BaseException | None = None
        try:
            failed = refused(self.function.invoke({"Records": self._records(batch)}), batch)
        except (Exception, Crash) as raised:
            error = raised
            _log.warning("%s failed, so its batch stays in the queue", self.function.name, exc_info=raised)
        self._delete(self.url, [message for message in batch if message.id not in failed])
        delivery = Delivery(self.function.name, tuple(batch), failed, error, time.monotonic() - began)
        self._observe(delivery)
        return delivery

    def redrive(self) -> int:
        """Puts all dead letters back, as new messages; returns how many."""
        return DeadLetters(self._client, self.spec.name, self.url, self.dead_url, wait=0).redrive()

    def _records(self, batch: Sequence[Message]) -> list[dict[str, Any]]:
        return [message.record(self.arn) for message in batch]

    def _receive(self, url: str, most: int) -> list[Message]:
        with unwatched():
            answer = self._client.receive_message(
                QueueUrl=url, MaxNumberOfMessages=most, AttributeNames=["All"], MessageAttributeNames=["All"]
            )
        return [Message.received(message) for message in answer.get("Messages", [])]

    def _delete(self, url: str, messages: Sequence[Message]) -> None:
        if messages:
            entries: list[DeleteMessageBatchRequestEntryTypeDef] = [
                {"Id": str(place), "ReceiptHandle": message.receipt} for place, message in enumerate(messages)
            ]
            with unwatched():
                self._client.delete_message_batch(QueueUrl=url, Entries=entries)

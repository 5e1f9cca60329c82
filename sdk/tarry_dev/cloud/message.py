"""A message as it comes off a queue, and what became of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from moto.sqs.models import Message as Stored
    from mypy_boto3_sqs.type_defs import MessageTypeDef

__all__ = ["Delivery", "Message", "refused"]


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a queue. ``attributes`` are SQS's own, as texts. Without ``receipt`` it was only looked at."""

    id: str
    body: str
    attributes: Mapping[str, str]
    receipt: str = ""
    message_attributes: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def received(cls, answer: MessageTypeDef) -> Message:
        """As ``ReceiveMessage`` gives it."""
        attributes = {str(name): value for name, value in answer["Attributes"].items()}
        return cls(
            answer["MessageId"],
            answer["Body"],
            attributes,
            answer["ReceiptHandle"],
            answer.get("MessageAttributes", {}),
        )

    @classmethod
    def seen(cls, stored: Stored) -> Message:
        """As it lies in the queue."""
        attributes = {
            "SentTimestamp": str(stored.sent_timestamp),
            "ApproximateReceiveCount": str(stored.approximate_receive_count),
            "MessageGroupId": stored.group_id,
            "MessageDeduplicationId": stored.deduplication_id,
        }
        known = {name: value for name, value in attributes.items() if value is not None}
        return cls(stored.id, stored.body, known, message_attributes=stored.message_attributes)

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)

    @property
    def sent_at(self) -> int:
        """When the queue took it in, in Unix milliseconds."""
        return int(self.attributes["SentTimestamp"])

    @property
    def receives(self) -> int:
        """How often it has been received, this time included."""
        return int(self.attributes["ApproximateReceiveCount"])

    @property
    def group(self) -> str | None:
        """The message group, in a FIFO queue."""
        return self.attributes.get("MessageGroupId")

    def record(self, queue_arn: str) -> dict[str, Any]:
        """The message as Lambda hands it to a function."""
        return {
            "messageId": self.id,
            "receiptHandle": self.receipt,
            "body": self.body,
            "attributes": dict(self.attributes),
            "messageAttributes": {
                name: {f"{key[0].lower()}{key[1:]}": value for key, value in attribute.items()}
                for name, attribute in self.message_attributes.items()
            },
            "md5OfBody": hashlib.md5(self.body.encode(), usedforsecurity=False).hexdigest(),
            "eventSource": "aws:sqs",
            "eventSourceARN": queue_arn,
            "awsRegion": queue_arn.split(":")[3],
        }


@dataclass(frozen=True, slots=True)
class Delivery:
    """One invocation of a function, when it is over.

    ``messages`` are what it was given: none where the schedule called it. ``failed`` are the ids of those
    that stay in the queue, ``error`` what the function raised: a ``Crash`` if it died. ``seconds`` is how
    long it took.
    """

    function: str
    messages: tuple[Message, ...]
    failed: frozenset[str]
    error: BaseException | None
    seconds: float


def refused(answer: object, messages: Iterable[Message]) -> frozenset[str]:
    """The ids that a partial batch response leaves in the queue, by Lambda's rules.

    An answer without ``batchItemFailures``, or with none in it, is a success. One with an entry that is
    malformed, or names a message which is not in the batch, fails the whole batch.
    """
    everything = frozenset(message.id for message in messages)
    failures = (answer.get("batchItemFailures") or []) if isinstance(answer, dict) else []
    try:
        named = frozenset(failure["itemIdentifier"] for failure in failures)
    except (KeyError, TypeError):
        return everything
    return named if named <= everything else everything

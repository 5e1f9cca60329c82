"""The dead letters of a queue, to look at and to put back."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tarry_backend.queues.sender import REDRIVEN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

__all__ = ["DeadLetters", "Letter"]

_PER_REQUEST = 10

_LOOK_SECONDS = 15
"""How long a letter that is looked at stays invisible at most, should the one who looks be cut off."""

_MOVE_SECONDS = 60
"""Within this a letter that was received is sent and deleted."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message in a dead-letter queue.

    ``sent`` is SQS's time of sending, in Unix milliseconds. ``receives`` counts every receive, also those of ``peek``.
    """

    id: str
    body: str
    sent: int
    receives: int


class DeadLetters:
    """The dead-letter queue of a queue, both by their URLs.

    SQS has a way of its own to move messages back (``StartMessageMoveTask``). It cannot mark them, and a message
    to a run has to be marked: the executor may have done half of it before it failed, and then makes sure of all.
    ``wait`` is how many seconds SQS waits before it says that there are none: then it asks all of its servers.
    """

    def __init__(self, client: SQSClient, name: str, url: str, dead_url: str, *, wait: int = 1) -> None:
        self.name = name
        self._client = client
        self._url = url
        self._dead_url = dead_url
        self._wait = wait

    def count(self) -> int:
        """About how many there are; those that somebody is looking at are among them."""
        attributes = self._client.get_queue_attributes(QueueUrl=self._dead_url, AttributeNames=["All"])["Attributes"]
        visible, in_flight = (
            attributes["ApproximateNumberOfMessages"],
            attributes["ApproximateNumberOfMessagesNotVisible"],
        )
        return int(visible) + int(in_flight)

    def peek(self, most: int) -> list[Letter]:
        """Up to ``most`` of them. They stay; meanwhile others do not see them, at the end they do at once.

        Of one run at most ten: SQS keeps a group's further messages back while some are looked at.
        """
        found: list[MessageTypeDef] = []
        with self._given_back(found):
            while len(found) < most and (more := self._receive(min(_PER_REQUEST, most - len(found)), _LOOK_SECONDS)):
                found += more
        return [_letter(message) for message in found]

    def redrive(self) -> int:
        """Put all of them back into their queue; return how many. Each keeps the time at which it came first.

        One that is cut off goes on where it stopped: in a FIFO queue nothing is sent twice within five minutes. A
        letter that comes back meanwhile stays.
        """
        sent: set[str] = set()
        while True:
            letters = self._receive(_PER_REQUEST, _MOVE_SECONDS)
            again = [letter for letter in letters if letter["MessageId"] in sent]
            for letter in letters:
                if letter not in again:
                    sent.add(self._move(letter))
            if again or not letters:
                self._give_back(again)
                return len(sent)

    def _move(self, letter: MessageTypeDef) -> str:
        fifo: Any = {}
        if group := letter["Attributes"].get("MessageGroupId"):
            fifo = {"MessageGroupId": group, "MessageDeduplicationId": f"redriven-{letter['MessageId']}"}
        mark: Any = {REDRIVEN: {"DataType": "String", "StringValue": _received_at(letter)}}
        answer = self._client.send_message(
            QueueUrl=self._url, MessageBody=letter["Body"], MessageAttributes=mark, **fifo
        )
        self._client.delete_message(QueueUrl=self._dead_url, ReceiptHandle=letter["ReceiptHandle"])
        return answer["MessageId"]

    def _receive(self, most: int, seconds: int) -> list[MessageTypeDef]:
        return self._client.receive_message(
            QueueUrl=self._dead_url,
            MaxNumberOfMessages=most,
            VisibilityTimeout=seconds,
            WaitTimeSeconds=self._wait,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        ).get("Messages", [])

    @contextmanager
    def _given_back(self, letters: Sequence[MessageTypeDef]) -> Iterator[None]:
        try:
            yield
        finally:
            self._give_back(letters)

    def _give_back(self, letters: Sequence[MessageTypeDef]) -> None:
        for first in range(0, len(letters), _PER_REQUEST):
            entries: Any = [
                {"Id": str(place), "ReceiptHandle": letter["ReceiptHandle"], "VisibilityTimeout": 0}
                for place, letter in enumerate(letters[first : first + _PER_REQUEST])
            ]
            self._client.change_message_visibility_batch(QueueUrl=self._dead_url, Entries=entries)


def _received_at(letter: MessageTypeDef) -> str:
    """When its queue first received it; what an earlier redrive has written stays.

    A standard queue keeps that time in ``SentTimestamp`` when the message becomes a dead letter. A FIFO queue sets it
    anew then, so the first receive may be the earlier of the two.
    """
    mark = letter.get("MessageAttributes", {}).get(REDRIVEN)
    kept = mark["StringValue"] if mark else ""
    if kept.isdigit():  # an older command wrote the message's id
        return kept
    attributes = letter["Attributes"]
    return str(min(int(attributes["SentTimestamp"]), int(attributes["ApproximateFirstReceiveTimestamp"])))


def _letter(message: MessageTypeDef) -> Letter:
    attributes = message["Attributes"]
    return Letter(
        message["MessageId"],
        message["Body"],
        int(attributes["SentTimestamp"]),
        int(attributes["ApproximateReceiveCount"]),
    )

"""A stand-in for a queue of SQS's and for the mapping that reads it: it takes no time, and is never unfair."""

from __future__ import annotations

import heapq
import uuid
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tarry.errors import TarryError

if TYPE_CHECKING:
    from tarry_backend.deploy.topology import Queue

__all__ = ["Mapping", "Message"]


@dataclass(slots=True)
class Message:
    """A message; ``sent`` is in Unix milliseconds, ``group`` that of a FIFO queue."""

    body: str
    sent: int
    group: str | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    receives: int = 0
    first_received: int = 0

    def record(self) -> dict[str, Any]:
        """As Lambda hands it to a function."""
        attributes = {
            "ApproximateReceiveCount": str(self.receives),
            "SentTimestamp": str(self.sent),
            "ApproximateFirstReceiveTimestamp": str(self.first_received),
        }
        return {
            "messageId": self.id,
            "receiptHandle": self.id,
            "body": self.body,
            "attributes": attributes if self.group is None else attributes | {"MessageGroupId": self.group},
            "messageAttributes": {},
            "eventSource": "aws:sqs",
        }


class Mapping:
    """Times are Unix milliseconds. Of a FIFO queue a group is in one batch at a time, its messages in their order, and
    what is sent again is dropped. What a batch leaves comes again at once: SQS would make it wait."""

    def __init__(self, spec: Queue) -> None:
        self._spec = spec
        self._ready: deque[Message] = deque()
        self._delayed: list[tuple[int, int, Message]] = []
        self._busy: set[str] = set()
        self._seen: set[tuple[str, str]] = set()
        self._count = 0
        self._in_flight = 0

    @property
    def is_empty(self) -> bool:
        """Whether no message is there, be it waiting, delayed or in work."""
        return not (self._ready or self._delayed or self._in_flight)

    @property
    def next_moment(self) -> int | None:
        """When the next delayed message is due."""
        return self._delayed[0][0] if self._delayed else None

    def send(self, moment: int, entry: dict[str, Any]) -> None:
        """Takes in a message, as ``SendMessageBatch`` names its fields."""
        group = entry.get("MessageGroupId") if self._spec.fifo else None
        if group is not None:
            if (group, entry["MessageDeduplicationId"]) in self._seen:
                return
            self._seen.add((group, entry["MessageDeduplicationId"]))
        message = Message(entry["MessageBody"], moment, group)
        if delay := entry.get("DelaySeconds", 0):
            self._count += 1
            heapq.heappush(self._delayed, (moment + 1000 * delay, self._count, message))
        else:
            self._ready.append(message)

    def oldest(self, moment: int) -> int | None:
        """When the first message was sent that a batch would have; None if there is none now."""
        while self._delayed and self._delayed[0][0] <= moment:
            self._ready.append(heapq.heappop(self._delayed)[2])
        return next((each.sent for each in self._ready if each.group not in self._busy), None)

    def take(self, moment: int) -> list[Message]:
        """A batch. A message that would be a dead letter is an error."""
        batch: list[Message] = []
        passed: list[Message] = []
        while self._ready and len(batch) < self._spec.batch_size:
            message = self._ready.popleft()
            (passed if message.group in self._busy else batch).append(message)
        self._ready.extendleft(reversed(passed))
        self._busy.update(message.group for message in batch if message.group is not None)
        for message in batch:
            message.receives += 1
            if message.receives > self._spec.max_receives:
                raise TarryError(f"a message failed again and again: {message.body[:500]}")
            message.first_received = message.first_received or moment
        self._in_flight += len(batch)
        return batch

    def finish(self, batch: Sequence[Message], failed: Collection[str]) -> None:
        """Deletes the batch's messages, but for those that failed."""
        self._in_flight -= len(batch)
        self._busy.difference_update(message.group for message in batch if message.group is not None)
        self._ready.extendleft(message for message in reversed(batch) if message.id in failed)

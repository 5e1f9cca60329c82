"""The mirror of an embedded account on disk: each change of table, queues and bucket is there before its answer.

moto's parts note what a call changes. When the call ends, and before its caller has the answer, the new state of all
of that is committed at once::

    Lambda      call ──────────────────────────────────> answer, next call
    moto             changes, noted ──┐                ↑
    disk                              └─ commit ───────┘
                 ↑ killed here: nothing of the call    ↑ killed here: all of the call

So a ``kill -9`` is to a run what the death of its Lambda is.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import RLock
from typing import TYPE_CHECKING, Any

from moto.core.utils import unix_time_millis
from moto.sqs.models import Message

from tarry_dev.cloud.disk import Disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from moto.dynamodb.models.dynamo_type import DynamoType, Item
    from moto.s3.models import S3Backend
    from moto.sqs.models import Queue

    from tarry_dev.cloud.moto_queue import FaithfulQueue
    from tarry_dev.cloud.moto_tables import FaithfulTable

__all__ = ["Mirror"]

_KEPT = (
    "body",
    "message_attributes",
    "system_attributes",
    "sent_timestamp",
    "approximate_first_receive_timestamp",
    "approximate_receive_count",
    "deduplication_id",
    "group_id",
    "sequence_number",
    "delayed_until",
)
"""The fields of a message that are kept. That it is in flight is not: its Lambda is dead when it is loaded."""


@dataclass(frozen=True, slots=True)
class _Stored:
    """A message, the queue in which it is, and the receipts that were given for it there."""

    queue: FaithfulQueue
    message: Message
    receipts: list[str] = field(default_factory=list)

    def row(self) -> tuple[str, dict[str, Any], tuple[Any, Any, float] | None]:
        """What the disk keeps: the queue's name, the message's fields, and until when its deduplication id counts."""
        message = self.message
        fields = {name: getattr(message, name) for name in _KEPT}
        by_group = self.queue.fifo_queue and self.queue.deduplication_scope == "messageGroup"  # type: ignore[attr-defined]
        scope = message.group_id if by_group else None
        until = self.queue._seen_until.get((scope, message.deduplication_id))
        return self.queue.name, fields, None if until is None else (scope, message.deduplication_id, until)


class Mirror:
    """Keeps an account in a file: ``load`` reads it; moto's parts note what changes, and ``commit`` writes that."""

    def __init__(self, file: Path) -> None:
        self.disk = Disk(file)
        self._table: FaithfulTable
        self._queues: dict[str, FaithfulQueue] = {}
        self._backend: S3Backend
        self._bucket = ""
        self._alone = RLock()
        self._items: dict[str, tuple[DynamoType, DynamoType | None]] = {}
        self._messages: dict[str, _Stored | None] = {}
        self._objects: set[str] = set()
        self._stored: dict[str, _Stored] = {}
        self._receipts: dict[str, str] = {}

    def close(self) -> None:
        """Commit what is open, and close the file."""
        self.commit()
        self.disk.close()

    def calls(self, around: Callable[[], AbstractContextManager[None]]) -> Callable[[], AbstractContextManager[None]]:
        """Return a context within which an AWS call is carried out; at its end all that it changed is on disk."""

        @contextmanager
        def call() -> Iterator[None]:
            with around():
                try:
                    yield
                finally:
                    self.commit()

        return call

    def load(self, table: FaithfulTable, queues: Iterable[FaithfulQueue], backend: S3Backend, bucket: str) -> None:
        """Load the file into an empty account."""
        self._table, self._backend, self._bucket = table, backend, bucket
        self._queues = {queue.name: queue for queue in queues}
        self._load_table_and_bucket()
        self._load_queues()
        for queue in self._queues.values():
            self._watch(queue)

    def note_item(self, hash_key: DynamoType, range_key: DynamoType | None) -> None:
        """An item may have changed."""
        key = json.dumps([_plain(each) for each in (hash_key, range_key) if each is not None])
        with self._alone:
            self._items[key] = hash_key, range_key

    def note_received(self, messages: Iterable[Message]) -> None:
        """These messages were received: they have a new receipt, and one receive more."""
        with self._alone:
            for message in messages:
                if (stored := self._stored.get(message.id)) is not None and message.receipt_handle is not None:
                    self._receipts[message.receipt_handle] = message.id
                    stored.receipts.append(message.receipt_handle)
                    self._messages[message.id] = stored

    def note_deleted(self, queue: Queue, receipt: str) -> None:
        """The message with this receipt was deleted from the queue, if it was in it."""
        with self._alone:
            stored = self._stored.get(self._receipts.get(receipt, ""))
            if stored is None or stored.queue is not queue:
                return
            # Whether an earlier receipt still deletes is the queue's to decide.
            is_last = stored.receipts[-1:] == [receipt]
            if is_last or all(each is not stored.message for each in stored.queue.contents):
                self._forget(stored)

    def note_purged(self, queue: Queue) -> None:
        """All messages of the queue were deleted."""
        with self._alone:
            for stored in [each for each in self._stored.values() if each.queue is queue]:
                self._forget(stored)

    def _forget(self, stored: _Stored) -> None:
        for receipt in stored.receipts:
            self._receipts.pop(receipt, None)
        del self._stored[stored.message.id]
        self._messages[stored.message.id] = None

    def note_object(self, bucket: str, key: str) -> None:
        """An object may have changed."""
        if bucket == self._bucket:
            with self._alone:
                self._objects.add(key)

    def commit(self) -> None:
        """Write what was noted, in one transaction. What cannot be written stays noted."""
        with self._alone:
            if not (self._items or self._messages or self._objects):
                return
            self.disk.commit(
                {key: self._attributes(*keys) for key, keys in self._items.items()},
                {message_id: noted and noted.row() for message_id, noted in self._messages.items()},
                {key: self._body(key) for key in self._objects},
            )
            self._items, self._messages, self._objects = {}, {}, set()

    def _attributes(self, hash_key: DynamoType, range_key: DynamoType | None) -> dict[str, Any] | None:
        # Not moto's ``get_item``: that makes a copy.
        item: Item | None = self._table.items.get(hash_key, {}).get(range_key)
        return None if item is None else {name: _plain(value) for name, value in item.attrs.items()}

    def _body(self, key: str) -> bytes | None:
        found = self._backend.buckets[self._bucket].keys.get(key)
        return None if found is None else found.value

    def _load_table_and_bucket(self) -> None:
        for attributes in self.disk.items():
            self._table.put_item(attributes)
        expired = self._table.expired()
        self._table.expire(expired)
        for item in expired:
            self.note_item(item.hash_key, item.range_key)
        for key, body in self.disk.objects():
            self._backend.put_object(self._bucket, key, body)

    def _load_queues(self) -> None:
        loaded: dict[str, list[Message]] = {name: [] for name in self._queues}
        for queue_name, message_id, fields in self.disk.messages():
            queue, message = self._queues[queue_name], _message(message_id, fields)
            queue.restore(message)
            loaded[queue_name].append(message)
        for name, queue in self._queues.items():
            self._forget_old(queue, loaded[name])
            queue._seen_until.update(self.disk.seen(name, unix_time_millis()))

    def _forget_old(self, queue: FaithfulQueue, loaded: Iterable[Message]) -> None:
        """Forget what is past its retention: ``contents`` leaves it out."""
        kept = {message.id for message in queue.contents}
        for message in loaded:
            if message.id in kept:
                self._stored[message.id] = _Stored(queue, message)
            else:
                self._messages[message.id] = None

    def _watch(self, queue: FaithfulQueue) -> None:
        taken_in = queue._on_message

        def take_in(message: Message) -> None:
            taken_in(message)
            with self._alone:
                self._stored[message.id] = self._messages[message.id] = _Stored(queue, message)

        queue._on_message = take_in


def _plain(value: DynamoType) -> dict[str, Any]:
    content = value.value
    if value.is_map():
        content = {name: _plain(each) for name, each in content.items()}
    elif value.is_list():
        content = [_plain(each) for each in content]
    return {value.type: content}


def _message(message_id: str, fields: dict[str, Any]) -> Message:
    message = Message(message_id, fields["body"])
    for name, value in fields.items():
        setattr(message, name, value)
    return message

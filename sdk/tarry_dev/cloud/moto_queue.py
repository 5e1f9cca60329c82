"""moto's queue, mended where it does otherwise than AWS, or takes too long, and it matters here.

It takes the place of moto's own by ``become``.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import cache
from itertools import takewhile
from time import time_ns
from typing import Any
from uuid import uuid4

from moto.core.utils import camelcase_to_underscores
from moto.sqs import models as sqs_models
from moto.sqs.exceptions import SQSException
from moto.sqs.models import DEDUPLICATION_TIME_IN_SECONDS, Message, Queue

from tarry_dev.cloud.message_order import MessageOrder

__all__ = ["FaithfulQueue"]


def _now() -> float:
    """The present moment in Unix milliseconds. moto makes two dates, and takes one from the other."""
    return time_ns() / 1_000_000


# moto turns the names of a queue's attributes into its own, letter by letter, for each message that is sent.
sqs_models.camelcase_to_underscores = cache(camelcase_to_underscores)  # type: ignore[attr-defined]
sqs_models.unix_time_millis = _now  # type: ignore[assignment, attr-defined]


class FaithfulQueue(Queue):
    """A queue of moto's.

    - SQS keeps a deduplication id for five minutes, also when its message has been deleted; moto forgets it
      then.
    - A group's failed messages come back in their order; in moto the second comes before the first.
    - SQS removes a message that is past its retention; moto stops before it for ever.
    - moto looks at each message that it holds whenever it is asked anything: a queue of 1,000 messages takes half a
      minute. A ``MessageOrder`` knows the answers.
    - moto deletes by putting a new list in place of the old, so a message that another thread adds can be
      lost.
    """

    _order: MessageOrder
    _seen_until: dict[tuple[str | None, str | None], float]
    _on_message: Callable[[Message], None]
    _is_sending: bool

    @classmethod
    def become(cls, queue: Queue, on_message: Callable[[Message], None]) -> FaithfulQueue:
        """Mends a queue in its place. ``on_message`` is called with each message that it has taken in."""
        queue.__class__ = cls
        assert isinstance(queue, FaithfulQueue)
        queue._seen_until, queue._is_sending = {}, False
        queue._on_message = on_message
        queue._messages = vars(queue).pop("_messages")
        return queue

    @property
    def attributes(self) -> dict[str, Any]:
        """All attributes. To send a message moto asks for them four times, and looks at one."""
        if self._is_sending:
            return {"ContentBasedDeduplication": str(vars(self).get("content_based_deduplication", False)).lower()}
        return super().attributes

    @property
    def contents(self) -> list[Message]:
        """All that is in the queue, waiting, delayed or in flight, in the order of arrival."""
        with self._messages_lock:
            self._forget_old()
            return list(self._order)

    @property
    def next_delivery(self) -> float | None:
        """From when on, in Unix milliseconds, a message can be received; maybe past. None if there is none."""
        with self._messages_lock:
            self._forget_old()
            return self._order.next_moment

    @property
    def _messages(self) -> list[Message]:
        """As moto has it, for what it does seldom."""
        return list(self._order)

    @_messages.setter
    def _messages(self, messages: list[Message]) -> None:
        """Takes these in place of all others, as a purge does."""
        self._order = MessageOrder(self.fifo_queue)
        for message in messages:
            self._order.add(message)

    @property
    def messages(self) -> list[Message]:
        now = _now()
        return [message for message in self.contents if message.visible_at < now and message.delayed_until <= now]

    @property
    def approximate_number_of_messages(self) -> int:
        with self._messages_lock:
            away = self.approximate_number_of_messages_delayed + self.approximate_number_of_messages_not_visible
            return len(self._order) - away

    @property
    def approximate_number_of_messages_delayed(self) -> int:
        with self._messages_lock:
            return self._order.count_delayed(_now())

    @property
    def approximate_number_of_messages_not_visible(self) -> int:
        with self._messages_lock:
            return self._order.count_in_flight(_now())

    def add_message(self, message: Message) -> None:
        with self._messages_lock:
            # What comes from another queue, as a dead letter does, is not sent, and so not sent twice.
            if self.fifo_queue and not message.approximate_receive_count and self._is_repeated(message):
                return
            self._order.add(message)
        self._on_message(message)
        with self._messages_lock:
            self._order.changed(message)
            self._messages_lock.notify_all()

    def restore(self, message: Message) -> None:
        """Put a message back as it was in an earlier process: it is neither new nor checked for repetition."""
        with self._messages_lock:
            self._order.add(message)

    def take(self, most: int, seconds: int) -> list[Message]:
        """Receive up to ``most`` messages: from now on they are in flight for ``seconds``.

        What has been received too often goes to the dead-letter queue.
        """
        taken: list[Message] = []
        letters: list[Message] = []
        with self._messages_lock:
            self._forget_old()
            for message in self._order.candidates(_now()):
                if self._is_dead(message):
                    letters.append(message)
                    continue
                taken.append(message)
                if len(taken) >= most:
                    break
            for message in taken:
                self._mark_received(message, seconds)
            for message in letters:
                self._order.remove(message)
        for message in letters:
            assert self.dead_letter_queue is not None
            self.dead_letter_queue.add_message(message)
        return [copy(message) for message in taken]

    def wait_for_messages(self, timeout: int) -> None:
        with self._messages_lock:
            self._messages_lock.wait_for(lambda: self._order.has_ready(_now()), timeout=timeout)

    def change_visibility(self, receipt: str, seconds: int) -> bool:
        """Let a message be visible in ``seconds``. Return whether the queue has one with this receipt."""
        with self._messages_lock:
            if (message := self._order.by_receipt(receipt)) is None:
                return False
            if message.visible:
                raise _NotInFlightError
            message.change_visibility(seconds)
            self._order.changed(message)
            self._messages_lock.notify_all()
        return True

    def duplicate(self, receipt: str, delay: int, *, forget: bool) -> None:
        """Put a second copy of a message in flight into the queue, to be received in ``delay`` milliseconds.

        SQS keeps a message on several servers, and one of them may hand it out again. ``forget``: that server does not
        know of the other receives.
        """
        with self._messages_lock:
            message = self._order.by_receipt(receipt)
            assert message is not None
            second = copy(message)
            second.receipt_handle = None
            second.visible_at, second.delayed_until = 0, _now() + delay
            if forget:
                second.approximate_receive_count = 0
            self._order.add(second)

    def delete_message(self, receipt_handle: str) -> None:
        with self._messages_lock:
            if (message := self._order.by_receipt(receipt_handle)) is not None:
                self._order.remove(message)

    def _is_dead(self, message: Message) -> bool:
        policy = self.redrive_policy
        if not policy or self.dead_letter_queue is None:
            return False
        return message.approximate_receive_count >= int(policy["maxReceiveCount"])

    def _mark_received(self, message: Message, seconds: int) -> None:
        """As moto's ``mark_received`` does. moto draws the receipt's letters one by one, most of a receive's time."""
        now = _now()
        message.approximate_first_receive_timestamp = message.approximate_first_receive_timestamp or int(now)
        message.approximate_receive_count += 1
        if seconds:
            message.change_visibility(seconds)
        message.receipt_handle = uuid4().hex + uuid4().hex
        self._order.give(message, message.receipt_handle)
        self._order.changed(message)

    def _forget_old(self) -> None:
        retention: int = self.message_retention_period  # type: ignore[attr-defined]
        for message in self._order.sent_by(_now() - retention * 1000):
            self._order.remove(message)

    def _is_repeated(self, message: Message) -> bool:
        """Whether its deduplication id was seen within the last five minutes; if not, it is from now on."""
        now = _now()
        # Each is kept equally long, so the first ones to forget come first.
        for seen in list(takewhile(lambda each: self._seen_until[each] <= now, self._seen_until)):
            del self._seen_until[seen]
        scope = message.group_id if self.deduplication_scope == "messageGroup" else None  # type: ignore[attr-defined]
        identity = scope, message.deduplication_id
        if identity in self._seen_until:
            return True
        self._seen_until[identity] = now + DEDUPLICATION_TIME_IN_SECONDS * 1000
        return False


class _NotInFlightError(SQSException):
    def __init__(self) -> None:
        super().__init__("MessageNotInflight", "The message referred to is not in flight.")

"""moto's queue and rule, mended where they do otherwise than AWS, or take too long, and it matters here.

They take the place of moto's own by ``become``.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from moto.core.utils import camelcase_to_underscores, unix_time_millis
from moto.events.models import Rule
from moto.sqs import models as sqs_models
from moto.sqs.exceptions import ReceiptHandleIsInvalid, SQSException
from moto.sqs.models import DEDUPLICATION_TIME_IN_SECONDS, Message, Queue, SQSBackend

if TYPE_CHECKING:
    from moto.events.utils import EventMessageType

__all__ = ["FaithfulQueue", "FaithfulRule", "FaithfulSqs"]


# moto turns the names of a queue's attributes into its own, letter by letter, for each message that is sent.
sqs_models.camelcase_to_underscores = cache(camelcase_to_underscores)  # type: ignore[attr-defined]


class FaithfulQueue(Queue):
    """A queue of moto's.

    - SQS keeps a deduplication id for five minutes, also when its message has been deleted; moto forgets it
      then.
    - A group's failed messages come back in their order; in moto the second comes before the first.
    - SQS removes a message that is past its retention; moto stops before it for ever.
    - moto asks the clock twice for each message that it holds whenever it is asked anything: 1,000 messages take half
      a minute.
    - moto deletes by putting a new list in place of the old, so a message that another thread adds can be
      lost.
    """

    _seen_until: dict[tuple[str | None, str | None], float]
    _on_message: Callable[[Message], None]

    @classmethod
    def become(cls, queue: Queue, on_message: Callable[[Message], None]) -> FaithfulQueue:
        """Mends a queue in its place. ``on_message`` is called with each message that it has taken in."""
        queue.__class__ = cls
        assert isinstance(queue, FaithfulQueue)
        queue._seen_until = {}
        queue._on_message = on_message
        return queue

    @property
    def contents(self) -> list[Message]:
        """All that is in the queue, waiting, delayed or in flight, in the order of arrival."""
        retention: int = self.message_retention_period  # type: ignore[attr-defined]
        oldest = unix_time_millis() - retention * 1000
        with self._messages_lock:
            self._messages[:] = [message for message in self._messages if _sent_at(message) > oldest]
            return list(self._messages)

    @property
    def next_delivery(self) -> float | None:
        """From when on, in Unix milliseconds, a message can be received; maybe past. None if there is none."""
        moments: dict[str, float] = {}
        for message in self.contents:
            moment = max(message.visible_at + 1, message.delayed_until)
            # A message in flight keeps back its whole group.
            group = f"group {message.group_id}" if self.fifo_queue else f"message {id(message)}"
            moments[group] = max(moment, moments.get(group, moment))
        return min(moments.values(), default=None)

    @property
    def messages(self) -> list[Message]:
        now = unix_time_millis()
        return [message for message in self.contents if message.visible_at < now and message.delayed_until <= now]

    @property
    def approximate_number_of_messages_delayed(self) -> int:
        now = unix_time_millis()
        return sum(message.delayed_until > now for message in self._messages)

    @property
    def approximate_number_of_messages_not_visible(self) -> int:
        now = unix_time_millis()
        return sum(message.visible_at >= now for message in self._messages)

    @property
    def pending_message_groups(self) -> set[str]:
        self._pending_messages = {message for message in self._pending_messages if not message.visible}
        return super().pending_message_groups

    def add_message(self, message: Message) -> None:
        with self._messages_lock:
            # What comes from another queue, as a dead letter does, is not sent, and so not sent twice.
            if self.fifo_queue and not message.approximate_receive_count and self._is_repeated(message):
                return
            self._messages.append(message)
            self._messages_lock.notify_all()
        self._on_message(message)

    def duplicate(self, receipt: str, delay: int, *, forget: bool) -> None:
        """Put a second copy of a message in flight into the queue, to be received in ``delay`` milliseconds.

        SQS keeps a message on several servers, and one of them may hand it out again. ``forget``: that server does not
        know of the other receives.
        """
        with self._messages_lock:
            message = next(each for each in self._messages if each.had_receipt_handle(receipt))
            second = copy(message)
            second.receipt_handle, second._old_receipt_handles = None, []
            second.visible_at, second.delayed_until = 0, unix_time_millis() + delay
            if forget:
                second.approximate_receive_count = 0
            self._messages.append(second)

    def delete_message(self, receipt_handle: str) -> None:
        with self._messages_lock:
            for place, message in enumerate(self._messages):
                if message.had_receipt_handle(receipt_handle):
                    del self._messages[place]
                    self._pending_messages.discard(message)
                    return

    def _is_repeated(self, message: Message) -> bool:
        """Whether its deduplication id was seen within the last five minutes; if not, it is from now on."""
        now = unix_time_millis()
        self._seen_until = {seen: until for seen, until in self._seen_until.items() if until > now}
        scope = message.group_id if self.deduplication_scope == "messageGroup" else None  # type: ignore[attr-defined]
        identity = scope, message.deduplication_id
        if identity in self._seen_until:
            return True
        self._seen_until[identity] = now + DEDUPLICATION_TIME_IN_SECONDS * 1000
        return False


def _sent_at(message: Message) -> int:
    sent: int = message.sent_timestamp  # type: ignore[assignment]
    return sent


class FaithfulSqs(SQSBackend):
    """moto's SQS.

    - For each message received, moto reckons out all attributes of its queue, three times, to see whether the message
      has outlived its time. The queues themselves see to that.
    - SQS refuses to change the visibility of a message that is visible. moto changes it, and refuses what would be
      invisible twelve hours after its sending; SQS counts from its reception.
    """

    __module__ = SQSBackend.__module__  # by which moto finds the service's addresses

    @classmethod
    def become(cls, sqs: SQSBackend) -> None:
        """Mends SQS in its place."""
        sqs.__class__ = cls

    def is_message_valid_based_on_retention_period(self, queue_name: str, message: Message) -> bool:
        return True

    def change_message_visibility(self, queue_name: str, receipt_handle: str, visibility_timeout: int) -> None:
        """As SQS does it: to a message that is in flight, and to no other."""
        queue = self.get_queue(queue_name)
        message = next((each for each in queue._messages if each.had_receipt_handle(receipt_handle)), None)
        if message is None:
            raise ReceiptHandleIsInvalid
        if message.visible:
            raise _NotInFlightError
        message.change_visibility(visibility_timeout)
        if visibility_timeout == 0:
            queue.pending_messages.discard(message)


class _NotInFlightError(SQSException):
    def __init__(self) -> None:
        super().__init__("MessageNotInflight", "The message referred to is not in flight.")


class FaithfulRule(Rule):
    """A rule of moto's. moto writes the event by putting texts into a template, and so breaks one whose name
    has a quotation mark, or whose data has ``<id>`` in it; it leaves the account out, and takes its time."""

    _on_event: Callable[[dict[str, Any]], None] | None

    @classmethod
    def become(cls, rule: Rule, on_event: Callable[[dict[str, Any]], None] | None = None) -> None:
        """Mends a rule in its place. ``on_event`` is told of each event that comes over its bus."""
        rule.__class__ = cls
        assert isinstance(rule, FaithfulRule)
        rule._on_event = on_event

    def send_to_targets(self, original_event: EventMessageType, transform_input: bool = True) -> None:
        event: Any = {key: value for key, value in original_event.items() if key != "ingestion-time"}
        if self._on_event is not None:
            moment = datetime.fromtimestamp(float(event["time"]), UTC)  # moto makes it a text only for a queue
            self._on_event({**event, "time": f"{moment:%Y-%m-%dT%H:%M:%SZ}"})
        super().send_to_targets(event, transform_input=False)

"""moto's SQS, mended where it does otherwise than AWS, or takes too long, and it matters here.

It takes the place of moto's own by ``become``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Any

from moto.sqs.constants import MAXIMUM_MESSAGE_LENGTH
from moto.sqs.exceptions import BatchRequestTooLong, InvalidParameterValue, ReceiptHandleIsInvalid
from moto.sqs.models import Message, Queue, SQSBackend

from tarry_dev.cloud.moto_queue import FaithfulQueue

__all__ = ["FaithfulSqs"]


class FaithfulSqs(SQSBackend):
    """moto's SQS.

    - moto looks at all messages of a queue for each one that it hands out, or whose visibility changes. The queues
      themselves know better.
    - SQS refuses to change the visibility of a message that is visible. moto changes it, and refuses what would be
      invisible twelve hours after its sending; SQS counts from its reception.
    - SQS counts the bytes of a body, moto its characters.
    """

    __module__ = SQSBackend.__module__  # by which moto finds the service's addresses

    @classmethod
    def become(cls, sqs: SQSBackend) -> None:
        """Mends SQS in its place."""
        sqs.__class__ = cls

    def receive_message(
        self,
        queue_name: str,
        count: int,
        wait_seconds_timeout: int,
        visibility_timeout: int,
        message_attribute_names: list[str] | None = None,
    ) -> list[Message]:
        queue = self.get_queue(queue_name)
        if not isinstance(queue, FaithfulQueue):
            names = message_attribute_names
            return super().receive_message(queue_name, count, wait_seconds_timeout, visibility_timeout, names)
        end = monotonic() + wait_seconds_timeout
        while not (taken := queue.take(count, int(visibility_timeout or 0))) and monotonic() < end:
            queue.wait_for_messages(1)
        for message in taken:
            message.message_attributes = _chosen(message.message_attributes, message_attribute_names or ())
        return taken

    def send_message(self, queue_name: str, *args: Any, **kwargs: Any) -> Message:
        with self._sending(queue_name):
            return super().send_message(queue_name, *args, **kwargs)

    def send_message_batch(self, queue_name: str, entries: dict[str, dict[str, Any]]) -> tuple[list[Message], Any]:
        if (size := sum(_size(entry["MessageBody"]) for entry in entries.values())) > MAXIMUM_MESSAGE_LENGTH:
            raise BatchRequestTooLong(size)
        with self._sending(queue_name):
            return super().send_message_batch(queue_name, entries)

    def _validate_message(self, queue: Queue, message_body: str, *args: Any, **kwargs: Any) -> None:
        if _size(message_body) > queue.maximum_message_size:  # type: ignore[attr-defined]
            most = queue.maximum_message_size  # type: ignore[attr-defined]
            reason = f"Message must be shorter than {most} bytes"
            raise InvalidParameterValue(f"One or more parameters are invalid. Reason: {reason}.")
        super()._validate_message(queue, message_body, *args, **kwargs)

    @contextmanager
    def _sending(self, queue_name: str) -> Iterator[None]:
        queue = self.get_queue(queue_name)
        before, vars(queue)["_is_sending"] = vars(queue).get("_is_sending"), True
        try:
            yield
        finally:
            vars(queue)["_is_sending"] = before

    def change_message_visibility(self, queue_name: str, receipt_handle: str, visibility_timeout: int) -> None:
        queue = self.get_queue(queue_name)
        if not isinstance(queue, FaithfulQueue):
            super().change_message_visibility(queue_name, receipt_handle, visibility_timeout)
        elif not queue.change_visibility(receipt_handle, int(visibility_timeout)):
            raise ReceiptHandleIsInvalid

    def is_message_valid_based_on_retention_period(self, queue_name: str, message: Message) -> bool:
        return True


def _size(body: str) -> int:
    return len(body) if body.isascii() else len(body.encode())


def _chosen(attributes: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """A message's attributes of these names; a name may be ``All``, or end with ``.*``."""
    if "All" in names:
        return dict(attributes)
    prefixes = tuple(name[:-2] for name in names if name.endswith(".*"))
    return {name: value for name, value in attributes.items() if name in names or name.startswith(prefixes)}

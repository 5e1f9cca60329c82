"""Handlers and senders for the tests of the embedded cloud."""

from collections.abc import Callable
from typing import Any

from tarry_dev.cloud import Cloud

__all__ = ["Recorder", "refuse", "send_run", "send_timer"]

Record = dict[str, Any]


class Recorder:
    """A handler that keeps what it is given. ``answer`` is what it then returns, or raises."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.contexts: list[Any] = []
        self.answer: Callable[[list[Record]], Any] = lambda records: None

    def __call__(self, event: dict[str, Any], context: Any) -> Any:
        self.events.append(event)
        self.contexts.append(context)
        return self.answer(event.get("Records", []))

    @property
    def records(self) -> list[Record]:
        return [record for event in self.events for record in event["Records"]]

    @property
    def batches(self) -> list[list[str]]:
        """The bodies, batch by batch."""
        return [[record["body"] for record in event["Records"]] for event in self.events]

    @property
    def bodies(self) -> list[str]:
        return [record["body"] for record in self.records]


def refuse(*bodies: str) -> Callable[[list[Record]], Any]:
    """The partial batch response that leaves the messages with these bodies in their queue."""

    def answer(records: list[Record]) -> dict[str, list[dict[str, str]]]:
        failed = [record["messageId"] for record in records if record["body"] in bodies]
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    return answer


def send_timer(cloud: Cloud, body: str, delay: int = 0) -> None:
    cloud.clients.sqs.send_message(QueueUrl=cloud.queues["timers"].url, MessageBody=body, DelaySeconds=delay)


def send_run(cloud: Cloud, group: str, body: str, identity: str | None = None) -> None:
    cloud.clients.sqs.send_message(
        QueueUrl=cloud.queues["runs"].url,
        MessageBody=body,
        MessageGroupId=group,
        MessageDeduplicationId=identity or f"{group}-{body}",
    )

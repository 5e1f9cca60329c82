"""Entry point of the executor: a message of the runs queue."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tarry_backend.clock import now
from tarry_backend.executor.message_delivery import MessageDelivery, invocation_room
from tarry_backend.queues.sender import REDRIVEN
from tarry_backend.runtime import prepare, runtime
from tarry_backend.telemetry import logged, logger, meter, published

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tarry_backend.log_lines import LambdaContext
    from tarry_backend.queues.sender import Queues

    SQSRecord = Mapping[str, Any]

_HELD_BACK = 20_000
"""How many milliseconds after its first reception a message still counts as fresh.

The stack gives a message a minute more of invisibility than its executor has time (``tarry_infra.queues``).
"""

_AFTERWARDS = 10
"""How many seconds after the end of its invocation's time a held message is visible again."""


@logged
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Continue a run.

    The mapping gives one message to an invocation (see ``topology.RUNS``). If it gives several, the executor handles
    them in order. SQS delivers a failed message again, with all messages after it, which may be of the same run.
    """
    with published():
        executor, queues = runtime().executor, runtime().queues
        room = invocation_room(context.get_remaining_time_in_millis)
        records: list[SQSRecord] = event["Records"]
        failed: list[SQSRecord] = []
        for place, record in enumerate(records):
            try:
                _hold(record, queues, context)
                left = context.get_remaining_time_in_millis()
                executor.handle(record["body"], replace(_delivery(record, *room), time_left=left))
            except Exception:
                logger.exception("message %s failed; SQS delivers it again", record["messageId"])
                failed = records[place:]
                break
        queues.retry_soon(failed)
        meter.count("Records", len(records))
        meter.count("FailedRecords", len(failed))
        return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in failed]}


def _hold(record: SQSRecord, queues: Queues, context: LambdaContext) -> None:
    """Hide a message that is not fresh for as long as this invocation may last, and ten seconds more.

    A fresh message costs no request. A message that was held back, since Lambda had no room to run, might become
    visible again while this executor works on it:

        queue       received ─────── visibility timeout ────────┤ visible, to a second executor
        poller           └─ no room ─ no room ─┐
        executor                               └── handle ──────────┤
        with hold                              └ hold ──────────────┤·· visible

    A message of a further delivery may have killed its executor. If it kills this one, it is visible as soon as this
    one's time is over, and not after the visibility timeout, which is six times as long.
    """
    if _receives(record) > 1 or now() - _first_delivered(record) > _HELD_BACK:
        queues.hold(record, context.get_remaining_time_in_millis() // 1000 + _AFTERWARDS)


def _receives(record: SQSRecord) -> int:
    return int(record["attributes"].get("ApproximateReceiveCount") or 1)


def _first_delivered(record: SQSRecord) -> int:
    return int(record["attributes"].get("ApproximateFirstReceiveTimestamp", 0))


def _delivery(
    record: SQSRecord,
    out_of_time: Callable[[], bool],
    has_room: Callable[[int], bool],
    room: Callable[[], tuple[int, int]],
) -> MessageDelivery:
    first = _first_received(record)
    return MessageDelivery(record["messageId"], _again(record), out_of_time, first, now(), has_room, room)


def _again(record: SQSRecord) -> bool:
    """Return whether the queue delivered the message before: its work may be done, or half done."""
    return _receives(record) > 1 or _is_redriven(record)


def _first_received(record: SQSRecord) -> int:
    """Return when an executor first had the message, or an earlier moment. Unix milliseconds, by the queue's clock.

    A FIFO queue gives a message a new time when it becomes a dead letter. So of a redriven message the executor knows
    only that a queue delivered it at some time before.
    """
    return 0 if _is_redriven(record) else _first_delivered(record)


def _is_redriven(record: SQSRecord) -> bool:
    return REDRIVEN in record.get("messageAttributes", {})


prepare("executor")

"""Entry point: a batch of the runs queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.data_classes import SQSEvent

from tarry_backend.executor.executor import MessageDelivery
from tarry_backend.executor.record_groups import process
from tarry_backend.queues.sender import REDRIVEN
from tarry_backend.runtime import runtime
from tarry_backend.telemetry import logger, meter, published

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

_RESERVE = 60_000


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Lets runs go on."""
    with published():
        executor, queues = runtime().executor, runtime().queues
        out_of_time = _nears_end(context)

        def handle(record: SQSRecord) -> None:
            executor.handle(record.body, MessageDelivery(record.message_id, _again(record), out_of_time))

        failed = process(SQSEvent(event).records, handle, again=_again)
        queues.retry_soon(record for record in event["Records"] if record["messageId"] in failed)
        meter.count("Records", len(event["Records"]))
        meter.count("FailedRecords", len(failed))
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _again(record: SQSRecord) -> bool:
    """Whether the message has come before: then all that it asks for may have been done, or be half done."""
    return int(record.attributes.approximate_receive_count or 1) > 1 or REDRIVEN in record.message_attributes


def _nears_end(context: LambdaContext) -> Callable[[], bool]:
    """Whether to begin no more steps: in the last fifth of the invocation, or minute if that is shorter."""
    reserve = min(_RESERVE, context.get_remaining_time_in_millis() // 5)
    return lambda: context.get_remaining_time_in_millis() < reserve

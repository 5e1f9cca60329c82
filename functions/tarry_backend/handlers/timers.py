"""Entry point of the timers: a batch of the timers queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from tarry_backend.runtime import runtime
from tarry_backend.telemetry import logger, meter, published, records_logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

_processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False, logger=records_logger)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Handle a batch of timers and settles."""
    with published():
        timers = runtime().timers

        def process(record: SQSRecord) -> None:
            timers.handle(record.body)

        response = process_partial_response(event, process, _processor, context)
        meter.count("Records", len(event["Records"]))
        meter.count("FailedRecords", len(response["batchItemFailures"]))
        return response

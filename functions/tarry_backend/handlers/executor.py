"""Entry point: a batch of the runs queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.batch import SqsFifoPartialProcessor, process_partial_response

from tarry_backend.executor import Delivery
from tarry_backend.runtime import runtime
from tarry_backend.telemetry import count, logger, published, records_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

# A run's message that fails holds back the run's later ones; the other runs go on.
_processor = SqsFifoPartialProcessor(skip_group_on_error=True, logger=records_logger)
_processor.raise_on_entire_batch_failure = False

_RESERVE = 60_000


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Lets runs go on."""
    with published():
        executor, queues = runtime().executor, runtime().queues
        out_of_time = _nears_end(context)

        def process(record: SQSRecord) -> None:
            receives = int(record.attributes.approximate_receive_count or 1)
            executor.handle(record.body, Delivery(record.message_id, receives > 1, out_of_time))

        response = process_partial_response(event, process, _processor, context)
        failed = {failure["itemIdentifier"] for failure in response["batchItemFailures"]}
        queues.retry_soon(record for record in event["Records"] if record["messageId"] in failed)
        count("Records", len(event["Records"]))
        count("FailedRecords", len(failed))
        return response


def _nears_end(context: LambdaContext) -> Callable[[], bool]:
    """Whether to begin no more steps: in the last fifth of the invocation, or minute if that is shorter."""
    reserve = min(_RESERVE, context.get_remaining_time_in_millis() // 5)
    return lambda: context.get_remaining_time_in_millis() < reserve

"""Entry point of the timers: a batch of the timers queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tarry_backend.runtime import prepare, runtime
from tarry_backend.telemetry import logged, logger, meter, published

if TYPE_CHECKING:
    from tarry_backend.log_lines import LambdaContext

__all__ = ["handler"]


@logged
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Handle a batch of timers and settles. SQS delivers a failed message again, and no other."""
    with published():
        timers = runtime().timers
        failed: list[str] = []
        for record in event["Records"]:
            try:
                timers.handle(record["body"])
            except Exception:
                logger.exception("message %s failed; SQS delivers it again", record["messageId"])
                failed.append(record["messageId"])
        meter.count("Records", len(event["Records"]))
        meter.count("FailedRecords", len(failed))
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


prepare("timers")

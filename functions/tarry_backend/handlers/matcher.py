"""Entry point of the matcher: a batch of the events queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tarry_backend.runtime import prepare, runtime
from tarry_backend.telemetry import logged, meter, published

if TYPE_CHECKING:
    from tarry_backend.log_lines import LambdaContext

_RESERVE = 5_000
"""With fewer milliseconds left, the matcher begins no further record: each takes a few seconds at most."""


@logged
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Log the events, and send what follows from them to the runs queue."""
    with published():
        failed = runtime().matcher.handle(event["Records"], lambda: context.get_remaining_time_in_millis() < _RESERVE)
        meter.count("Records", len(event["Records"]))
        meter.count("FailedRecords", len(failed))
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


prepare("matcher")

"""Entry point: a batch of Firehose's, on its way to the audit trail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tarry_backend.events.audit_row import converted
from tarry_backend.telemetry import logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Makes a row of the trail's columns of each event. What has none goes into the folder for errors."""
    records = [converted(record) for record in event["records"]]
    if failed := sum(record["result"] != "Ok" for record in records):
        logger.error("not taken into the audit trail, kept in its folder for errors", records=failed)
    return {"records": records}

"""Entry point of the audit trail's converter: a batch of Firehose records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tarry_backend import initialisation
from tarry_backend.events.audit_row import converted
from tarry_backend.telemetry import logged, logger

if TYPE_CHECKING:
    from tarry_backend.log_lines import LambdaContext


@logged
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Convert each event into a row of the audit trail. A record that is no event goes to the errors folder."""
    records = [converted(record) for record in event["records"]]
    if failed := sum(record["result"] != "Ok" for record in records):
        logger.error(
            "some records are not in the audit trail: Firehose keeps them in its errors folder",
            extra={"records": failed},
        )
    return {"records": records}


initialisation.end()

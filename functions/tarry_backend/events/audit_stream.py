"""The audit trail's stream, for events that do not go over the bus."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tarry._wire.aws import client
from tarry._wire.bus import envelope

if TYPE_CHECKING:
    from tarry import Event

__all__ = ["AuditStream"]


class AuditStream:
    """The Firehose stream of the audit trail. The bus's rule sends it the events of the bus.

    Args:
        arn: The stream's ARN; empty if the stack has no audit trail.
    """

    # Short: if Firehose is slow, the event goes over the bus instead.
    _client: Any = client("firehose", connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 2})

    def __init__(self, arn: str) -> None:
        self._arn = arn

    def put(self, event: Event) -> None:
        """Put the event as the bus's rule would, but without an id of EventBridge's. Do nothing without a trail."""
        if not self._arn:
            return
        name = self._arn.rpartition("/")[2]
        record = json.dumps(self._fields(event), separators=(",", ":"), ensure_ascii=False)
        self._client.put_record(DeliveryStreamName=name, Record={"Data": record.encode()})

    def _fields(self, event: Event) -> dict[str, Any]:
        _, _, _, region, account, _ = self._arn.split(":", 5)
        return {
            "detail-type": event.name,
            "source": event.source,
            "account": account,
            "time": datetime.fromtimestamp(event.ts / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": region,
            "resources": [],
            "detail": json.loads(envelope(event)),
        }

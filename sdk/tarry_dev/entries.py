"""EventBridge entries on their way to a bus, as ``put-events`` takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tarry._wire.bus import request_ranges
from tarry.errors import SendError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef as Entry

__all__ = ["put_entries"]

_NOT_SENT = "not sent, since a request before it failed"


def put_entries(entries: Sequence[Entry], client: EventBridgeClient) -> list[str]:
    """Put the entries on their bus, in requests that EventBridge takes; return EventBridge's ids.

    Raises:
        SendError: The bus refused some of them, or a request after the first failed. It names each by its place.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    ids: list[str] = []
    refused: dict[int, str] = {}
    for first, last in request_ranges(entries):
        try:
            results = client.put_events(Entries=entries[first:last])["Entries"]
        except (ClientError, BotoCoreError) as error:
            if first == 0:
                raise
            failed = dict.fromkeys(range(first, last), str(error))
            skipped = dict.fromkeys(range(last, len(entries)), _NOT_SENT)
            if isinstance(error, ClientError):
                raise _send_error(entries, refused | failed | skipped, {}, ids) from error
            raise _send_error(entries, refused | skipped, failed, ids) from error
        ids += [result["EventId"] for result in results if "EventId" in result]
        reasons = {place: result.get("ErrorMessage") for place, result in enumerate(results, first)}
        refused |= {place: reason for place, reason in reasons.items() if reason}
    if refused:
        raise _send_error(entries, refused, {}, ids)
    return ids


def _send_error(
    entries: Sequence[Entry], refused: Mapping[int, str], unknown: Mapping[int, str], ids: Sequence[str]
) -> SendError:
    def named(reasons: Mapping[int, str]) -> list[tuple[str, str]]:
        return [(f"{entries[place]['DetailType']} (entry {place + 1})", reason) for place, reason in reasons.items()]

    return SendError(named(refused), len(entries), unknown=named(unknown), accepted=ids)

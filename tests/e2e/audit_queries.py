"""Queries on the audit trail, with their answers: the same for DuckDB on the embedded cloud's files and for Athena.

Send ``ENTRIES`` (EventBridge's, without a bus), wait until ``tarry events --sql`` or Athena counts them, and ask
``QUERIES``. Each names the events it means, so others in the trail do not matter.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

__all__ = ["COUNT", "ENTRIES", "QUERIES", "Query"]

SOURCE = "audit.test"

ENVELOPE = {"v": 1, "ts": 1_767_614_400_123, "user": {"id": "u-1", "plan": "Größe L"}}

ENTRIES: list[dict[str, Any]] = [
    {
        "Source": SOURCE,
        "DetailType": "audit/paid",
        "Detail": json.dumps({"orderId": number, "total": number * 1.5, "lines": [{"sku": "é"}], "note": 'say "hi"\n'}),
        "Resources": [f"arn:aws:s3:::orders-{number}"],
    }
    for number in range(1, 4)
] + [
    {
        "Source": "tarry.audit",
        "DetailType": "audit/shipped",
        "Detail": json.dumps({**ENVELOPE, "id": "audit-1", "data": {"orderId": 1, "userId": "u-1"}}),
    },
    {
        "Source": "tarry.audit",
        "DetailType": "tarry/function.failed",
        "Detail": json.dumps(
            {
                **ENVELOPE,
                "id": "audit-2",
                "data": {"function_id": "ship", "run_id": "AUDIT", "error": {"name": "Lost", "message": "by the sea"}},
            }
        ),
    },
]

COUNT = "select count(*) from events where source in ('audit.test', 'tarry.audit')"
"""How many of ``ENTRIES`` have arrived."""


@dataclass(frozen=True, slots=True)
class Query:
    """``portable`` is false for what MiniStack's Athena, which is bare DuckDB, does not know."""

    story: str
    sql: str
    rows: list[list[Any]]
    portable: bool = True


QUERIES = [
    Query(
        "how many events of each name there are",
        "select name, count(*) as number from events where source in ('audit.test', 'tarry.audit')"
        " group by name order by name",
        [["audit/paid", 3], ["audit/shipped", 1], ["tarry/function.failed", 1]],
    ),
    Query(
        "an event of the SDK's has its own id and time, and whom it concerns",
        "select id, date_diff('millisecond', timestamp '2026-01-05 12:00:00', time), data, user_data"
        " from events where name = 'audit/shipped' and source = 'tarry.audit'",
        [
            [
                "audit-1",
                123,
                '{"orderId":1,"userId":"u-1"}',
                '{"id":"u-1","plan":"Größe L"}',
            ]
        ],
    ),
    Query(
        "an event of anybody's has EventBridge's id, and its detail is its data",
        "select count(distinct id), min(data), max(resources), count(user_data) from events"
        " where source = 'audit.test' and id = eventbridge_id",
        [
            [
                3,
                '{"orderId":1,"total":1.5,"lines":[{"sku":"é"}],"note":"say \\"hi\\"\\n"}',
                '["arn:aws:s3:::orders-3"]',
                0,
            ]
        ],
    ),
    Query(
        "what lies in the data can be counted with",
        "select sum(cast(json_extract_scalar(data, '$.total') as double)), max(json_extract_scalar(data, '$.note'))"
        " from events where source = 'audit.test'",
        [[9.0, 'say "hi"\n']],
        portable=False,
    ),
    Query(
        "runs' ends are events, too",
        "select json_extract_scalar(data, '$.run_id'), json_extract_scalar(data, '$.error.message'),"
        " json_extract_scalar(data, '$.error'), json_extract_scalar(data, '$.result')"
        " from events where name like 'tarry/function.%' and source = 'tarry.audit'",
        [["AUDIT", "by the sea", None, None]],
        portable=False,
    ),
    Query(
        "the day is that on which the event was taken in, and leaves out other days' files",
        "select count(*) from events where source = 'tarry.audit' and day = substr(cast(received as varchar), 1, 10)"
        " and day > '2020-01-01' and account is not null and region is not null",
        [[2]],
    ),
]

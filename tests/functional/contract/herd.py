"""Many runs that stand alike, without the cost of starting each."""

from copy import deepcopy
from typing import Any

from tarry_dev.cloud import Cloud, HostedRun

__all__ = ["grow_herd"]

_TABLE = "tarry"
_PER_REQUEST = 25


def grow_herd(cloud: Cloud, first: HostedRun, size: int) -> list[HostedRun]:
    """Copies all that a run has in the table under other ids, until there are ``size`` such runs."""
    items: list[dict[str, Any]] = cloud.clients.dynamodb.query(
        TableName=_TABLE,
        KeyConditionExpression="pk = :run",
        ExpressionAttributeValues={":run": {"S": f"run#{first.id}"}},
    )["Items"]
    ids = [f"{first.id[:16]}{number:010d}" for number in range(1, size)]
    copies = [_renamed(item, first.id, run_id) for run_id in ids for item in items]
    for place in range(0, len(copies), _PER_REQUEST):
        page = copies[place : place + _PER_REQUEST]
        cloud.clients.dynamodb.batch_write_item(
            RequestItems={_TABLE: [{"PutRequest": {"Item": item}} for item in page]}
        )
    return [first, *map(HostedRun, ids)]


def _renamed(item: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    return {
        name: {"S": value["S"].replace(old, new)} if "S" in value else deepcopy(value) for name, value in item.items()
    }

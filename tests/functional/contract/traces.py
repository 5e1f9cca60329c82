"""What runs leave behind in the table."""

from collections.abc import Mapping
from typing import Any

from tarry_backend.store.models import DueIndex, WaitsIndex
from tarry_backend.store.step_items import ended_key
from tarry_dev.cloud import Cloud

__all__ = ["in_indexes"]


def in_indexes(cloud: Cloud) -> set[tuple[str, str, str]]:
    """What stands in the indexes of waits, but for those that have ended, and of timers: index, partition and sort key
    of each."""
    found = set()
    for index in (WaitsIndex, DueIndex):
        name = index.Meta.index_name
        items = cloud.clients.dynamodb.scan(TableName="tarry", IndexName=name)["Items"]
        found |= {(name, item["pk"]["S"], item["sk"]["S"]) for item in items if not _has_ended(item)}
    return found


def _has_ended(item: Mapping[str, Any]) -> bool:
    return str(item.get("match_key", {}).get("S", "")).endswith(ended_key(""))

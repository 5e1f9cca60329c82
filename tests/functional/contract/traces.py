"""What runs leave behind in the table."""

from tarry_backend.store.models import DueIndex, WaitsIndex
from tarry_dev.cloud import Cloud

__all__ = ["in_indexes"]


def in_indexes(cloud: Cloud) -> set[tuple[str, str, str]]:
    """What stands in the indexes of open waits and of timers: index, partition and sort key of each."""
    found = set()
    for index in (WaitsIndex, DueIndex):
        name = index.Meta.index_name
        items = cloud.clients.dynamodb.scan(TableName="tarry", IndexName=name)["Items"]
        found |= {(name, item["pk"]["S"], item["sk"]["S"]) for item in items}
    return found

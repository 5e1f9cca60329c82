"""An index that lags behind its table, as DynamoDB's do and moto's do not."""

from typing import Any

import pytest

from tarry_backend.store.models import WaitsIndex
from tarry_dev.cloud import Cloud
from tests.functional.contract.wire import Ask, Json, tamper

__all__ = ["lag_waits"]

_WRITES = ("DynamoDB.PutItem", "DynamoDB.BatchWriteItem")


def lag_waits(monkeypatch: pytest.MonkeyPatch, cloud: Cloud, seconds: float) -> None:
    """From now on the index of open waits shows an item only so many seconds after it was written."""
    written: dict[tuple[str, str], int] = {}

    def write(request: Json, ask: Ask) -> Json:
        answer = ask(request)
        for item in _put_items(request):
            written.setdefault(_key(item), cloud.clock.now())
        return answer

    def query(request: Json, ask: Ask) -> Json:
        answer = ask(request)
        if request.get("IndexName") == WaitsIndex.Meta.index_name:
            shown_until = cloud.clock.now() - seconds * 1000
            answer["Items"] = [item for item in answer["Items"] if written[_key(item)] <= shown_until]
            answer["Count"] = len(answer["Items"])
        return answer

    tamper(monkeypatch, _WRITES, write)
    tamper(monkeypatch, ["DynamoDB.Query"], query)


def _put_items(request: Json) -> list[dict[str, Any]]:
    if "Item" in request:
        return [request["Item"]]
    puts = [
        write["PutRequest"] for writes in request["RequestItems"].values() for write in writes if "PutRequest" in write
    ]
    return [put["Item"] for put in puts]


def _key(item: dict[str, Any]) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]

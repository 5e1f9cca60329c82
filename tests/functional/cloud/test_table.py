"""The table: moto's answers, without moto's detours."""

import time
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import SecondaryIndex
from pynamodb.exceptions import PutError

from tarry_backend.store import Table
from tarry_backend.store.models import DueIndex, Item
from tarry_dev.cloud import Cloud
from tarry_dev.cloud.account import ACCOUNT_ID
from tarry_dev.cloud.moto_tables import FaithfulIndex
from tests.functional.cloud.scripts import ITEM


@pytest.fixture
def table(cloud: Cloud) -> Table:
    return Table(cloud.settings.table)


@pytest.fixture
def written(table: Table) -> None:
    for run in range(6):
        for step in (3, 1, 2):
            due: Any = {"due_shard": run % 2, "due": 100 * run + step} if step != 2 else {}
            table.put(Item(f"run#{run}", f"step#{step}", **due))


def keys(items: Any) -> list[tuple[str, str]]:
    return [(item.pk, item.sk) for item in items]


def scanned(table: Table) -> list[Item]:
    return [item for page in table.scan(Item) for item in page]


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize("page_size", [None, 1, 2])
def test_a_partition_is_read_in_its_order_page_by_page(table: Table, page_size: int | None) -> None:
    found = table.query(Item, "run#4", page_size=page_size)
    assert keys(found) == [("run#4", "step#1"), ("run#4", "step#2"), ("run#4", "step#3")]
    assert keys(table.query(Item, "run#4", Item.sk > "step#1", forward=False)) == [
        ("run#4", "step#3"),
        ("run#4", "step#2"),
    ]
    assert keys(table.query(Item, "run#none")) == []


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize("page_size", [None, 1, 4])
def test_an_index_holds_what_has_its_keys_page_by_page(table: Table, page_size: int | None) -> None:
    odd = [("run#1", "step#1"), ("run#1", "step#3"), ("run#3", "step#1"), ("run#3", "step#3")]
    assert keys(table.query_index(DueIndex, 1, Item.due < 500, page_size=page_size)) == odd
    assert keys(table.query_index(DueIndex, 1, limit=3)) == odd[:3]
    assert keys(table.query_index(DueIndex, 7)) == []


def test_an_index_shows_what_it_has_of_an_item_as_motos_own_does(cloud: Cloud) -> None:
    place = {"due_shard": {"N": "1"}, "due": {"N": "7"}, "match_key": {"S": "key"}, "wait_ref": {"S": "ref"}}
    item: Any = {
        **ITEM,
        **place,
        "kind": {"S": "wait"},
        "run_id": {"S": "1"},
        "residual": {"S": "true"},
        "bindings": {"B": b"\xff"},
    }
    cloud.clients.dynamodb.put_item(TableName=cloud.settings.table, Item=item)
    table = dynamodb_backends[ACCOUNT_ID][cloud.region].tables[cloud.settings.table]
    [stored] = table.all_items()
    for index in table.global_indexes:
        assert isinstance(index, FaithfulIndex)
        assert index.project(stored).to_json() == SecondaryIndex.project(index, stored).to_json()
    assert {index.projection["ProjectionType"] for index in table.global_indexes} == {"INCLUDE", "KEYS_ONLY"}


@pytest.mark.usefixtures("written")
def test_a_scan_reads_everything(table: Table) -> None:
    assert len(scanned(table)) == 18


def test_what_has_outlived_its_time_is_removed(cloud: Cloud, table: Table) -> None:
    now = cloud.clock.now() // 1000
    for name, expires in {"ended": now + 60, "young": now + 120, "live": None}.items():
        table.put(Item(name, "run", expires=expires))
    assert cloud.expire() == 0
    cloud.advance("61s")
    assert cloud.expire() == 1
    assert sorted(keys(scanned(table))) == [("live", "run"), ("young", "run")]


def test_a_transaction_that_fails_leaves_the_cloud_its_table(cloud: Cloud, table: Table) -> None:
    client, name = cloud.clients.dynamodb, cloud.settings.table
    table.put(Item("old", "run", expires=1))
    put: Any = {"TableName": name, "Item": {"pk": {"S": "new"}, "sk": {"S": "run"}, "expires": {"N": "1"}}}
    again: Any = {**put, "Item": put["Item"] | {"pk": {"S": "old"}}, "ConditionExpression": "attribute_not_exists(pk)"}
    with pytest.raises(client.exceptions.TransactionCanceledException):
        client.transact_write_items(TransactItems=[{"Put": put}, {"Put": again}])
    assert keys(scanned(table)) == [("old", "run")]
    table.put(Item("later", "run", expires=1))
    assert cloud.expire() == 2


def test_a_query_does_not_pay_for_the_rest_of_the_table(table: Table) -> None:
    with table.batch() as batch:
        for number in range(2_000):
            batch.save(Item(f"run#{number}", "run"))
    began = time.process_time()
    for number in range(20):
        assert keys(table.query(Item, f"run#{number}")) == [(f"run#{number}", "run")]
    assert time.process_time() - began < 1, "moto alone takes some three seconds"


class Overlaps:
    """Lets a transaction be at work on the item of each write, for so many tries of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tries: int) -> None:
        self.calls: list[str] = []
        whole = BaseClient._make_api_call  # type: ignore[attr-defined]

        def call(client: BaseClient, operation: str, asked: dict[str, Any]) -> Any:
            self.calls.append(operation)
            if len(self.calls) <= tries:
                raise ClientError({"Error": {"Code": "TransactionConflictException", "Message": "ongoing"}}, operation)
            return whole(client, operation, asked)

        monkeypatch.setattr(BaseClient, "_make_api_call", call)
        monkeypatch.setattr("tarry_backend.store.table.time.sleep", lambda seconds: None)


def test_a_write_to_an_item_of_a_transaction_at_work_is_repeated_soon(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS refuses it, and botocore does not repeat it. moto knows no such conflict."""
    overlaps = Overlaps(monkeypatch, tries=3)
    table.put(Item("single#a", "single"), Item.pk.does_not_exist())
    assert overlaps.calls == ["PutItem"] * 4
    assert keys(table.query(Item, "single#a")) == [("single#a", "single")]


def test_a_write_that_meets_transactions_again_and_again_fails(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    overlaps = Overlaps(monkeypatch, tries=9)
    with pytest.raises(PutError, match="TransactionConflictException"):
        table.put(Item("single#a", "single"))
    assert overlaps.calls == ["PutItem"] * 4

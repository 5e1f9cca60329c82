"""The table as the actors see it: moto's, past its HTTP door, and an index that shows a write only when it is let."""

import json
import re
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError
from moto.dynamodb.exceptions import DynamodbException
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.responses import DynamoHandler

from tarry_backend.store.models import Item, WaitsIndex, table_definition
from tarry_backend.store.step_items import ended_key
from tarry_dev.cloud import Cloud
from tarry_dev.cloud.account import ACCOUNT_ID
from tarry_dev.cloud.moto_tables import FaithfulTable
from tests.functional.contract.handshake.exploration import Touch

__all__ = ["READS", "Change", "Table", "key_of", "shows", "touches", "writes_of"]

_INDEX = WaitsIndex.Meta.index_name
_HASH, _RANGE = Item.match_key.attr_name, Item.wait_ref.attr_name

_SHOWN = "shown"
"""Of the table that holds what the index shows: the same again, so that moto answers for it as well."""

READS = {"GetItem", "Query"}

_LOGS = ("log#", "key#")
"""Where events stand. No index shows them."""

_ACTIONS = {"PutItem": "put_item", "GetItem": "get_item", "DeleteItem": "delete_item", "UpdateItem": "update_item"}

Json = dict[str, Any]
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """What the index is to show: an item, as it stood there before, and as it stands after."""

    key: Key
    before: Json | None
    after: Json | None


class Table:
    """Carries out the calls that Tarry makes. Two of them that touch nothing in common can change their order."""

    def __init__(self, cloud: Cloud) -> None:
        self.name = cloud.settings.table
        cloud.clients.dynamodb.create_table(**table_definition(_SHOWN))
        self._tables = dynamodb_backends[ACCOUNT_ID][cloud.region].tables
        self._moto = DynamoHandler()
        self._moto.current_account, self._moto.region = ACCOUNT_ID, cloud.region
        self._items: dict[Key, Json] = {}

    def clear(self) -> None:
        """As it was at first."""
        for name in (self.name, _SHOWN):
            table = self._tables[name]
            table.items.clear()
            if isinstance(table, FaithfulTable):
                FaithfulTable.become(table)  # it knows the order of its items: of none, again
        self._items.clear()

    def ask(self, operation: str, asked: Json) -> Any:
        """The answer; ``ClientError`` as from AWS."""
        if operation == "Query":
            return self._query(asked)
        if operation == "BatchWriteItem":
            for write in writes_of(asked):
                self.ask(*write)
            return {"UnprocessedItems": {}}
        return self._moto_does(_ACTIONS[operation], asked)

    def write(self, operation: str, asked: Json) -> tuple[Any, Change | None]:
        """The answer to a write, and what it changes in the index, if anything."""
        answer = self.ask(operation, asked)
        key = key_of(asked)
        after = asked.get("Item")
        if operation == "UpdateItem":
            after = self.ask("GetItem", {"TableName": self.name, "Key": asked["Key"]})["Item"]
        entry = after if after is not None and _is_found(after) else None
        before = self._items.pop(key, None)
        if entry is not None:
            self._items[key] = entry
        return answer, Change(key, before, entry) if entry != before else None

    def show(self, change: Change) -> None:
        """Lets the index show a change."""
        if change.after is not None:
            self.ask("PutItem", {"TableName": _SHOWN, "Item": change.after})
        else:
            pk, sk = change.key
            self.ask("DeleteItem", {"TableName": _SHOWN, "Key": {"pk": {"S": pk}, "sk": {"S": sk}}})

    def summary(self, operation: str, asked: Json) -> str:
        """The call, for people."""
        place = " ".join(str(part) for touch in touches(operation, asked) for part in (touch.place, touch.part) if part)
        return f"{operation} {place}"

    @property
    def shown(self) -> list[Key]:
        """The items that the index shows."""
        partitions = self._tables[_SHOWN].items
        return [
            (str(item.hash_key.value), str(item.range_key.value))
            for each in partitions.values()
            for item in each.values()
        ]

    def _query(self, asked: Json) -> Any:
        if asked.get("IndexName") == _INDEX:
            asked = {**asked, "TableName": _SHOWN}
        return self._moto_does("query", asked)

    def _moto_does(self, action: str, asked: Json) -> Any:
        self._moto.body = asked
        try:
            return getattr(self._moto, action)().result
        except DynamodbException as error:
            answer: Any = {"Error": {"Code": error.relative_error_type, "Message": str(error)}}
            if "Item" in (described := json.loads(error.description)):
                answer["Item"] = described["Item"]
            raise ClientError(answer, action) from None


def touches(operation: str, asked: Json) -> tuple[Touch, ...]:
    """What a call reads or writes. A query reads its whole partition: rather too much than too little."""
    if operation == "Query":
        value = re.search(r"= (:\w+)", asked["KeyConditionExpression"])
        assert value, f"a query without a partition: {asked}"
        partition = asked["ExpressionAttributeValues"][value[1]]["S"]
        return (Touch(f"{_INDEX} {partition}" if "IndexName" in asked else partition, None, writes=False),)
    place, part = key_of(asked)
    blind = operation == "PutItem" and "ConditionExpression" not in asked and place.startswith(_LOGS)
    return (Touch(place, part, writes=operation != "GetItem", value=str(asked["Item"]) if blind else None),)


def shows(change: Change) -> tuple[Touch, ...]:
    """What changes when the index shows it."""
    entries = (entry for entry in (change.before, change.after) if entry)
    return tuple(Touch(f"{_INDEX} {entry[_HASH]['S']}", entry[_RANGE]["S"], writes=True) for entry in entries)


def _is_found(item: Json) -> bool:
    """Whether events find the item in the index. A wait that has ended stands there under a key that none has."""
    return _HASH in item and not item[_HASH]["S"].endswith(ended_key(""))


def key_of(asked: Json) -> Key:
    """The key of the one item that a call is about."""
    key = asked["Item"] if "Item" in asked else asked["Key"]
    return key["pk"]["S"], key["sk"]["S"]


def writes_of(asked: Json) -> list[tuple[str, Json]]:
    """A batch is no transaction: its writes one by one, which DynamoDB carries out in any order."""
    return [
        ("PutItem" if "PutRequest" in write else "DeleteItem", {"TableName": table, **request})
        for table, writes in asked["RequestItems"].items()
        for write in writes
        for request in write.values()
    ]

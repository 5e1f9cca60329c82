"""How many write units DynamoDB bills for what happens: one for the table, one for each index entry that it changes.

The rule is that of DynamoDB's developer guide, "Global secondary indexes", section "Write capacity": an entry that
comes, goes or changes costs one unit for each KB, and an entry whose key changes costs two. An item that is put in a
transaction costs the table twice ("Managing complex workflows with transactions", section "Capacity management"); its
index entries are written afterwards, once.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tarry_backend.store.models import table_definition
from tarry_dev.cloud.moto_tables import FaithfulDynamo, FaithfulTable

__all__ = ["WriteMeter", "write_meter"]

Attributes = dict[str, Any]
_KB = 1024


class WriteMeter:
    """Adds up write units, of the table and of each index."""

    def __init__(self) -> None:
        self.units: dict[str, int] = {}
        self.is_in_transaction = False

    @property
    def total(self) -> int:
        return sum(self.units.values())

    def note(self, before: Attributes, after: Attributes) -> None:
        """A write has changed an item."""
        self._add("table", max(_units(before), _units(after)) * (2 if self.is_in_transaction else 1))
        for index in table_definition("")["GlobalSecondaryIndexes"]:
            name, old, new = index["IndexName"], _entry(index, before), _entry(index, after)
            keys = [key["AttributeName"] for key in index["KeySchema"]]
            if old and new and any(old[key] != new[key] for key in keys):
                self._add(name, _units(old) + _units(new))
            elif old != new:
                self._add(name, max(_units(old), _units(new)))

    def _add(self, name: str, units: int) -> None:
        self.units[name] = self.units.get(name, 0) + units


@contextmanager
def write_meter() -> Iterator[WriteMeter]:
    """Within it, a meter counts the units of all puts, also those of batches and transactions."""
    meter, put, transact = WriteMeter(), FaithfulTable.put_item, FaithfulDynamo.transact_write_items

    def put_item(self: FaithfulTable, item_attrs: Attributes, *args: Any, **kwargs: Any) -> Any:
        places = [item_attrs[self.hash_key_attr], item_attrs[self.range_key_attr or ""]]
        old = self.items.get(_key(places[0]), {}).get(_key(places[1]))
        before = {} if old is None else old.to_json()["Attributes"]
        made = put(self, item_attrs, *args, **kwargs)
        meter.note(dict(before), made.to_json()["Attributes"])
        return made

    def transact_write_items(self: FaithfulDynamo, transact_items: list[Attributes]) -> None:
        meter.is_in_transaction = True
        try:
            transact(self, transact_items)
        finally:
            meter.is_in_transaction = False

    FaithfulTable.put_item = put_item  # type: ignore[method-assign]
    FaithfulDynamo.transact_write_items = transact_write_items  # type: ignore[method-assign]
    try:
        yield meter
    finally:
        FaithfulTable.put_item = put  # type: ignore[method-assign]
        FaithfulDynamo.transact_write_items = transact  # type: ignore[method-assign]


def _key(value: Attributes) -> Any:
    from moto.dynamodb.models.dynamo_type import DynamoType

    return DynamoType(value)


def _entry(index: Attributes, item: Attributes) -> Attributes:
    keys = [key["AttributeName"] for key in index["KeySchema"]]
    if not all(key in item for key in keys):
        return {}
    names = {"pk", "sk", *keys, *index["Projection"].get("NonKeyAttributes", [])}
    return {name: value for name, value in item.items() if name in names}


def _units(item: Attributes) -> int:
    return -(-len(repr(item)) // _KB) if item else 0

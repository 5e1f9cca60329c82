"""moto's DynamoDB, mended where it does otherwise than AWS, or takes too long, and it matters here.

Its parts take the place of moto's own by ``become``.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager, nullcontext
from copy import deepcopy
from inspect import signature
from typing import TYPE_CHECKING, Any

from moto.core.utils import unix_time_millis
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.table import GlobalSecondaryIndex, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from moto.dynamodb.models.dynamo_type import DynamoType

__all__ = ["FaithfulDynamo", "FaithfulIndex", "FaithfulTable"]


class FaithfulDynamo(DynamoDBBackend):
    """moto's DynamoDB. When a transaction fails, moto puts copies in the place of its tables: who holds a table, as the
    cloud and its sweep do, would hold one that nobody writes to any more."""

    __module__ = DynamoDBBackend.__module__

    @classmethod
    def become(cls, dynamodb: DynamoDBBackend) -> None:
        """Mends DynamoDB in its place."""
        dynamodb.__class__ = cls

    def put_item(self, table_name: str, item_attrs: dict[str, Any], *args: Any, **kwargs: Any) -> Item:
        with self._change(table_name, item_attrs):
            return super().put_item(table_name, item_attrs, *args, **kwargs)

    def update_item(self, table_name: str, key: dict[str, Any], *args: Any, **kwargs: Any) -> Item:
        with self._change(table_name, key):
            return super().update_item(table_name, key, *args, **kwargs)

    def delete_item(self, table_name: str, key: dict[str, Any], *args: Any, **kwargs: Any) -> Item | None:
        with self._change(table_name, key):
            return super().delete_item(table_name, key, *args, **kwargs)

    def _change(self, table_name: str, key: dict[str, Any]) -> AbstractContextManager[None]:
        table = self.tables[table_name]
        return table.change(*self.get_keys_value(table, key)) if isinstance(table, FaithfulTable) else nullcontext()

    def transact_write_items(self, transact_items: list[dict[str, Any]]) -> None:
        tables = dict(self.tables)
        try:
            super().transact_write_items(transact_items)
        finally:
            for name, table in tables.items():
                vars(table).update(vars(self.tables[name]))
                self.tables[name] = table


class FaithfulTable(Table):
    """A table of moto's. moto sorts the whole table for each query, and then looks which items are meant: with a
    thousand runs a query takes a tenth of a second. Its indexes show each change at once, DynamoDB's do not.

    ``index_lag`` is how many milliseconds later an index shows a change.
    """

    index_lag: float
    _meant: list[Item] | None
    _changes: dict[tuple[DynamoType, DynamoType | None], list[tuple[float, Item | None]]]

    @classmethod
    def become(cls, table: Table) -> FaithfulTable:
        """Mends a table in its place."""
        table.__class__ = cls
        assert isinstance(table, FaithfulTable)
        table._meant, table._changes, table.index_lag = None, {}, 0
        for index in table.global_indexes:
            index.__class__ = FaithfulIndex
        return table

    @property
    def unsorted_items(self) -> Iterator[Item]:
        """All items."""
        return (item for partition in self.items.values() for item in partition.values())

    def query(self, *args: Any, **kwargs: Any) -> tuple[list[Item], int, dict[str, Any] | None]:
        asked = _QUERY.bind(self, *args, **kwargs).arguments
        if asked.get("index_name") is None:
            self._meant = list(self.items.get(asked["hash_key"], {}).values())
        else:
            self._meant = [item for item in self._shown() if _has(item, asked["hash_key_conditions"])]
        try:
            return super().query(*args, **kwargs)
        finally:
            self._meant = None

    @contextmanager
    def change(self, hash_key: DynamoType, range_key: DynamoType | None) -> Iterator[None]:
        """Within it, an item changes. The indexes show it as it was for as long as they lag."""
        if not self.index_lag:
            yield
            return
        before = deepcopy(self.get_item(hash_key, range_key))
        yield
        self._changes.setdefault((hash_key, range_key), []).append((unix_time_millis(), before))

    def expired(self) -> list[Item]:
        """The items that have outlived their time, which moto never removes."""
        name, now = self.ttl["AttributeName"], unix_time_millis() / 1000
        return [item for item in self.unsorted_items if name in item.attrs and int(item.attrs[name].value) < now]

    def expire(self, items: Iterable[Item]) -> None:
        """Removes these items."""
        for item in items:
            self.delete_item(item.hash_key, item.range_key)

    def _shown(self) -> Iterator[Item]:
        """The items as the indexes show them."""
        shown_until = unix_time_millis() - self.index_lag
        hidden: dict[tuple[DynamoType, DynamoType | None], Item | None] = {}
        for key, changes in list(self._changes.items()):
            changes[:] = [change for change in changes if change[0] > shown_until]
            if changes:
                hidden[key] = changes[0][1]
            else:
                del self._changes[key]
        for item in self.unsorted_items:
            if (item.hash_key, item.range_key) not in hidden:
                yield item
        yield from (item for item in hidden.values() if item is not None)

    def all_items(self) -> list[Item]:
        return super().all_items() if self._meant is None else self._meant


class FaithfulIndex(GlobalSecondaryIndex):
    """An index of moto's. To leave out what the index has not, moto turns each item into plain Python once for each
    attribute, and what is left back again: most of the time that a query of an index takes."""

    def project(self, item: Item) -> Item:
        if self.projection["ProjectionType"] == "ALL":
            return item
        kept = {*self.table_key_attrs, *self.schema_key_attrs, *self.projection.get("NonKeyAttributes", ())}
        seen = Item(item.hash_key, item.range_key, {})
        seen.attrs.update({name: value for name, value in item.attrs.items() if name in kept})
        return seen


_QUERY = signature(Table.query)


def _has(item: Item, conditions: list[tuple[str, DynamoType]]) -> bool:
    return all(name in item.attrs and item.attrs[name] == value for name, value in conditions)

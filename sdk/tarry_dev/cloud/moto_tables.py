"""moto's DynamoDB, mended where it does otherwise than AWS, or takes too long, and it matters here.

Its parts take the place of moto's own by ``become``.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from copy import deepcopy
from inspect import signature
from typing import TYPE_CHECKING, Any

from moto.core.utils import unix_time_millis
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.table import GlobalSecondaryIndex, Table

from tarry_dev.cloud.item_order import Asked, ItemOrder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from moto.dynamodb.models.dynamo_type import DynamoType

Keys = tuple["DynamoType", "DynamoType | None"]
"""An item's hash key and range key."""

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

    def transact_write_items(self, transact_items: list[dict[str, Any]]) -> None:
        with ExitStack() as whole:
            for name, table in self.tables.items():
                if isinstance(table, FaithfulTable):
                    whole.enter_context(table.whole(self._keys(table, name, transact_items)))
            super().transact_write_items(transact_items)

    def _change(self, table_name: str, key: dict[str, Any]) -> AbstractContextManager[None]:
        table = self.tables[table_name]
        return table.change(*self.get_keys_value(table, key)) if isinstance(table, FaithfulTable) else nullcontext()

    def _keys(self, table: Table, name: str, transact_items: list[dict[str, Any]]) -> list[Keys]:
        """The keys of the items that a transaction may change. What is wrong with others, moto says."""
        actions = [action for each in transact_items for action in each.values() if action.get("TableName") == name]
        places = [action.get("Item") or action.get("Key") or {} for action in actions]
        return [self.get_keys_value(table, place) for place in places if {*table.table_key_attrs} <= {*place}]


class FaithfulTable(Table):
    """A table of moto's. moto sorts the whole table for each query, and then looks which items are meant: with a
    thousand runs a query takes a tenth of a second. An ``ItemOrder`` knows the few that may be meant. For each
    transaction moto copies the whole table. Its indexes show each change at once, DynamoDB's do not.

    ``index_lag`` is how many milliseconds later an index shows a change.
    """

    index_lag: float
    _order: ItemOrder
    _meant: list[Item] | None
    _changes: dict[Keys, list[tuple[float, Item | None]]]
    _is_guarded: bool

    @classmethod
    def become(cls, table: Table) -> FaithfulTable:
        """Mends a table in its place."""
        table.__class__ = cls
        assert isinstance(table, FaithfulTable)
        table._meant, table._changes, table.index_lag, table._is_guarded = None, {}, 0, False
        for index in table.global_indexes:
            index.__class__ = FaithfulIndex
        table._order = ItemOrder(table)
        for item in table.unsorted_items:
            table._order.put(item)
        return table

    def __deepcopy__(self, memo: dict[int, Any]) -> FaithfulTable:
        """A copy of all of it. In a transaction it is the table itself: the items that may change are copied then."""
        if self._is_guarded:
            return self
        copied: Any = Table.__new__(Table)
        memo[id(self)] = copied
        vars(copied).update({name: deepcopy(value, memo) for name, value in vars(self).items() if name != "_order"})
        return FaithfulTable.become(copied)

    @property
    def unsorted_items(self) -> Iterator[Item]:
        """All items."""
        return (item for partition in self.items.values() for item in partition.values())

    def get_item(
        self,
        hash_key: DynamoType,
        range_key: DynamoType | None = None,
        projection_expression: list[list[str]] | None = None,
    ) -> Item | None:
        """As moto's. For each wanted attribute, moto writes the whole item as JSON: here it is taken as it is."""
        paths = projection_expression or ()
        if not paths or any(len(path) != 1 for path in paths):
            return super().get_item(hash_key, range_key, projection_expression)
        if (item := super().get_item(hash_key, range_key)) is None:
            return None
        chosen = Item(item.hash_key, item.range_key, {})
        chosen.attrs.update({name: item.attrs[name] for (name,) in paths if name in item.attrs})
        return chosen

    def put_item(self, *args: Any, **kwargs: Any) -> Item:
        item = super().put_item(*args, **kwargs)
        self._order.put(item)
        return item

    def delete_item(self, hash_key: DynamoType, range_key: DynamoType | None) -> Item | None:
        self._order.remove((hash_key, range_key))
        return super().delete_item(hash_key, range_key)

    def query(self, *args: Any, **kwargs: Any) -> tuple[list[Item], int, dict[str, Any] | None]:
        self._meant = self._possible(_QUERY.bind(self, *args, **kwargs).arguments)
        try:
            return super().query(*args, **kwargs)
        finally:
            self._meant = None

    @contextmanager
    def change(self, hash_key: DynamoType, range_key: DynamoType | None) -> Iterator[None]:
        """Within it, an item changes. The indexes show it as it was for as long as they lag."""
        before = deepcopy(self.get_item(hash_key, range_key)) if self.index_lag else None
        try:
            yield
        finally:
            if (item := self.get_item(hash_key, range_key)) is not None:
                self._order.put(item)
        if self.index_lag:
            self._changes.setdefault((hash_key, range_key), []).append((unix_time_millis(), before))

    @contextmanager
    def whole(self, keys: Iterable[Keys]) -> Iterator[None]:
        """Within it, the items with these keys change all or, if an error ends it, none."""
        before = {key: deepcopy(self.get_item(*key)) for key in keys}
        self._is_guarded = True
        try:
            yield
        except BaseException:
            for key, item in before.items():
                self._restore(key, item)
            raise
        finally:
            self._is_guarded = False

    def indexed(self, index: str) -> Iterator[Item]:
        """The items that an index holds."""
        return self._order.of_index(index)

    def expired(self) -> list[Item]:
        """The items that have outlived their time, which moto never removes."""
        name, now = self.ttl["AttributeName"], unix_time_millis() / 1000
        return [item for item in self.unsorted_items if name in item.attrs and int(item.attrs[name].value) < now]

    def expire(self, items: Iterable[Item]) -> None:
        """Removes these items."""
        for item in items:
            self.delete_item(item.hash_key, item.range_key)

    def _restore(self, key: Keys, item: Item | None) -> None:
        hash_key, range_key = key
        if item is None:
            self.delete_item(hash_key, range_key)
        else:
            assert range_key is not None
            self.items[hash_key][range_key] = item
            self._order.put(item)

    def _possible(self, asked: dict[str, Any]) -> list[Item]:
        """The items among which are those that a query means."""
        index, conditions = asked.get("index_name"), asked.get("hash_key_conditions") or ()
        partition = asked["hash_key"].cast_value
        if index is not None and (self.index_lag or self._changes or not self._order.knows(index)):
            known = self._order.chosen(index, partition, _ALL) if self._order.knows(index) else self.unsorted_items
            return [item for item in self._shown(known) if _has(item, conditions)]
        few = Asked(
            comparison=asked["range_comparison"],
            values=[value.cast_value for value in asked["range_objs"]],
            start=asked["exclusive_start_key"],
            forward=asked["scan_index_forward"] is not False,
            limit=None if asked.get("filter_kwargs") else asked["limit"],
        )
        return self._order.chosen(index, partition, few)

    def _shown(self, items: Iterable[Item]) -> Iterator[Item]:
        """These items as the indexes show them, and those that they still show as they were."""
        shown_until = unix_time_millis() - self.index_lag
        hidden: dict[Keys, Item | None] = {}
        for key, changes in list(self._changes.items()):
            changes[:] = [change for change in changes if change[0] > shown_until]
            if changes:
                hidden[key] = changes[0][1]
            else:
                del self._changes[key]
        for item in items:
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

_ALL = Asked(comparison=None, values=(), start=None, forward=True, limit=None)
"""A whole partition."""


def _has(item: Item, conditions: Iterable[tuple[str, DynamoType]]) -> bool:
    return all(name in item.attrs and item.attrs[name] == value for name, value in conditions)

"""The items of an embedded table, by the keys of the table and of its indexes, in the order of each partition."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from moto.dynamodb.models.dynamo_type import DynamoType

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from moto.dynamodb.models.dynamo_type import Item
    from moto.dynamodb.models.table import Table

__all__ = ["Asked", "ItemOrder"]

_Key = tuple[Any, ...]
"""Where an item stands in a partition: by its range key, then by the table's keys, which are the item's identity."""

_Part = tuple[str | None, Any]
"""A partition: of an index by its name, or of the table itself, and its hash key."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a partition a query asks for: a range of the range key, a page that begins after ``start``.

    ``limit`` is the most items of that page; ``None`` if the query leaves out items for other reasons, too.
    """

    comparison: str | None
    values: Sequence[Any]
    start: Mapping[str, Any] | None
    forward: bool
    limit: int | None


@dataclass(frozen=True, slots=True)
class _Schema:
    """The keys of the table or of an index: the hash key, and by what a partition is sorted."""

    hash_key: str
    sorted_by: tuple[str, ...]

    def place(self, name: str | None, values: Mapping[str, Any]) -> tuple[_Part, _Key] | None:
        """Return where an item with these values of keys stands; ``None`` if it lacks one."""
        try:
            return (name, values[self.hash_key]), tuple(map(values.__getitem__, self.sorted_by))
        except KeyError:
            return None


class ItemOrder:
    """Knows where each item stands. Whoever changes one reports it by ``put`` or ``remove``.

    DynamoDB keeps only items in an index that have its keys, and refuses keys of another type.
    """

    def __init__(self, table: Table) -> None:
        keys = tuple(table.table_key_attrs)
        self._types = {each["AttributeName"]: each["AttributeType"] for each in table.attr}
        self._schemas: dict[str | None, _Schema] = {None: _Schema(keys[0], (keys[1], *keys))}
        for index in table.global_indexes:
            of_type = {each["KeyType"]: each["AttributeName"] for each in index.schema}
            if len(index.schema) == len(of_type) == 2:  # of others moto sees all items, and chooses
                self._schemas[index.name] = _Schema(of_type["HASH"], (of_type["RANGE"], *keys))
        self._parts: dict[_Part, list[_Key]] = {}
        self._items: dict[_Key, Item] = {}
        self._places: dict[_Key, list[tuple[_Part, _Key]]] = {}
        self._key_attrs = keys

    def knows(self, index: str | None) -> bool:
        """Whether the index, or for ``None`` the table, is kept in order."""
        return index in self._schemas

    def put(self, item: Item) -> None:
        """Take an item in, or note that it has changed."""
        identity = tuple(item.attrs[name].cast_value for name in self._key_attrs)
        self._take_out(identity)
        self._items[identity] = item
        values = self._key_values(item)
        places = [place for name, schema in self._schemas.items() if (place := schema.place(name, values))]
        for part, key in places:
            insort(self._parts.setdefault(part, []), key)
        self._places[identity] = places

    def remove(self, keys: Iterable[DynamoType | None]) -> None:
        """Forget the item with these keys, if there is one."""
        identity = tuple(key.cast_value for key in keys if key is not None)
        self._take_out(identity)
        self._items.pop(identity, None)

    def of_index(self, index: str) -> Iterator[Item]:
        """All items of an index."""
        parts = [keys for (name, _), keys in list(self._parts.items()) if name == index]
        return (self._item(key) for keys in parts for key in list(keys))

    def chosen(self, index: str | None, hash_key: Any, asked: Asked) -> list[Item]:
        """Return the items of a partition among which are those that are asked for, in their order.

        One item more at either end: by that moto knows whether the partition goes on behind the page.
        """
        keys = self._parts.get((index, hash_key), [])
        low, high = _range(keys, asked)
        low, high = max(low - 1, 0), min(high + 1, len(keys))
        if asked.start is not None and (start := _start(self._schemas[index], asked.start)):
            low, high = (
                (max(low, bisect_right(keys, start)), high) if asked.forward else (low, bisect_left(keys, start))
            )
        if asked.limit is not None and (most := asked.limit + 2) < high - low:
            low, high = (low, low + most) if asked.forward else (high - most, high)
        return [self._item(key) for key in keys[low:high]]

    def _item(self, key: _Key) -> Item:
        return self._items[key[1:]]

    def _key_values(self, item: Item) -> dict[str, Any]:
        """Return the item's values of keys, of those that have the right type."""
        attrs, types = item.attrs, self._types
        return {name: attrs[name].cast_value for name in types if name in attrs and attrs[name].type == types[name]}

    def _take_out(self, identity: _Key) -> None:
        for part, key in self._places.pop(identity, ()):
            keys = self._parts[part]
            del keys[bisect_left(keys, key)]
            if not keys:
                del self._parts[part]


def _start(schema: _Schema, start: Mapping[str, Any]) -> _Key | None:
    """Where the page before has ended; ``None`` if moto is to say what is wrong with it."""
    if any(name not in start for name in schema.sorted_by):
        return None
    return tuple(DynamoType(start[name]).cast_value for name in schema.sorted_by)


def _range(keys: Sequence[_Key], asked: Asked) -> tuple[int, int]:
    """Where the range of the range key begins and ends; the whole partition if that cannot be told here."""
    values, end = asked.values, len(keys)
    match asked.comparison:
        case "=" | "EQ":
            return _left(keys, values[0]), _right(keys, values[0])
        case "<" | "LT":
            return 0, _left(keys, values[0])
        case "<=" | "LE":
            return 0, _right(keys, values[0])
        case ">" | "GT":
            return _right(keys, values[0]), end
        case ">=" | "GE":
            return _left(keys, values[0]), end
        case "BETWEEN":
            return _left(keys, values[0]), _right(keys, values[1])
        case "BEGINS_WITH":
            begin = values[0]
            return _left(keys, begin), bisect_right(keys, begin, key=lambda key: key[0][: len(begin)])
        case _:
            return 0, end


def _left(keys: Sequence[_Key], value: Any) -> int:
    return bisect_left(keys, value, key=_ranged)


def _right(keys: Sequence[_Key], value: Any) -> int:
    return bisect_right(keys, value, key=_ranged)


_ranged = itemgetter(0)

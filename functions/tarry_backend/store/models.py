"""The table: the only place that defines its keys, indexes and attribute names, with ``gate_items``, ``start_items``.

item      pk                              sk                           indexes, while they matter
run       run#<run>                       run                          runs; due (a retry of the function)
step      run#<run>                       step#<step>                  waits, due
alias     run#<run>                       wait#<step>#<n>              waits (further keys of one wait)
                                                                       (both, once ended, by when: under another key)
past step run#<run>                       past#<life>#<step>            (a retry has dropped it)
stop      run#<run>                       stop
chain     run#<first run>                 chain                        (``chains``: which run is the newest)
event     log#<name>#<day>#<shard>        <received_at>#<event id>
          key#<match key>                 <received_at>#<event id>     (by each of its keys)
name      name#<event name>               name
cursor    timers                          cursor
bulk      bulk#<bulk>                     bulk                         (a retry or rerun of many runs)
signal    signal#<name>                   signal                       (``tarry._wire.mailboxes`` has its form)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pynamodb.attributes import (
    Attribute,
    BinaryAttribute,
    MapAttribute,
    NumberAttribute,
    UnicodeAttribute,
)
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection, KeysOnlyProjection
from pynamodb.models import Model

from tarry_backend.store.rows import row, stored

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "DUE_SHARDS",
    "EXPIRES",
    "INDEXES",
    "RUN_SHARDS",
    "AliasItem",
    "CancelRequestItem",
    "CursorItem",
    "DueIndex",
    "EventItem",
    "Item",
    "NameItem",
    "RunItem",
    "RunsIndex",
    "StepItem",
    "WaitsIndex",
    "table_definition",
]

DUE_SHARDS = 4
"""Over how many partitions of the due index the timers are spread."""

RUN_SHARDS = 4
"""Over how many partitions of the runs index the runs under one of a function's keys are spread.

A partition takes 1,000 writes a second, and a slow index throttles its table. A new run is a write.
"""


class WaitsIndex(GlobalSecondaryIndex[Any]):
    """The index of waits, by match key: the matcher finds an event's waits in it, with all that it needs to decide.

    A wait that has ended is under another key, for receipts.
    """

    class Meta:
        index_name = "waits"
        projection = IncludeProjection(["residual", "bindings", "since", "deadline", "resolved_by"])

    match_key = UnicodeAttribute(hash_key=True)
    wait_ref = UnicodeAttribute(range_key=True)


class DueIndex(GlobalSecondaryIndex[Any]):
    """The index of what must happen at a time: sleeps, deadlines, retries."""

    class Meta:
        index_name = "due"
        projection = IncludeProjection(["kind"])

    due_shard = NumberAttribute(hash_key=True)
    due = NumberAttribute(range_key=True)


class RunsIndex(GlobalSecondaryIndex[Any]):
    """The index of a function's runs, by start, for people: ``tarry_backend.store.run_index`` says under which keys."""

    class Meta:
        index_name = "runs"
        projection = KeysOnlyProjection()

    fn_status = UnicodeAttribute(hash_key=True)
    started = NumberAttribute(range_key=True)


class Item(Model):
    """Any item. ``expires`` (Unix seconds) is set on old events, ended runs and ended steps: see ``leases``.

    A model is bound to no table: it has no ``Meta``, and PynamoDB refuses ``save`` and ``query`` on it.
    ``tarry_backend.store.table.Table`` reads and writes items.
    """

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    expires = NumberAttribute(null=True)

    match_key = UnicodeAttribute(null=True)
    wait_ref = UnicodeAttribute(null=True)
    due_shard = NumberAttribute(null=True)
    due = NumberAttribute(null=True)
    fn_status = UnicodeAttribute(null=True)
    started = NumberAttribute(null=True)

    @classmethod
    def from_raw_data(cls, data: dict[str, Any]) -> Any:
        """Return an item of the model that its sort key names, so that one query reads a run with all its parts."""
        model = _by_sort_key(data["sk"]["S"]) if cls is Item else cls
        return super(Item, model).from_raw_data(data)

    @classmethod
    def row(cls, data: dict[str, Any]) -> Any:
        """Return the same as a row: quicker, and read-only."""
        found = row(_by_sort_key(data["sk"]["S"]) if cls is Item else cls, data)
        return cls.from_raw_data(data) if found is None else found

    def stored(self) -> dict[str, Any]:
        """Return the item as DynamoDB stores it, as ``serialize`` does."""
        return stored(self) or self.serialize()


class RunItem(Item):
    """A run. Times are Unix milliseconds; ``event``, ``output`` and ``error`` are packed values.

    With a ``trace`` it is none: an event did not start it (``start_items.TraceItem``).
    """

    fn = UnicodeAttribute()
    status = UnicodeAttribute()
    event = BinaryAttribute(legacy_encoding=False)
    received_at = NumberAttribute()
    ended = NumberAttribute(null=True)
    output = BinaryAttribute(legacy_encoding=False, null=True)
    error = BinaryAttribute(legacy_encoding=False, null=True)
    attempt = NumberAttribute(default=0)
    attempt_steps = NumberAttribute(default=0)
    cancellation = UnicodeAttribute(null=True)
    suspect = UnicodeAttribute(null=True)
    deaths = NumberAttribute(default=0)
    attempt_since = NumberAttribute(null=True)
    life = NumberAttribute(null=True)
    past_lives = UnicodeAttribute(null=True)
    revival = UnicodeAttribute(null=True)
    origin = UnicodeAttribute(null=True)
    version = UnicodeAttribute(null=True)
    batch = BinaryAttribute(legacy_encoding=False, null=True)
    trace = UnicodeAttribute(null=True)
    chain = UnicodeAttribute(null=True)
    successor = UnicodeAttribute(null=True)
    held = NumberAttribute(null=True)
    singleton = UnicodeAttribute(null=True)
    after = UnicodeAttribute(null=True)
    paced = NumberAttribute(null=True)


class StepItem(Item):
    """A step, with its result, its wait and its timer: each change is one write. A dropped one is in no index."""

    kind = UnicodeAttribute()
    status = UnicodeAttribute()
    begun_order = NumberAttribute()
    ended_order = NumberAttribute(null=True)
    began = NumberAttribute()
    ended = NumberAttribute(null=True)
    attempt = NumberAttribute(default=0)
    output = BinaryAttribute(legacy_encoding=False, null=True)
    error = BinaryAttribute(legacy_encoding=False, null=True)
    event_name = UnicodeAttribute(null=True)
    expression = UnicodeAttribute(null=True)
    values = UnicodeAttribute(null=True)
    since = UnicodeAttribute(null=True)
    deadline = NumberAttribute(null=True)
    resolved_by = UnicodeAttribute(null=True)
    note = UnicodeAttribute(null=True)
    shape = UnicodeAttribute(null=True)
    residual = UnicodeAttribute(null=True)
    bindings = UnicodeAttribute(null=True)
    also = UnicodeAttribute(null=True)
    others = UnicodeAttribute(null=True)
    unused = UnicodeAttribute(null=True)
    invoked_function = UnicodeAttribute(null=True)
    invoked_run = UnicodeAttribute(null=True)
    signal = UnicodeAttribute(null=True)
    signal_id = UnicodeAttribute(null=True)
    signal_at = NumberAttribute(null=True)
    asked = UnicodeAttribute(null=True)
    once = NumberAttribute(null=True)


class AliasItem(Item):
    """A further match key of a wait: one for each further alternative of an OR."""

    residual = UnicodeAttribute(null=True)
    bindings = UnicodeAttribute(null=True)
    since = UnicodeAttribute()
    deadline = NumberAttribute()
    resolved_by = UnicodeAttribute(null=True)


class CancelRequestItem(Item):
    """A request to cancel the run, as an item of its own: the executor writes the run anew from what it has read.

    And a look for the request does not read the run's event.
    """


class EventItem(Item):
    """An event in the log. A partition by key leaves out a large event: the partition by name has it."""

    event = BinaryAttribute(legacy_encoding=False, null=True)
    event_name = UnicodeAttribute(null=True)


class NameItem(Item):
    """The shapes that find the open waits on an event name, and the layout of the name's log.

    ``shapes`` has, under a digest of each shape, when it was added and the shape itself. ``log_shards_before`` were
    the log's shards until ``log_shards_set`` (Unix milliseconds).
    """

    shapes: MapAttribute[str, Any] = MapAttribute(null=True)
    name_shards = NumberAttribute(null=True)
    log_shards = NumberAttribute(null=True)
    log_shards_before = NumberAttribute(null=True)
    log_shards_set = NumberAttribute(null=True)


class CursorItem(Item):
    """The time up to which the sweep has read the due index (Unix milliseconds)."""

    until = NumberAttribute()


def _by_sort_key(sk: str) -> type[Item]:
    return {"run": RunItem, "step": StepItem, "past": StepItem, "wait": AliasItem, "stop": CancelRequestItem}.get(
        sk.partition("#")[0], Item
    )


INDEXES: dict[type[GlobalSecondaryIndex[Any]], tuple[Attribute[Any], Attribute[Any]]] = {
    WaitsIndex: (Item.match_key, Item.wait_ref),
    DueIndex: (Item.due_shard, Item.due),
    RunsIndex: (Item.fn_status, Item.started),
}
"""The indexes, each with its partition key and its sort key."""

EXPIRES = Item.expires.attr_name
"""The attribute by which DynamoDB's time to live removes items."""


def table_definition(name: str) -> dict[str, Any]:
    """Return the arguments of ``CreateTable``, read off the models. The stack and the embedded cloud use them."""
    keys = [key for pair in INDEXES.values() for key in pair]
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": _key_schema(Item.pk, Item.sk),
        "AttributeDefinitions": [
            {"AttributeName": attribute.attr_name, "AttributeType": attribute.attr_type}
            for attribute in (Item.pk, Item.sk, *keys)
        ],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": index.Meta.index_name,
                "KeySchema": _key_schema(hash_key, range_key),
                "Projection": _projection(index),
            }
            for index, (hash_key, range_key) in INDEXES.items()
        ],
    }


def _key_schema(hash_key: Attribute[Any], range_key: Attribute[Any]) -> list[dict[str, str]]:
    return [
        {"AttributeName": hash_key.attr_name, "KeyType": "HASH"},
        {"AttributeName": range_key.attr_name, "KeyType": "RANGE"},
    ]


def _projection(index: type[GlobalSecondaryIndex[Any]]) -> dict[str, Any]:
    projection = index.Meta.projection
    names: Sequence[str] | None = projection.non_key_attributes
    return {"ProjectionType": projection.projection_type} | ({"NonKeyAttributes": list(names)} if names else {})

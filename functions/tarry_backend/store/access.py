"""Which items, indexes, objects, queues and bus each Lambda uses. The stack grants these and no others.

``tests/functional/contract/conftest.py`` checks each call of each Lambda against these tables. A grant that is missing
here would be refused on AWS alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tarry._wire.internal_events import FINISHED
from tarry._wire.mailboxes import ATTRIBUTES, SIGNALS
from tarry_backend.store.gate_items import ControlItem
from tarry_backend.store.models import EXPIRES, DueIndex, Item, RunItem, RunsIndex, WaitsIndex
from tarry_backend.store.start_items import SingletonItem, TraceItem

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "INDEXES",
    "ITEMS",
    "LISTED",
    "OBJECTS",
    "PUBLISHERS",
    "REMOTE_ITEMS",
    "REMOTE_PUBLISHERS",
    "SENDERS",
    "Access",
]

_RUN, _LOG, _KEY, _NAME, _ONCE, _SIGNAL = "run#*", "log#*", "key#*", "name#*", "once#*", f"{SIGNALS}*"
_CURSOR, _GATE, _LINE, _CONTROL, _LIMIT, _SINGLE = "timers", "gate#*", "line#*", "fn#*", "limit#*", "single#*"
_CALM, _PACE, _BATCH = "calm#*", "pace#*", "batch#*"

_ENDS = f"{_LOG[:-1]}{FINISHED}#*"
"""The log of finished runs' announcements, which the executor writes itself."""

_MARK = (Item.pk.attr_name, Item.sk.attr_name, EXPIRES)
"""The attributes of a request to cancel a run. With these the Lambda cannot put an item into an index."""


_REVIVED = tuple(
    each.attr_name
    for each in (
        Item.pk,
        Item.sk,
        Item.expires,
        Item.fn_status,
        Item.due,
        Item.due_shard,
        RunItem.status,
        RunItem.ended,
        RunItem.life,
        RunItem.revival,
    )
)
"""The attributes that the retry of a run changes."""

_LEFT = (*_MARK, TraceItem.trace.attr_name)
"""The attributes of a trace: of an event that starts its run together with others."""

_ASKED = tuple(
    each.attr_name
    for each in (
        Item.pk,
        Item.sk,
        ControlItem.paused,
        ControlItem.draining,
        ControlItem.limit_now,
        ControlItem.throttle_now,
        ControlItem.rate_limit_now,
    )
)
"""The attributes of what people ask of a function: a pause, a drain, a limit."""

_TURN = tuple(
    each.attr_name for each in (Item.pk, Item.sk, SingletonItem.run_id, SingletonItem.position, SingletonItem.stamp)
)
"""The attributes by which a retried run takes its singleton again."""

_NEW_RUN = tuple(
    each.attr_name
    for each in (
        Item.pk,
        Item.sk,
        Item.fn_status,
        Item.started,
        Item.due,
        Item.due_shard,
        RunItem.fn,
        RunItem.status,
        RunItem.event,
        RunItem.received_at,
        RunItem.batch,
        RunItem.attempt,
        RunItem.attempt_steps,
        RunItem.deaths,
        RunItem.revival,
        RunItem.origin,
    )
)
"""The attributes of the item of a rerun. None of them puts it among the waits."""


@dataclass(frozen=True, slots=True)
class Access:
    """What a Lambda does with items of the table.

    Attributes:
        actions: DynamoDB's operations.
        keys: Patterns of the partition keys.
        attributes: The only attributes that a request may name; empty for all.
    """

    actions: tuple[str, ...]
    keys: tuple[str, ...]
    attributes: tuple[str, ...] = ()


ITEMS: Mapping[str, tuple[Access, ...]] = {
    "matcher": (
        Access(("BatchWriteItem",), (_LOG, _KEY)),
        Access(("Query",), (_LOG,)),
        Access(("BatchWriteItem",), (_RUN,), _MARK),
        Access(("GetItem",), (_NAME, _CALM, _BATCH)),
        Access(("BatchGetItem",), (_RUN,)),
        Access(("PutItem",), (_CALM,)),
        Access(("PutItem",), (_RUN,), _LEFT),
        Access(("UpdateItem",), (_NAME, _RUN, _CALM, _BATCH)),
    ),
    "executor": (
        Access(("BatchWriteItem",), (_RUN, _ENDS)),
        Access(("BatchGetItem",), (_LOG,)),
        Access(("GetItem",), (_RUN, _NAME, _SIGNAL, _CONTROL, _LIMIT, _SINGLE)),
        Access(("PutItem",), (_RUN, _ONCE, _SIGNAL, _LIMIT, _SINGLE)),
        Access(("Query",), (_RUN, _LOG, _KEY, _LINE)),
        Access(("UpdateItem",), (_NAME, _RUN, _GATE, _LINE, _SINGLE, _PACE)),
        Access(("DeleteItem",), (_LINE,)),
    ),
    "timers": (
        Access(("GetItem",), (_RUN, _NAME)),
        Access(("Query",), (_LOG, _KEY)),
    ),
    "sweep": (Access(("GetItem", "PutItem"), (_CURSOR,)),),
    "signals": (
        Access(("GetItem",), (_SIGNAL,)),
        Access(("PutItem",), (_SIGNAL,), ATTRIBUTES),
    ),
    "api": (
        Access(("BatchWriteItem",), (_RUN,), _MARK),
        Access(("UpdateItem",), (_RUN,), _REVIVED),
        Access(("UpdateItem",), (_CONTROL,), _ASKED),
        Access(("PutItem",), (_RUN,), _NEW_RUN),
        Access(("PutItem",), (_SINGLE,), _TURN),
        Access(("BatchGetItem",), (_RUN,)),
        Access(("GetItem",), (_RUN, _NAME, _LINE, _CONTROL, _SINGLE, _BATCH, _CALM, _PACE, _GATE)),
        Access(("Query",), (_RUN, _LOG, _LINE, _CALM)),
    ),
}
"""The grants by Lambda entry point. ``TransactWriteItems`` needs the permissions of its parts."""

_REMOTE, _CRONS = "remote", "crons"

REMOTE_ITEMS: Mapping[str, tuple[Access, ...]] = {
    "matcher": (Access(("Query",), (_REMOTE,)),),
    "executor": (Access(("Query",), (_REMOTE,)),),
    "api": (Access(("Query",), (_REMOTE,)),),
    "sweep": (Access(("Query",), (_REMOTE,)), Access(("GetItem", "PutItem"), (_CRONS,))),
    "sync": (Access(("Query", "PutItem", "DeleteItem"), (_REMOTE,)),),
    "gateway": (
        Access(("Query",), (_RUN, _REMOTE)),
        Access(("PutItem",), (_REMOTE,)),
        Access(("GetItem",), (_SIGNAL,)),
        Access(("PutItem",), (_SIGNAL,), ATTRIBUTES),
    ),
}
"""What these use beside, in a stack with remote apps."""

_LARGE_LOG, _LARGE_RUN = "log/*", "runs/*"
_LARGE_END = "log/*-finished-*"

OBJECTS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "matcher": {"GetObject": (_LARGE_LOG,), "PutObject": (_LARGE_LOG,)},
    "executor": {
        "GetObject": (_LARGE_LOG, _LARGE_RUN),
        "PutObject": (_LARGE_END, _LARGE_RUN),
        "DeleteObject": (_LARGE_RUN,),
    },
    "timers": {"GetObject": (_LARGE_LOG, _LARGE_RUN)},
    "api": {"GetObject": (_LARGE_LOG, _LARGE_RUN), "PutObject": (_LARGE_RUN,)},
    "gateway": {"GetObject": (_LARGE_RUN,)},
}
"""The names of the bucket's objects, by Lambda entry point and operation."""

LISTED: Mapping[str, str] = {"executor": _LARGE_RUN}
"""The names of objects that a Lambda may list, by entry point: it removes those of runs that are gone."""

_WAITS, _DUE, _RUNS_OF = (index.Meta.index_name for index in (WaitsIndex, DueIndex, RunsIndex))

INDEXES: Mapping[str, tuple[str, ...]] = {"matcher": (_WAITS,), "sweep": (_DUE,), "api": (_WAITS, _DUE, _RUNS_OF)}
"""The table's indexes that a Lambda queries, by entry point."""

SENDERS: Mapping[str, tuple[str, ...]] = {
    "matcher": ("events", "runs", "timers"),
    "executor": ("runs", "timers"),
    "timers": ("events", "runs", "timers"),
    "sweep": ("timers",),
    "signals": ("runs",),
    "api": ("runs", "timers"),
    "gateway": ("runs",),
}
"""The queues that a Lambda sends to, by entry point."""

PUBLISHERS = ("executor",)
"""The Lambdas that put events on the bus."""

REMOTE_PUBLISHERS = ("sweep", "gateway")
"""Those that do in a stack with remote apps."""

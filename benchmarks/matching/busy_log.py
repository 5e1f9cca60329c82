"""The log of a busy name: what a look into it reads, and what its busiest partition takes, by name and by key.

``python -m benchmarks.matching.busy_log``, or ``make bench-log``. It runs over DynamoDB Local.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from benchmarks.dynamodb_local import dynamodb_local
from benchmarks.matching.wire import EVENTS_QUEUE, RUNS_QUEUE, TIMERS_QUEUE, Wire
from tarry import Event
from tarry_backend.clock import now
from tarry_backend.deploy.settings import Settings
from tarry_backend.matching import match_key, plan
from tarry_backend.model.position import Position
from tarry_backend.model.received_event import ReceivedEvent
from tarry_backend.replay import Wait
from tarry_backend.store import LogEntry, Name, Names, open_store
from tarry_backend.store.models import table_definition
from tarry_backend.waits.lookup import look

if TYPE_CHECKING:
    from tarry_backend.store import Store, Table

__all__ = ["main", "measured"]

NAME = "order/paid"
SECONDS = 15
"""How far a settle looks back."""

RATES = (10, 100, 1_000)


def main() -> None:
    """Prints a table."""
    os.environ |= {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench", "AWS_DEFAULT_REGION": "us-east-1"}
    wire = Wire()
    print(f"a look {SECONDS} s back, for a wait with a key of its own whose event is the last")
    print(f"{'events/s':>9} {'log':>8} {'requests':>9} {'read units':>11} {'ms':>8} {'writes/event':>13}", end=" ")
    print(f"{'busiest partition, writes/s':>28}")
    with dynamodb_local(Path(".cache")) as endpoint:
        for rate in RATES:
            for by_key in (False, True):
                found = measured(wire, endpoint, rate, by_key=by_key)
                print(
                    f"{rate:>9,} {'by key' if by_key else 'by name':>8} {found['requests']:>9} {found['units']:>11,.1f}"
                    f" {found['ms']:>8,.1f} {found['writes']:>13.1f} {found['busiest']:>28,.0f}",
                    flush=True,
                )


def measured(wire: Wire, endpoint: str | None, rate: int, *, by_key: bool) -> dict[str, Any]:
    """Logs the events of ``SECONDS`` at that rate, and looks for the last of them."""
    settings = Settings(
        app="bench",
        table=f"log-{rate}-{by_key}",
        bucket="none",
        bus="none",
        events_queue=EVENTS_QUEUE,
        runs_queue=RUNS_QUEUE,
        timers_queue=TIMERS_QUEUE,
    )
    dynamodb = boto3.client("dynamodb", endpoint_url=endpoint)
    dynamodb.create_table(**table_definition(settings.table))
    try:
        return _measured(wire, open_store(settings, endpoint), dynamodb, rate, by_key)
    finally:
        dynamodb.delete_table(TableName=settings.table)


def _measured(wire: Wire, store: Store, dynamodb: Any, rate: int, by_key: bool) -> dict[str, Any]:
    end = now()
    wait = _wait(rate * SECONDS - 1, end)
    [alternative] = wait.alternatives
    long_ago = end - 3_600_000
    name = Name({alternative.shape: long_ago} if by_key else {})
    store = replace(store, names=_KnownNames(store.table, name))
    wire.take()
    events = [_received(number, end - SECONDS * 1000 + number * 1000 // rate) for number in range(rate * SECONDS)]
    store.log.append(
        LogEntry(each, name.log_shards, tuple(match_key(NAME, shape, each.event) or "" for shape in name.shapes))
        for each in events
    )
    written = wire.take()
    began = time.perf_counter()
    looked = look(wait, store, frozenset(), end)
    while (cursor := looked.cursor) is not None:
        looked = look(wait, store, frozenset(), end, after=cursor)
    took = time.perf_counter() - began
    assert looked.found is not None
    read = wire.take()
    return {
        "requests": sum(read.requests.values()),
        "units": read.read_units,
        "ms": took * 1000,
        "writes": written.write_units / len(events),
        "busiest": _busiest(dynamodb) / SECONDS,
    }


class _KnownNames(Names):
    """Names of which one is known."""

    def __init__(self, table: Table, name: Name) -> None:
        super().__init__(table)
        self._name = name

    def recent(self, event_name: str) -> Name:
        return self._name


def _busiest(dynamodb: Any) -> int:
    """The writes that the fullest partition took."""
    counts: Counter[str] = Counter()
    for table in dynamodb.list_tables()["TableNames"]:
        for page in dynamodb.get_paginator("scan").paginate(TableName=table, ProjectionExpression="pk"):
            counts.update(item["pk"]["S"] for item in page["Items"])
    return max(counts.values())


def _wait(number: int, end: int) -> Wait:
    trigger = Event("order/placed", {"orderId": f"order-{number}"})
    planned = plan(NAME, "async.data.orderId == event.data.orderId", trigger)
    since = Position(end - SECONDS * 1000 - 1)
    return Wait(
        event_name=NAME,
        expression=None,
        since=since,
        deadline=end + 3_600_000,
        alternatives=planned.alternatives,
    )


def _received(number: int, moment: int) -> ReceivedEvent:
    data = {"orderId": f"order-{number}", "total": number * 1.5, "lines": [{"sku": f"sku-{number}", "count": 2}] * 3}
    assert len(json.dumps(data)) < 400
    return ReceivedEvent(Event(NAME, data, id=f"event-{number}", ts=moment, source="bench"), moment)


if __name__ == "__main__":
    main()

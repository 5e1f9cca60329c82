"""The console with 10,000 runs on the embedded cloud: no page reads them all.

In requests and items, which are the same on each machine. The page with the most took 180 ms of CPU.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.client import BaseClient

from tarry import Event
from tarry.event import base32
from tarry_backend.model.received_event import ReceivedEvent
from tarry_backend.model.run import RunSnapshot, RunStatus
from tarry_backend.model.step import Failure
from tarry_backend.runtime import runtime
from tarry_backend.store.log import LogEntry
from tarry_dev.cloud import Cloud, MovedClock
from tarry_dev.cloud.host import Host
from tarry_dev.console.visit import path_of
from tests.functional.console_site import Site, make_app

RUNS, WAITING = 10_000, 500

MOST_REQUESTS, MOST_ITEMS = 80, 4_000
"""Of a page."""


@pytest.fixture
def site() -> Iterator[Site]:
    """The console of an app that had 10,000 runs in a day, of which some wait and some have failed."""
    with Cloud(make_app(), clock=MovedClock()) as cloud:
        host = Host(cloud)
        host.send("order/placed", {"id": 0, "total": 1})
        one = runtime().store.runs.load(host.run("order").id)
        assert one is not None
        fill(one)
        yield Site.of(host)


def fill(one: RunSnapshot) -> None:
    """Write copies of a run that waits, as runs that began one after the other, and the events that began them."""
    store: Any = runtime().store
    runs = store.runs
    with store.table.batch() as batch:
        for number in range(1, RUNS):
            event = replace(one.run.event, id=f"e-{number}", data={"id": number, "total": number})
            run = replace(one.run, id=base32(number << 90), event=event, started=one.run.started + number * 8_000)
            if number % 20 == 0 and number // 20 < WAITING:
                for step in one.steps:
                    batch.save(runs._steps.item(run.id, step))
            else:
                failed = number % 7 == 0
                run = replace(
                    run,
                    status=RunStatus.FAILED if failed else RunStatus.FINISHED,
                    ended=run.started + 5_000,
                    output=None if failed else '{"paid": true}',
                    error=Failure("ValueError", "the card is refused") if failed else None,
                )
            batch.save(runs.items.item(run))
    received = [
        ReceivedEvent(Event("order/placed", {"id": number}, f"e-{number}", 5, source="tarry.shop"), one.run.started)
        for number in range(1, RUNS, 4)
    ]
    for first in range(0, len(received), 100):
        store.log.append([LogEntry(each, 1) for each in received[first:][:100]])


PAGES = (
    "/runs",
    "/runs?function=order",
    "/runs?status=failed",
    "/runs?status=running",
    "/runs?text=refused",
    "/runs?if=event.data.total%20%3E%205000",
    "/runs/{run}",
    "/runs/many?verb=cancel",
    "/waits",
    "/functions",
    "/events?name=order/placed&back=1h",
    "/send",
    "/send?name=order/placed",
    "/dead-letters",
    path_of("events", "e-9997", name="order/placed", source="tarry.shop"),
)


def test_no_page_makes_more_requests_or_reads_more_items_than_a_few_lists_take(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: Counter[str] = Counter()
    make_api_call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]

    def counted(client: BaseClient, operation: str, params: dict[str, Any]) -> Any:
        answer = make_api_call(client, operation, params)
        tables = answer.get("Responses", {}).values()
        asked["requests"] += 1
        asked["items"] += len(answer.get("Items", ())) + sum(map(len, tables))
        return answer

    monkeypatch.setattr(BaseClient, "_make_api_call", counted)
    large = {}
    for page in PAGES:
        asked.clear()
        assert site.get(page.format(run=base32(20 << 90))).status_code == 200, page
        assert asked, page
        if asked["requests"] > MOST_REQUESTS or asked["items"] > MOST_ITEMS:
            large[page] = dict(asked)
    assert large == {}

"""Several stores in one process, each with a table of its own, in a region or at an endpoint of its own."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import boto3
import pytest

from tarry import App, Event
from tarry._wire.mailbox import Letter
from tarry_backend.model.alternative import Alternative
from tarry_backend.model.position import Position
from tarry_backend.model.received_event import ReceivedEvent
from tarry_backend.model.run import Run, RunStatus
from tarry_backend.model.step import Status, Step, Wait
from tarry_backend.runtime import runtime
from tarry_backend.store import LogEntry, Name, Store, once_claim, open_store
from tarry_backend.store.models import Item, table_definition
from tarry_dev.cloud import Cloud
from tarry_dev.pytest_plugin import MakeCloud

NOON = 1_767_614_400_000


@pytest.fixture
def cloud(tarry_cloud: MakeCloud) -> Cloud:
    return tarry_cloud(App("shop"))


def second_table(cloud: Cloud) -> Store:
    boto3.client("dynamodb").create_table(**table_definition("second"))
    return open_store(replace(cloud.settings, table="second"))


def second_region(cloud: Cloud) -> Store:
    boto3.client("dynamodb", region_name="eu-west-1").create_table(**table_definition(cloud.settings.table))
    return open_store(cloud.settings, region="eu-west-1")


def fill(store: Store, what: str) -> None:
    """Writes one of each kind that the store has."""
    event = Event("placed", {"id": what}, id=f"event-{what}", ts=NOON)
    run = Run(id=f"run-{what}", function_id="order", event=event, received_at=NOON, started=NOON, due=NOON + 1)
    assert store.runs.create(run)
    store.log.append([LogEntry(ReceivedEvent(event, NOON), 1)])
    store.names.add("paid", f'[["data","{what}"]]')
    store.dues.move_cursor(len(what))
    store.mailboxes.change("go", lambda box: (replace(box, letter=Letter(what, "{}", NOON)), None))
    wait = Wait(
        event_name="paid",
        expression=None,
        since=Position(NOON),
        deadline=NOON + 1,
        alternatives=(Alternative("*0", "key#"),),
    )
    step = Step(key="wait", kind="wait", status=Status.WAITING, begun_order=1, began=NOON, wait=wait)
    store.runs.keep(run.id, step, is_new=True)


def content(store: Store) -> dict[str, Any]:
    """What each part of the store finds."""
    letter = store.mailboxes.look("go").letter
    return {
        "runs": [each.run.id for each in store.queries.newest_runs(["order"], [RunStatus.RUNNING])],
        "waits": [each.run_id for each in store.waits.candidates("key#").candidates],
        "log": [each.event.id for each in store.log.read("placed", Position(0), NOON)],
        "scanned": [each.event.id for each in store.queries.events(None, 0, NOON)],
        "shapes": set(store.names.of("paid").shapes),
        "dues": [due.run_id for shard in range(4) for due in store.dues.between(shard, 0, NOON + 1)],
        "cursor": store.dues.cursor(),
        "letter": letter.id if letter else None,
    }


def filled_with(what: str) -> dict[str, Any]:
    return {
        "runs": [f"run-{what}"],
        "waits": [f"run-{what}"],
        "log": [f"event-{what}"],
        "scanned": [f"event-{what}"],
        "shapes": {f'[["data","{what}"]]'},
        "dues": [f"run-{what}"],
        "cursor": len(what),
        "letter": what,
    }


@pytest.mark.parametrize("open_second", [second_table, second_region])
def test_two_stores_write_and_read_each_its_own_table(cloud: Cloud, open_second: Any) -> None:
    first, second = open_store(cloud.settings), open_second(cloud)
    fill(first, "first")
    fill(second, "another")
    assert content(first) == filled_with("first")
    assert content(second) == filled_with("another")
    assert content(runtime().store) == filled_with("first")


def test_a_transaction_is_one_of_the_stores_own_table(cloud: Cloud) -> None:
    first, second = open_store(cloud.settings), second_table(cloud)
    run = Run(id="r", function_id="order", event=Event("placed", id="e"), received_at=NOON, started=NOON)
    claim = once_claim(run, "value")
    assert first.starts.begin(run, claim) == ()
    assert first.starts.begin(run, claim) == (True, True)
    assert second.starts.begin(run, claim) == ()


@contextmanager
def recording() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """A server that finds nothing and takes everything: its address, and what it is asked."""
    asked: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(self.headers["X-Amz-Target"].partition(".")[2], b"{}")

        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(self.path, b"")

        def log_message(self, *_: object) -> None:
            """Writes nothing."""

        def _answer(self, what: str, body: bytes) -> None:
            asked.append((self.command, what))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


def test_a_store_at_another_endpoint_asks_there_and_the_others_do_not(cloud: Cloud) -> None:
    with recording() as (url, asked):
        elsewhere, here = open_store(cloud.settings, url), open_store(cloud.settings)
        fill(here, "first")
        assert elsewhere.names.of("paid") == Name()
        assert elsewhere.mailboxes.look("go").letter is None
        large = Event("placed", {"text": random.Random(1).randbytes(200_000).hex()}, id="e")
        run = Run(id="r", function_id="order", event=large, received_at=NOON, started=NOON)
        assert elsewhere.runs.create(run)
        assert content(here) == filled_with("first")
        [*to_the_table, (_, path), last] = asked
        assert [*to_the_table, last] == [("POST", "GetItem"), ("POST", "GetItem"), ("POST", "PutItem")]
        assert path.startswith(f"/{cloud.settings.bucket}/runs/r/event-")


def test_a_store_whose_endpoint_has_ended_is_no_others(cloud: Cloud) -> None:
    """As after a command that has asked ``tarry dev``, which has ended since."""
    with recording() as (url, _):
        ended = open_store(cloud.settings, url)
        assert ended.names.of("paid") == Name()
    runtime().store.table.put(Item("a", "item"))
    assert [item.pk for page in open_store(cloud.settings).table.scan(Item) for item in page] == ["a"]

"""A write whose condition does not hold brings what stands there: it is not read once more."""

from dataclasses import replace

import pytest

from tarry._wire.mailbox import Letter, Mailbox
from tarry._wire.mailboxes import Mailboxes
from tarry_backend.runtime import runtime
from tarry_backend.store import Name, Names
from tarry_dev.cloud import Host
from tests.functional.contract.wire import Ask, Json, tamper

OPERATIONS = ("GetItem", "PutItem", "Query", "UpdateItem")


@pytest.fixture
def requests(host: Host, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The table's requests from here on."""
    found: list[str] = []

    def note(operation: str) -> None:
        def answer(request: Json, ask: Ask) -> Json:
            found.append(operation)
            return ask(request)

        tamper(monkeypatch, [f"DynamoDB.{operation}"], answer)

    for operation in OPERATIONS:
        note(operation)
    return found


def test_a_shape_that_another_executor_has_added_costs_one_request(requests: list[str]) -> None:
    ours, theirs = (Names(runtime().store.table) for _ in range(2))
    assert ours.of("paid") == Name()
    assert theirs.add("paid", '[["data","id"]]')
    requests.clear()
    assert ours.add("paid", '[["data","id"]]')
    assert requests == ["UpdateItem"]
    assert ours.recent("paid") == theirs.recent("paid")
    assert requests == ["UpdateItem"]


def test_a_log_that_another_matcher_has_spread_costs_one_request(requests: list[str]) -> None:
    ours, theirs = (Names(runtime().store.table) for _ in range(2))
    ours.of("paid")
    theirs.spread_log("paid", 4)
    requests.clear()
    assert ours.spread_log("paid", 2).log_shards == 4
    assert requests == ["UpdateItem"]


def test_a_mailbox_that_another_has_written_meanwhile_is_read_once(requests: list[str]) -> None:
    """ours      read ──────────── write (refused) ── write
    theirs            read ── write
    """
    ours, theirs = (Mailboxes(runtime().settings.table) for _ in range(2))
    seen: list[Mailbox] = []

    def add(box: Mailbox, letter_id: str) -> tuple[Mailbox, None]:
        return replace(box, letter=Letter(letter_id, "{}", 1)), None

    def decide(box: Mailbox) -> tuple[Mailbox, None]:
        if not seen:
            theirs.change("go", lambda box: add(box, "theirs"))
            requests.clear()
        seen.append(box)
        return add(box, "ours")

    ours.change("go", decide)
    assert [box.letter.id if box.letter else None for box in seen] == [None, "theirs"]
    assert requests == ["PutItem", "PutItem"]

"""The lists of the HTTP API: runs, open waits and events, the same documents as the commands', page by page."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tarry import App, Context, Event, TriggerEvent
from tarry_backend.api.documents import open_wait_document, received_document, run_document
from tarry_backend.runtime import runtime
from tarry_dev.cloud import Host
from tarry_dev.cloud.api import ask


@pytest.fixture(autouse=True)
def order(app: App) -> None:
    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"))
    async def order(ctx: Context) -> str | None:
        paid = await ctx.step.wait_for_event("paid", event="paid", match="data.id", timeout="2h")
        return paid.id if paid else None

    @app.create_function(fn_id="nap", trigger=TriggerEvent(event="tired"))
    async def nap(ctx: Context) -> None:
        await ctx.step.sleep("nap", "1h")
        await ctx.step.wait_for_signal("up", signal=f"up/{ctx.run_id}", timeout="1h")


def told(path: str, **query: str) -> tuple[int, Any]:
    status, body = ask("GET", path, query)
    return status, json.loads(body)


def pages(path: str, entries: str, **query: str) -> Iterator[list[Any]]:
    """Yield the pages of a list, from the first to the last."""
    more: dict[str, str] = {}
    while True:
        status, page = told(path, **query, **more)
        assert (status, page.keys()) == (200, {entries, "next"})
        yield page[entries]
        if page["next"] is None:
            return
        more = {"cursor": page["next"]}


def place(host: Host, count: int) -> None:
    host.send([Event("placed", {"id": number}, id=f"o{number}") for number in range(count)])


def test_the_runs_are_those_that_the_command_lists(host: Host) -> None:
    place(host, 3)
    host.send("tired")
    host.send("paid", {"id": 1})
    newest = runtime().store.queries.newest_runs(["order", "nap"])
    assert told("/runs") == (200, {"runs": [run_document(each) for each in newest], "next": None})
    assert [run["function"] for run in told("/runs", function="nap")[1]["runs"]] == ["nap"]
    assert [run["event"]["id"] for run in told("/runs", status="finished")[1]["runs"]] == ["o1"]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 100])
def test_the_pages_of_the_runs_have_each_run_once_newest_first(host: Host, size: int) -> None:
    place(host, 7)
    host.send("paid", {"id": 3})
    found = list(pages("/runs", "runs", limit=str(size)))
    assert [len(page) for page in found] == [size] * (7 // size) + [7 % size] * (7 % size > 0)
    assert [run["event"]["id"] for page in found for run in page] == [f"o{number}" for number in reversed(range(7))]


def test_runs_that_started_in_one_millisecond_are_each_on_one_page(host: Host) -> None:
    from tarry_backend.model.run import RunStatus
    from tarry_backend.store.models import RunItem
    from tarry_backend.store.run_index import index_key

    ids = [f"R{number}" for number in range(5)]
    for run_id in ids:
        key = index_key("order", RunStatus.RUNNING, run_id)
        item = RunItem(f"run#{run_id}", "run", fn="order", status="running", event=b"j{}", received_at=1)
        item.fn_status, item.started = key, 1_767_614_400_000
        runtime().store.table.put(item)
    queries, seen = runtime().store.queries, list[tuple[int, str]]()
    for _ in range(5):
        start, is_running = next(queries.run_keys(["order"], [RunStatus.RUNNING], 1, seen[-1] if seen else None))
        seen.append(start)
        assert is_running
    assert [run_id for _, run_id in seen] == sorted(ids, reverse=True)


@pytest.mark.parametrize("size", [1, 2, 4, 100])
def test_the_pages_of_the_waits_have_each_open_wait_once_nearest_deadline_first(host: Host, size: int) -> None:
    host.send("tired")
    host.advance("1h")
    host.send("tired")  # sleeps: no wait
    place(host, 3)
    expected = [open_wait_document(*each) for each in runtime().store.queries.open_waits()]
    assert len(expected) == 4
    found = list(pages("/waits", "waits", limit=str(size)))
    assert [wait for page in found for wait in page] == expected
    assert [len(page) for page in found] == [size] * (4 // size) + [4 % size] * (4 % size > 0)


@pytest.mark.parametrize("size", [1, 3, 5, 100])
def test_the_pages_of_the_events_have_each_event_once_in_their_order(host: Host, size: int) -> None:
    place(host, 5)
    host.send("tired")
    logged = runtime().store.queries.events("placed", 0, host.cloud.clock.now())
    expected = [received_document(each) for each in logged]
    found = list(pages("/events", "events", name="placed", limit=str(size)))
    assert [event for page in found for event in page] == expected
    host.advance("2h")
    assert told("/events", name="placed")[1] == {"events": [], "next": None}
    assert len(told("/events", name="placed", since="1d")[1]["events"]) == 5


def test_an_event_that_comes_between_two_pages_is_on_a_later_page(host: Host) -> None:
    place(host, 2)
    cursor = told("/events", name="placed", limit="1")[1]["next"]
    host.send([Event("placed", {"id": 9}, id="late")])
    ids = [event["id"] for event in told("/events", name="placed", cursor=cursor)[1]["events"]]
    assert ids == ["o1", "late"]


@pytest.mark.parametrize(
    ("path", "query", "status", "says"),
    [
        ("/runs", {"limit": "0"}, 400, "the limit '0' is no whole number from 1 to 100"),
        ("/runs", {"limit": "101"}, 400, "the limit '101'"),
        ("/waits", {"limit": "²"}, 400, "the limit '²'"),
        ("/runs", {"status": "done"}, 400, "'done' is none of running, finished, failed, cancelled"),
        ("/runs", {"function": "ordr"}, 404, "there is no function 'ordr': the app has order, nap"),
        ("/runs", {"function": "x" * 3_000}, 404, "there is no function 'xxx"),
        ("/runs", {"state": "failed"}, 400, "has no parameter 'state'; it has function, status, limit, cursor"),
        ("/runs", {"cursor": "nonsense"}, 400, "the cursor is none of this list"),
        ("/runs", {"cursor": "é"}, 400, "the cursor is none of this list"),
        ("/waits", {"cursor": "WzEsICJhIl0"}, 400, "the cursor is none of this list"),  # [1, "a"], as of runs
        ("/events", {}, 400, "give the name of the events (?name=order/paid)"),
        ("/events", {"name": "x" * 200}, 400, "the name 'xxx"),
        ("/events", {"name": "paid", "since": "1q"}, 400, "'1q' is not a duration"),
        ("/events", {"name": "paid", "cursor": "WzEsICJcdWQ4MDAiXQ"}, 400, "the cursor is none"),  # [1, "\ud800"]
    ],
)
def test_what_no_list_can_answer_is_an_error_in_json(
    host: Host, path: str, query: dict[str, str], status: int, says: str
) -> None:
    answered, body = told(path, **query)
    assert (answered, body["statusCode"]) == (status, status)
    assert says in body["message"]

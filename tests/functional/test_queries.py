"""What people look for in the store: runs, waits, events."""

import random
from itertools import islice

import pytest

from tarry import App, Context, Event, TriggerEvent
from tarry_backend.api import lists
from tarry_backend.api.lists import Lists
from tarry_backend.model.run import RunStatus
from tarry_backend.runtime import runtime
from tarry_backend.store import queries as queries_module
from tarry_backend.store import run_index
from tarry_backend.store.models import RUN_SHARDS, Item
from tarry_dev.cloud.host import Host
from tarry_dev.pytest_plugin import MakeHost


def waiting_app() -> App:
    app = App("shop")

    @app.create_function(fn_id="patient", trigger=TriggerEvent(event="long"))
    async def patient(ctx: Context) -> None:
        await ctx.step.wait_for_event("wait", event="done", match="data.id", timeout="30d")

    @app.create_function(fn_id="hasty", trigger=TriggerEvent(event="short"))
    async def hasty(ctx: Context) -> None:
        await ctx.step.wait_for_event("wait", event="done", match="data.id", timeout="1h")
        await ctx.step.sleep("sleep", "60d")

    return app


@pytest.fixture
def host(tarry: MakeHost) -> Host:
    """Four runs, a minute apart: of patient 1 and 3, of hasty 2 and 4."""
    host = tarry(waiting_app())
    for number, name in enumerate(["long", "short", "long", "short"], start=1):
        host.send([Event(name, {"id": number}, id=f"e-{number}")])
        host.advance("1m")
    return host


def found(functions: list[str], statuses: list[RunStatus], limit: int = 20) -> list[str]:
    snapshots = runtime().store.queries.newest_runs(functions, statuses, limit)
    return [snapshot.run.event.id for snapshot in snapshots]


def test_runs_of_several_functions_come_newest_first(host: Host) -> None:
    assert found(["patient", "hasty"], [RunStatus.RUNNING]) == ["e-4", "e-3", "e-2", "e-1"]
    assert found(["patient", "hasty"], [RunStatus.RUNNING], limit=3) == ["e-4", "e-3", "e-2"]
    assert found(["hasty"], [RunStatus.RUNNING]) == ["e-4", "e-2"]


def test_runs_are_found_by_the_status_that_they_have_now(host: Host) -> None:
    host.send("done", {"id": 3})
    assert found(["patient"], [RunStatus.RUNNING]) == ["e-1"]
    assert found(["patient"], [RunStatus.FINISHED]) == ["e-3"]
    assert found(["patient"], list(RunStatus)) == ["e-3", "e-1"]


def test_open_waits_come_with_the_nearest_deadline_first_and_without_sleeps(host: Host) -> None:
    def waiting() -> list[str]:
        return [run.event.id for run, _ in runtime().store.queries.open_waits()]

    assert waiting() == ["e-2", "e-4", "e-1", "e-3"]
    host.send("done", {"id": 2})
    host.send("done", {"id": 1})
    assert waiting() == ["e-4", "e-3"]
    assert [step.key for _, step in islice(runtime().store.queries.open_waits(), 1)] == ["wait"]


def test_a_run_is_found_by_the_beginning_of_its_id(host: Host) -> None:
    run_id = host.run("hasty").id
    assert runtime().store.queries.run_ids(["patient", "hasty"], run_id[:12]) == [run_id]
    assert len(runtime().store.queries.run_ids(["patient", "hasty"], "")) == 4
    assert runtime().store.queries.run_ids(["patient"], run_id) == []


def test_events_are_read_in_their_order_of_one_name_or_all(host: Host) -> None:
    store, now = runtime().store, host.cloud.clock.now()

    def ids(name: str | None, since: int) -> list[str]:
        return [received.event.id for received in store.queries.events(name, since, now)]

    assert ids("long", 0) == ["e-1", "e-3"]
    assert ids(None, 0) == ["e-1", "e-2", "e-3", "e-4"]
    assert ids(None, now - 150_000) == ["e-3", "e-4"]
    assert ids("done", 0) == []


def test_the_reading_of_the_whole_table_stops_at_the_page_at_which_it_is_told_to(host: Host) -> None:
    """Twenty events of 75 KB each, as they are kept, make two pages."""
    texts = [random.Random(number).randbytes(75_000).hex() for number in range(20)]
    host.send([Event("large", {"text": text}, id=f"l-{number}") for number, text in enumerate(texts)])
    store, now = runtime().store, host.cloud.clock.now()
    pages: list[int] = []

    def found(most: int) -> int:
        def on_page(page: int) -> bool:
            pages.append(page)
            return page < most

        return len(list(store.queries.events(None, 0, now, on_page)))

    assert found(99) == 24
    assert pages == [1, 2]
    assert 0 < found(1) < 24
    assert pages == [1, 2, 1]


def crowd(host: Host) -> list[str]:
    """Twelve further runs of the patient, in the order of their starts."""
    for number in range(12):
        host.send([Event("long", {"id": number}, id=f"c-{number}")])
        host.advance("1s")
    return [run.id for run in host.runs("patient")]


def test_the_runs_of_one_function_and_status_are_spread_over_the_partitions_of_their_index(host: Host) -> None:
    crowd(host)
    pages = runtime().store.table.scan(Item, Item.fn_status.startswith("patient#running"))
    keys = {item.fn_status for page in pages for item in page}
    assert keys == {f"patient#running#{shard}" for shard in range(RUN_SHARDS)}


@pytest.mark.parametrize("limit", [1, 5, 14, 50])
def test_a_list_of_runs_merges_the_partitions_newest_first(host: Host, limit: int) -> None:
    ids = crowd(host)
    newest = runtime().store.queries.newest_runs(["patient"], [RunStatus.RUNNING], limit)
    assert [snapshot.run.id for snapshot in newest] == ids[::-1][:limit]


def test_runs_of_a_time_come_first_one_first_from_every_partition(host: Host) -> None:
    ids, queries = crowd(host), runtime().store.queries

    def start(run_id: str) -> int:
        run = runtime().store.runs.run(run_id)
        assert run is not None
        return run.started

    assert list(queries.running("patient", 0, host.cloud.clock.now())) == ids
    assert list(queries.running("patient", start(ids[3]), start(ids[9]))) == ids[3:10]


def test_a_list_that_is_longer_than_a_page_of_each_partition_goes_on(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_index, "_LARGE_PAGE", 1)
    ids = crowd(host)
    started = run_index.StartedRuns(runtime().store.table)
    assert [run_id for _, run_id in started.newest(["patient"], [RunStatus.RUNNING], 14)] == ids[::-1]


def end(host: Host, *numbers: int) -> None:
    for number in numbers:
        host.send("done", {"id": number})


def test_a_list_of_a_status_reads_it_from_the_runs_and_not_from_the_index(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_index, "_STATUSES_READ", 3)
    ids = crowd(host)
    end(host, 4, 7, 11)
    queries = runtime().store.queries
    finished = [snapshot.run.id for snapshot in queries.newest_runs(["patient"], [RunStatus.FINISHED])]
    running = [snapshot.run.id for snapshot in queries.newest_runs(["patient"], [RunStatus.RUNNING])]
    assert finished == [ids[number + 2] for number in (11, 7, 4)]
    assert running == [run_id for run_id in reversed(ids) if run_id not in finished]
    assert list(queries.running("patient", 0, host.cloud.clock.now())) == running[::-1]


def test_cursors_go_through_the_runs_of_a_status_though_a_page_looks_through_few(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries_module, "RUNS_LOOKED_THROUGH", 4)
    monkeypatch.setattr(lists, "RUNS_LOOKED_THROUGH", 4)
    ids = crowd(host)
    end(host, *range(2, 12))
    api, pages, cursor = Lists(runtime().manifest, runtime().store), list[list[str]](), dict[str, str]()
    while True:
        page = api.runs({"function": "patient", "status": "running", "limit": "2", **cursor})
        pages.append([run["id"] for run in page["runs"]])
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert [run_id for page in pages for run_id in page] == [ids[number] for number in (3, 2, 0)]
    assert [] in pages, "a page may be empty, and the list goes on"


def test_a_finished_run_of_the_last_release_is_listed(host: Host) -> None:
    """That release moved a finished run to a key of its own."""
    host.send("done", {"id": 3})
    run = host.runs("patient")[-1]
    host.cloud.clients.dynamodb.update_item(
        TableName="tarry",
        Key={"pk": {"S": f"run#{run.id}"}, "sk": {"S": "run"}},
        UpdateExpression="SET fn_status = :k",
        ExpressionAttributeValues={":k": {"S": "patient#finished#1"}},
    )
    assert found(["patient"], [RunStatus.FINISHED]) == ["e-3"]
    assert found(["patient"], [RunStatus.RUNNING]) == ["e-1"]
    assert found(["patient"], list(RunStatus)) == ["e-3", "e-1"]

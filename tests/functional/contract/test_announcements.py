"""An end of a run goes over the bus if something can hear it. If nothing can, the log and the audit trail have it."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from tarry import App, Cancel, Context, Event, TriggerEvent
from tarry._wire.bus import entry_size
from tarry_backend.events.audit_stream import AuditStream
from tarry_backend.executor.announcer import Announcer
from tarry_backend.runtime import runtime
from tarry_backend.store import Names, Store
from tarry_backend.store.event_json import event_text
from tarry_dev.cli.audit_query import ask_folder
from tarry_dev.cloud import Call, Cloud, Host

FINISHED = "tarry/function.finished"
PLACED = TriggerEvent("placed")


def order(app: App) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> str:
        return "done"


def waiter(app: App, **options: Any) -> None:
    @app.create_function(fn_id="waiter", trigger=TriggerEvent("watched"))
    async def waiter(ctx: Context) -> Any:
        is_order = "async.data.function_id == 'order'"
        end = await ctx.step.wait_for_event("end", event=FINISHED, if_exp=is_order, timeout="1h", **options)
        return end and end.data["run_id"]


@contextmanager
def counted(host: Host) -> Iterator[Counter[str]]:
    """The executor's calls within the block."""
    calls = Counter[str]()

    def count(call: Call) -> bool:
        calls[call.operation] += call.function == "executor" and not call.answered
        return False

    with host.cloud.dies(count):
        yield calls


def positions(host: Host) -> list[tuple[str, int]]:
    """The announcements in the log by name, each with the time of its position."""
    logged = runtime().store.queries.events(FINISHED, 0, host.cloud.clock.now() + 60_000)
    return [(each.event.id, each.received_at) for each in logged]


def test_an_end_that_nothing_can_hear_is_in_the_log_and_not_on_the_bus(app: App, host: Host) -> None:
    order(app)
    with counted(host) as calls:
        host.send("placed")
    assert calls["PutEvents"] == 0
    run = host.run()
    assert [event.data["run_id"] for event in host.events(FINISHED)] == [run.id]
    assert [event_id for event_id, _ in positions(host)] == [f"{run.id}-finished"]


@pytest.mark.parametrize("name", [FINISHED, "tarry/function.*", "tarry/*"])
def test_an_end_that_a_trigger_names_starts_its_function(app: App, host: Host, name: str) -> None:
    order(app)

    @app.create_function(fn_id="listener", trigger=TriggerEvent(name, "event.data.function_id == 'order'"))
    async def listener(ctx: Context) -> str:
        return str(ctx.event.data["result"])

    host.send("placed")
    assert host.run("listener").output == "done"


def test_a_trigger_on_all_events_hears_no_end(app: App, host: Host) -> None:
    @app.create_function(fn_id="order", trigger=TriggerEvent("*"))
    async def order(ctx: Context) -> None: ...

    with counted(host) as calls:
        host.send("placed")
    assert calls["PutEvents"] == 0


def test_an_end_resumes_the_wait_that_began_before_it(app: App, host: Host) -> None:
    order(app)
    waiter(app)
    host.send("watched")
    host.send("placed")
    assert host.run("waiter").output == host.run("order").id


def test_an_end_that_nothing_could_hear_is_found_by_a_wait_that_reaches_back_to_it(app: App, host: Host) -> None:
    order(app)
    waiter(app, lookback="1h")
    host.send("placed")
    host.advance("30m")
    host.send("watched")
    assert host.run("waiter").output == host.run("order").id


def test_an_end_cancels_the_runs_that_it_is_a_cancel_of(app: App, host: Host) -> None:
    order(app)

    @app.create_function(fn_id="guarded", trigger=TriggerEvent("watched"), cancel=Cancel(FINISHED))
    async def guarded(ctx: Context) -> None:
        await ctx.step.sleep("rest", "1d")

    host.send("watched")
    host.send("placed")
    assert host.run("guarded").status == "cancelled"


def test_all_ends_go_over_the_bus_if_the_app_says_so(tarry: Callable[..., Host]) -> None:
    app = App("shop", announce="all")
    order(app)
    host = tarry(app)
    with counted(host) as calls:
        host.send("placed")
    assert calls["PutEvents"] == 1
    assert calls["BatchWriteItem"] == 0


def test_a_failure_and_a_cancellation_always_go_over_the_bus(app: App, host: Host) -> None:
    @app.create_function(fn_id="order", trigger=PLACED, retries=0)
    async def order(ctx: Context) -> None:
        await ctx.step.sleep("rest", "1h")
        raise ValueError

    host.send("placed")
    with counted(host) as calls:
        host.cancel(host.run())
    assert calls["PutEvents"] == 1
    host.send("placed")
    with counted(host) as calls:
        host.advance("2h")
    assert calls["PutEvents"] == 1


def test_the_log_has_the_same_event_whether_it_went_over_the_bus_or_not(tarry: Callable[..., Host]) -> None:
    logged = []
    data = {"n": 1.5, "big": 2**70, "text": "é\U0001f600", "deep": {"a": [1, {"b": None}]}}
    for options in ({}, {"announce": "all"}):
        app = App("shop", **options)  # type: ignore[arg-type]
        order(app)
        with Cloud(app) as cloud:
            Host(cloud).send(Event("placed", data, id="p-1"))
            [received] = runtime().store.queries.events(FINISHED, 0, cloud.clock.now())
            logged.append(event_text(replace(received.event, ts=0)))
    assert logged[0] == logged[1]


CALLS = range(2, 6)
"""The executor's calls of the run ``order`` that end it: the end, the name, the log, the name."""


@pytest.mark.parametrize("answered", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", CALLS)
@pytest.mark.parametrize("when", ["before", "between", "after"])
def test_wherever_the_executor_dies_a_wait_has_the_end_once_and_at_one_position(
    app: App, host: Host, number: int, answered: bool, when: str
) -> None:
    """The wait begins before the end, between the executor's death and the next one, or after both."""
    order(app)
    waiter(app, lookback="3h")
    died: list[Call] = []

    def once(call: Call) -> bool:
        dies = not died and (call.function, call.number, call.answered) == ("executor", number, answered)
        died.extend([call] * dies)
        return dies

    if when == "before":
        host.send("watched")
    with host.cloud.dies(once):
        host.send("placed")
    if when == "between":
        host.send("watched")
    host.advance("16m")
    if when == "after":
        host.send("watched")
    host.advance("1m")
    assert host.run("waiter").output == host.run("order").id
    ends = [each for each in positions(host) if each[0].startswith(host.run("order").id)]
    assert len(ends) == 1
    assert host.dead_letters == []


def test_an_end_whose_executor_finds_a_wait_after_the_log_has_one_position(app: App, host: Host) -> None:
    """The executor knows of no wait, and logs. Then the wait's shape is there, and the end goes over the bus."""
    order(app)
    parts = runtime()
    parts.store.names.of(FINISHED)
    begun: list[str] = []

    def begin(call: Call) -> bool:
        if not begun and (call.function, call.operation, call.answered) == ("executor", "GetItem", False):
            begun.append(call.operation)
            Store.over(parts.store.table, parts.settings).names.add(FINISHED, '[["data","function_id"]]')
        return False

    with host.cloud.dies(begin):
        host.send("placed")
    assert begun == ["GetItem"]
    assert [event_id for event_id, _ in positions(host)] == [f"{host.run().id}-finished"]


@pytest.mark.parametrize(
    "broken", [(Announcer, "_log"), (Names, "of"), (AuditStream, "put")], ids=["log", "name", "trail"]
)
def test_an_end_goes_over_the_bus_if_anything_fails_on_the_way_without_it(
    app: App, host: Host, monkeypatch: pytest.MonkeyPatch, broken: tuple[type, str]
) -> None:
    order(app)
    runtime().store.names.of(FINISHED)
    host.cloud.send(Event("placed"))
    failed: list[str] = []
    whole = getattr(*broken)

    def fail_once(*given: Any) -> Any:
        if not failed and (broken != (Names, "of") or given[1] == FINISHED):
            failed.append(broken[1])
            raise OSError("AWS is away")
        return whole(*given)

    monkeypatch.setattr(*broken, fail_once)
    with counted(host) as calls:
        host.cloud.pump()
    assert failed == [broken[1]]
    assert calls["PutEvents"] == 1
    assert len(positions(host)) == 1


def test_the_audit_trail_has_each_end_once_whether_it_went_over_the_bus_or_not(tmp_path: Path) -> None:
    for place, options in enumerate(({}, {"announce": "all"})):
        app = App("shop", **options)  # type: ignore[arg-type]
        order(app)
        with Cloud(app, audit=tmp_path / str(place)) as cloud:
            Host(cloud).send(Event("placed", id="p-1"))
        columns = "name, source, id, json_extract_scalar(data, '$.result'), account, region, resources, user_data"
        answer = ask_folder(tmp_path / str(place), f"select {columns} from events where name = '{FINISHED}'")
        [row] = answer.rows
        assert row[0:2] == [FINISHED, "tarry.shop"]
        assert row[3:] == ["done", "123456789012", "us-east-1", "[]", None]


@pytest.mark.parametrize("is_whole", [True, False], ids=["the request", "the entry"])
@pytest.mark.parametrize("fails", [False, True], ids=["finished", "failed"])
def test_an_end_with_more_than_a_regions_bus_carries_is_announced_without_it(
    app: App, host: Host, monkeypatch: pytest.MonkeyPatch, is_whole: bool, fails: bool
) -> None:
    """The limit of a region may be 256 KiB. Before, the message of such an end became a dead letter."""
    refuse_large(monkeypatch, 262_144, is_whole=is_whole)

    @app.create_function(fn_id="order", trigger=PLACED, retries=0)
    async def order(ctx: Context) -> str:
        if fails:
            raise ValueError("no stock")
        return "x" * 300_000

    name = f"tarry/function.{'failed' if fails else 'finished'}"

    @app.create_function(fn_id="hears", trigger=TriggerEvent(name, expression="event.data.function_id == 'order'"))
    async def hears(ctx: Context) -> Any:
        return ctx.event.data

    host.cloud.put_events([{"Source": "web", "DetailType": "placed", "Detail": json.dumps({"x": "y" * 261_000})}])
    host.cloud.pump()
    [run] = host.runs("order")
    heard = host.run("hears").output
    assert (heard["run_id"], heard["truncated"]) == (run.id, True)
    left_out = {"event": True} if fails else {"event": True, "result": True}
    assert {name: "the bus refused the event with it" in why for name, why in heard["left_out"].items()} == left_out
    assert host.dead_letters == []


def refuse_large(monkeypatch: pytest.MonkeyPatch, most: int, *, is_whole: bool) -> None:
    """Let EventBridge refuse an entry that is larger, in one of the two ways in which it does so."""
    whole = BaseClient._make_api_call  # type: ignore[attr-defined]

    def call(client: BaseClient, operation: str, asked: dict[str, Any]) -> Any:
        if operation != "PutEvents" or max(map(entry_size, asked["Entries"])) <= most:
            return whole(client, operation, asked)
        if is_whole:
            answer: Any = {"Error": {"Code": "413", "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": 413}}
            raise ClientError(answer, operation)
        return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InvalidArgument", "ErrorMessage": "too large"}]}

    monkeypatch.setattr(BaseClient, "_make_api_call", call)

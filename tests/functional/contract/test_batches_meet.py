"""Batches meet what else there is: each event is in one run, its receipt is true, and its run has all of it."""

from dataclasses import replace
from typing import Any, cast

import pytest

from tarry import App, Batch, Context, Debounce, Event, TriggerEvent
from tarry.encryption import Encryption, LocalKey
from tarry_backend.model.step import Status
from tarry_backend.model.trace import NoRun
from tarry_backend.runtime import host as deploy
from tarry_backend.runtime import runtime
from tarry_dev.cli.check import _problem as problem_of
from tarry_dev.cli.event import _rows as rows_of
from tarry_dev.cloud import Host
from tests.functional.contract.diary import Diary

TYPED = TriggerEvent(event="typed")


def typed(number: int, **data: Any) -> Event:
    return Event("typed", {"n": number, **data}, id=f"e{number}")


def shop(**options: Any) -> App:
    app = App("shop")

    @app.create_function(fn_id="export", trigger=TYPED, **options)
    async def export(ctx: Context) -> list[int]:
        return [each.data["n"] for each in ctx.events]

    return app


def exported(host: Host) -> list[int]:
    """The numbers of all events that runs have had."""
    return sorted(number for run in host.runs("export") for number in run.output)


@pytest.mark.parametrize(
    "after",
    [
        {},
        {"batch_events": Batch(10, "1h", key="event.data.doc")},
        {"batch_events": Batch(10, "1h", if_exp="event.data.n > 5")},
        {"debounce": Debounce("10s")},
    ],
)
def test_an_event_that_is_delivered_again_after_a_deployment_is_in_one_run(host: Host, after: dict[str, Any]) -> None:
    """batch     e1: added ──────────────────────────────────────── its time: starts, without e1
    deployed                ── without the batch: e1 again ── starts its own run"""
    deploy(shop(batch_events=Batch(10, "1h")))
    host.send([typed(1, doc=1), typed(2, doc=1)])
    deploy(shop(**after))
    host.send(typed(1, doc=1))
    host.advance("3h")
    assert exported(host) == [1, 2]
    assert host.dead_letters == []


def test_the_receipts_of_a_batch_that_came_while_its_function_drained_say_so(app: App, host: Host) -> None:
    @app.create_function(fn_id="export", trigger=TYPED, batch_events=Batch(2, "1h"), concurrency=1)
    async def export(ctx: Context) -> None: ...

    host.drain("export")
    host.send([typed(1), typed(2)])
    host.advance("1m")
    assert host.runs("export") == []
    for name in ("e1", "e2"):
        (trace,) = host.receipt(name).unstarted
        assert (trace.why, trace.by) == (NoRun.DRAINING, None)


def test_all_events_of_a_batch_reach_the_function_decrypted(app: App, host: Host, diary: Diary) -> None:
    encryption = Encryption(LocalKey(b"k" * 32))

    @app.create_function(fn_id="export", trigger=TYPED, batch_events=Batch(3, "1h"), middleware=[encryption])
    async def export(ctx: Context) -> None:
        await diary.write([each.data["n"] for each in ctx.events])
        assert ctx.event == ctx.events[0]

    host.send([encryption.sealed(typed(number)) for number in range(3)])
    host.advance("1m")
    assert diary.entries == [[0, 1, 2]]


def test_the_announcement_of_a_batchs_failure_names_all_its_events(app: App, host: Host, diary: Diary) -> None:
    async def failed(ctx: Context) -> None:
        await diary.write(ctx.event.data["batch"])

    @app.create_function(fn_id="export", trigger=TYPED, batch_events=Batch(3, "1h"), retries=0, on_failure=failed)
    async def export(ctx: Context) -> None:
        raise ValueError("no")

    host.send([typed(number) for number in range(3)])
    host.advance("1m")
    assert diary.entries == [["e0", "e1", "e2"]]


def test_a_batch_whose_first_event_has_left_the_log_does_not_hold_up_the_others_of_its_key(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    deploy(shop(batch_events=Batch(2, "1h")))

    host.send(typed(1))
    table = host.cloud.clients.dynamodb
    (place,) = [item for item in table.scan(TableName="tarry")["Items"] if item["pk"]["S"].startswith("log#typed")]
    table.delete_item(TableName="tarry", Key={"pk": place["pk"], "sk": place["sk"]})
    host.send(typed(2))
    host.advance("1m")
    host.send([typed(3), typed(4)])
    host.advance("1m")
    assert exported(host) == [2, 3, 4]
    assert host.dead_letters == []
    assert "event e1 of 'typed' is no longer in the log" in caplog.text


def test_tarry_check_replays_a_run_with_all_events_of_its_batch(app: App, host: Host) -> None:
    @app.create_function(fn_id="export", trigger=TYPED, batch_events=Batch(2, "1h"))
    async def export(ctx: Context) -> int:
        await ctx.step.sleep("rest", "1h")
        return len([ctx.events[0], ctx.events[1]])

    host.send([typed(1), typed(2)])
    host.advance("10s")
    snapshot = runtime().store.runs.load(host.run().id)
    assert snapshot is not None
    ended = replace(snapshot.steps[0], status=Status.DONE, ended_order=2)
    assert problem_of(app, replace(snapshot, steps=(ended,))) is None


def test_tarry_event_names_the_run_that_has_an_event_of_a_batch(app: App, host: Host) -> None:
    app.create_function(fn_id="export", trigger=TYPED, batch_events=Batch(2, "1h"))(nothing)
    host.send([typed(1), typed(2)])
    host.advance("10s")
    (row,) = rows_of(host.receipt("e1"), cast(Any, None))
    assert row[1] == host.run().id[:8]


async def nothing(ctx: Context) -> None: ...

"""What the Lambdas tell CloudWatch: read from the lines that they write, in CloudWatch's own format."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable

import pytest

from tarry import App, Context, TriggerEvent
from tarry_backend.telemetry import meter
from tarry_dev.cloud import Call, Host
from tests.functional.contract.plays import ThrottledError

Read = Callable[[], dict[str, list[float]]]


@pytest.fixture
def published(host: Host, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Read:
    """All values of each metric since the last look. The embedded cloud publishes none by itself."""
    meter.publish()  # what tests have counted that called the Lambdas' parts without their handlers
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "false")

    def read() -> dict[str, list[float]]:
        values = defaultdict[str, list[float]](list)
        lines = capsys.readouterr().out.splitlines()
        for entry in (entry for entry in map(json.loads, lines) if "_aws" in entry):
            (directive,) = entry["_aws"]["CloudWatchMetrics"]
            assert (directive["Namespace"], directive["Dimensions"]) == ("Tarry", [["service"]])
            assert entry["service"] == "shop"
            for metric in directive["Metrics"]:
                is_time = metric["Name"] in {"ResumeLatency", "TimeoutLateness"}
                assert metric["Unit"] == ("Milliseconds" if is_time else "Count")
                values[metric["Name"]] += entry[metric["Name"]]
        return dict(values)

    return read


def totals(values: dict[str, list[float]]) -> dict[str, float]:
    """The counts that tell of runs, without those of records and sweeps."""
    machinery = {"Records", "FailedRecords", "Sweeps", "Swept", "ResumeLatency", "TimeoutLateness"}
    return {name: sum(numbers) for name, numbers in values.items() if name not in machinery}


def add_ship(app: App, timeout: str = "1h") -> None:
    @app.create_function(fn_id="ship", trigger=TriggerEvent(event="order/placed"), retries=0)
    async def ship(ctx: Context) -> None:
        event = await ctx.step.wait_for_event("wait", event="order/paid", match="data.id", timeout=timeout)
        if event and event.data.get("bad"):
            raise ValueError


def test_a_run_that_waits_and_resumes_is_counted_at_each_of_its_turns(app: App, host: Host, published: Read) -> None:
    add_ship(app)
    host.send("order/placed", {"id": "7"})
    assert totals(published()) == {"Events": 1, "Started": 1, "WaitsOpened": 1}
    host.send("order/paid", {"id": "8"})
    assert totals(published()) == {"Events": 1}
    host.send("order/paid", {"id": "7"})
    resumed = {"Matches": 1, "Resumes": 1, "WaitsClosed": 1, "Finished": 1}
    assert totals(published()) == resumed | {"Events": 1}  # nothing hears of the run's end


def test_a_run_that_fails_is_counted_by_its_end(app: App, host: Host, published: Read) -> None:
    add_ship(app)
    host.send("order/placed", {"id": "7"})
    host.send("order/paid", {"id": "7", "bad": True})
    counted = totals(published())
    assert (counted["Started"], counted["Failed"]) == (1, 1)
    assert "Finished" not in counted


def test_a_run_that_is_cancelled_is_counted_and_its_wait_closed(app: App, host: Host, published: Read) -> None:
    add_ship(app)
    host.send("order/placed", {"id": "7"})
    host.cancel(host.run())
    counted = totals(published())
    assert (counted["Cancelled"], counted["WaitsClosed"]) == (1, 1)


def test_a_timeout_is_counted_with_its_lateness(app: App, host: Host, published: Read) -> None:
    add_ship(app, timeout="10m")
    host.send("order/placed", {"id": "7"})
    published()
    host.advance("11m")
    values = published()
    counted = totals(values)
    assert (counted["Timeouts"], counted["WaitsClosed"]) == (1, 1)
    assert "Resumes" not in counted
    (lateness,) = values["TimeoutLateness"]
    assert 0 < lateness <= 2_000


def test_a_wait_for_a_signal_is_counted_whether_it_is_answered_or_times_out(
    app: App, host: Host, published: Read
) -> None:
    @app.create_function(fn_id="ship", trigger=TriggerEvent(event="order/placed"))
    async def ship(ctx: Context) -> None:
        for step in ("kept", "late", "answer"):
            await ctx.step.wait_for_signal(step, signal=step, timeout="10m")

    host.signal("kept", "yes", keep="1h")
    host.send("order/placed")
    assert totals(published()) == {"Events": 1, "Started": 1, "WaitsOpened": 2, "WaitsClosed": 1}
    host.advance("11m")
    values = published()
    assert totals(values) == {"Timeouts": 1, "WaitsClosed": 1, "WaitsOpened": 1}
    (lateness,) = values["TimeoutLateness"]
    assert 0 < lateness <= 2_000
    host.signal("answer", "yes")
    values = published()
    assert totals(values) == {"Resumes": 1, "WaitsClosed": 1, "Finished": 1}
    (latency,) = values["ResumeLatency"]
    assert 0 <= latency <= 2_000


def test_the_latency_of_a_resume_counts_from_when_the_event_was_received(app: App, host: Host, published: Read) -> None:
    add_ship(app)
    host.send("order/placed", {"id": "7"})
    with host.cloud.hold("events"):
        host.send("order/paid", {"id": "7"})
        host.advance("40s")
    host.advance("1s")
    (latency,) = published()["ResumeLatency"]
    assert 40_000 <= latency <= 41_500


def test_an_event_older_than_its_wait_is_late_only_since_the_wait_is_there(
    app: App, host: Host, published: Read
) -> None:
    """The executor dies before its look into the log; the next one looks when the message comes back."""

    @app.create_function(fn_id="ship", trigger=TriggerEvent(event="order/placed"))
    async def ship(ctx: Context) -> None:
        await ctx.step.sleep("pack", "1h")
        await ctx.step.wait_for_event("wait", event="order/paid", lookback="2h", timeout="1d")

    host.send("order/placed")
    host.send("order/paid")
    written = 0

    def dies(call: Call) -> bool:
        nonlocal written
        written += call.operation == "PutItem" and call.answered
        return written == 2  # the sleep's end, and the wait

    with host.cloud.dies(dies, function="executor"):
        host.advance("61m")
    assert "ResumeLatency" not in published()
    host.advance("20m")
    (latency,) = published()["ResumeLatency"]
    assert 14 * 60_000 < latency < 17 * 60_000


def test_waits_that_their_run_ends_without_are_closed(app: App, host: Host, published: Read) -> None:
    @app.create_function(fn_id="ship", trigger=TriggerEvent(event="order/placed"))
    async def ship(ctx: Context) -> None:
        waits = [
            asyncio.create_task(ctx.step.wait_for_event(name, event=f"order/{name}", timeout="1d"))
            for name in ("paid", "cancelled")
        ]
        _, left = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in left:
            task.cancel()

    host.send("order/placed")
    host.send("order/paid")
    assert host.run().status == "finished"
    counted = totals(published())
    assert (counted["WaitsOpened"], counted["WaitsClosed"]) == (2, 2)


@pytest.mark.parametrize("function", ["matcher", "executor"])
@pytest.mark.parametrize("operation", ["BatchWriteItem", "PutEvents", "Query", "SendMessageBatch"])
@pytest.mark.parametrize("answered", [False, True])
def test_what_is_done_again_after_an_error_is_not_counted_again(
    app: App, host: Host, published: Read, function: str, operation: str, answered: bool
) -> None:
    """Each such call of the Lambda fails once. An answer that is lost may hide a match, but none is told twice; and
    an executor that announces a run's end again makes a further event."""
    add_ship(app)
    failed = set[int]()

    def fails(call: Call) -> bool:
        if (call.operation, call.answered) == (operation, answered) and call.number not in failed:
            failed.add(call.number)
            raise ThrottledError
        return False

    with host.cloud.dies(fails, function=function):
        host.send("order/placed", {"id": "7"})
        host.advance("10m")
        host.send("order/paid", {"id": "7"})
        host.advance("10m")
    counted = totals(published())
    assert counted.pop("Matches", 0) <= 1
    assert counted.pop("Events") == 2 or function == "executor"
    assert counted == dict.fromkeys(("Started", "WaitsOpened", "Resumes", "WaitsClosed", "Finished"), 1)


def test_a_measure_below_nothing_is_nothing(app: App, host: Host, published: Read) -> None:
    """Lambda's clock and the queue's are two."""
    host.send("order/placed")
    published()
    meter.measure("ResumeLatency", -3)
    meter.publish()
    assert published() == {"ResumeLatency": [0]}

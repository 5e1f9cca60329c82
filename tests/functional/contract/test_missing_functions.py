"""A function that was removed while its runs wait: they are kept, cancelled at once, and go on when it is back."""

from collections.abc import Callable

import pytest

from tarry import App, Cancel, Context, Event, Timeouts, TriggerEvent
from tarry_backend.runtime import host as deploy
from tarry_dev.cloud import Call, Cloud, Host
from tests.functional.contract.traces import in_indexes

PLACED = TriggerEvent(event="placed")
RECALLED = Cancel(event="recalled", match="data.id")

Add = Callable[[App], None]


def shop(*parts: Add) -> App:
    app = App("shop")
    for add in parts:
        add(app)
    return app


def sleeps(app: App) -> None:
    @app.create_function(fn_id="sleeper", trigger=PLACED, timeouts=Timeouts(finish="40h"), cancel=[RECALLED])
    async def sleeper(ctx: Context) -> str:
        await ctx.step.sleep("rest", "1h")
        return await ctx.step.run("ship", lambda: "slept")


def waits(app: App) -> None:
    @app.create_function(fn_id="waiter", trigger=PLACED, cancel=[RECALLED])
    async def waiter(ctx: Context) -> str:
        event = await ctx.step.wait_for_event("paid", event="paid", match="data.id", timeout="1h")
        return await ctx.step.run("ship", lambda: "paid" if event else "unpaid")


def signalled(app: App) -> None:
    @app.create_function(fn_id="signalled", trigger=PLACED)
    async def signalled(ctx: Context) -> str:
        return str(await ctx.step.wait_for_signal("go", signal=f"go/{ctx.event.data['id']}", timeout="1h"))


def invokes(app: App) -> None:
    @app.create_function(fn_id="caller", trigger=PLACED)
    async def caller(ctx: Context) -> str:
        return str(await ctx.step.invoke_by_id("pack", function_id="pack", timeout="1d"))


def packs(app: App) -> None:
    @app.create_function(fn_id="pack", trigger=TriggerEvent(event="to-pack"))
    async def pack(ctx: Context) -> str:
        await ctx.step.sleep("rest", "1h")
        return "packed"


ALL = (sleeps, waits, signalled, invokes, packs)


@pytest.fixture
def app() -> App:
    return shop(*ALL)


def left(cloud: Cloud) -> int:
    """The messages and dead letters of all queues."""
    return sum(len(queue.messages) + len(queue.dead_letters) for queue in cloud.queues.values())


def test_what_is_due_to_runs_whose_function_is_missing_does_not_pile_up(host: Host, cloud: Cloud) -> None:
    for number in range(3):
        host.send("placed", {"id": number})
    runs = host.runs()
    deploy(shop())
    most = 0
    for _ in range(12):
        host.advance("20m")
        most = max(most, left(cloud))
    assert most <= len(runs), "one wake-up of each run, at most, is on its way"
    assert host.dead_letters == []
    assert {run.status for run in runs} == {"running"}


@pytest.mark.parametrize("writes", [1, 2])
def test_a_run_whose_function_is_removed_while_it_starts_waits_for_it_as_well(host: Host, writes: int) -> None:
    """The executor dies over the start, and the deploy comes before the message comes again."""
    kept = 0

    def dies(call: Call) -> bool:
        nonlocal kept
        kept += call.operation in ("PutItem", "TransactWriteItems", "UpdateItem") and call.answered
        return kept == writes

    deploy(shop(sleeps))
    with host.cloud.dies(dies, function="executor"):
        host.send("placed", {"id": "7"})
    deploy(shop())
    host.advance("30m")
    (run,) = host.runs()
    assert run.error is not None
    assert run.error.name == "FunctionMissing"
    assert (run.status, list(run.steps), host.dead_letters) == ("running", [], [])
    deploy(shop(sleeps))
    host.advance("3h")
    assert (run.status, run.output) == ("finished", "slept")


def test_a_run_whose_function_is_missing_is_cancelled_at_once_whatever_came_before(host: Host, cloud: Cloud) -> None:
    host.send("placed", {"id": "7"})
    deploy(shop())
    host.advance("2h")
    host.send("paid", {"id": "7"})
    for run in host.runs():
        host.cancel(run)
        assert run.status == "cancelled"
    host.advance("1h")
    assert (in_indexes(cloud), left(cloud)) == (set(), 0)


def test_what_comes_while_the_function_is_missing_is_kept_and_all_runs_finish_once_it_is_back(
    host: Host, cloud: Cloud
) -> None:
    host.send("placed", {"id": "7"})
    deploy(shop())
    host.advance("10m")
    host.send("paid", {"id": "7"})
    host.signal("go/7", "gone")
    host.advance("26h")
    assert {run.status for run in host.runs()} == {"running"}
    deploy(shop(*ALL))
    host.advance("16m")  # the callee of the caller is looked for in the same time
    outputs = {run.function_id: (run.status, run.output) for run in host.runs()}
    assert outputs["waiter"] == ("finished", "paid")
    assert outputs["sleeper"] == ("finished", "slept")
    assert outputs["signalled"] == ("finished", "gone")
    assert outputs["pack"] == ("finished", "packed")
    assert outputs["caller"][0] == "failed", "the invocation's deadline passed while its function was missing"
    assert (in_indexes(cloud), host.dead_letters) == (set(), [])


def test_an_event_that_comes_with_the_function_back_resumes_a_parked_run_at_once(host: Host) -> None:
    host.send("placed", {"id": "7"})
    deploy(shop())
    host.signal("go/7", "gone")
    assert host.run("signalled").status == "running"
    deploy(shop(*ALL))
    host.send("paid", {"id": "7"})
    assert host.run("waiter").output == "paid"


@pytest.mark.parametrize("by", ["event", "time"])
def test_a_guard_cancels_a_run_whose_function_is_missing(host: Host, cloud: Cloud, by: str) -> None:
    host.send("placed", {"id": "7"})
    deploy(shop())
    host.advance("2h")
    if by == "event":
        host.send("recalled", {"id": "7"})
        assert host.run("waiter").status == host.run("sleeper").status == "cancelled"
    else:
        host.advance("39h")
        assert str(host.run("sleeper").cancellation) == "timeouts.finish"
    assert host.dead_letters == []


def test_a_parked_run_says_what_is_missing_and_no_more_once_it_went_on(host: Host) -> None:
    host.send("placed", {"id": "7"})
    deploy(shop())
    host.advance("61m")
    error = host.run("sleeper").error
    assert error is not None
    assert error.name == "FunctionMissing"
    assert "no function 'sleeper'" in error.message
    deploy(shop(*ALL))
    host.advance("15m")
    assert (host.run("sleeper").output, host.run("sleeper").error) == ("slept", None)


def test_a_start_whose_function_is_missing_is_a_dead_letter_and_its_run_finishes_once_both_are_back(
    host: Host, cloud: Cloud
) -> None:
    with cloud.hold("runs"):
        host.send([Event("placed", {"id": "7"}, id="p-1")])
        deploy(shop())
    host.advance("3h")
    assert len(cloud.dead_letters("runs")) == 4
    deploy(shop(*ALL))
    cloud.redrive("runs")
    host.advance("2h")
    assert {run.output for run in host.runs()} == {"slept", "unpaid", "None", "packed"}

"""``singleton``: one run runs at a time. What comes meanwhile starts none, or the latest event wins."""

import random
from collections import Counter
from typing import Any

import pytest

from tarry import App, Cancel, Concurrency, Context, Event, Singleton, StepError, Timeouts, TriggerEvent
from tarry_backend.api.receipts import Receipt
from tarry_backend.model.run import Run, RunStatus
from tarry_backend.model.trace import NoRun
from tarry_backend.queues.retry_runs import RetryError
from tarry_backend.runtime import runtime
from tarry_backend.store import Runs
from tarry_dev.cloud import Call, Chaos, Cloud, Host
from tests.functional.contract.deaths import Mortal, deaths
from tests.functional.contract.test_api import told

PLACED = TriggerEvent(event="placed")
CANCEL, SKIP = Singleton("cancel"), Singleton("skip")


class Work:
    """Which runs have begun and not ended, by the writes of their ends, and whether two of one key ever were."""

    def __init__(self) -> None:
        self.alive: dict[str, Any] = {}
        self.most = 0
        self.done: list[str] = []

    async def step(self, ctx: Context, name: str) -> None:
        """One step of a run."""
        await ctx.step.run(name, self.body, ctx.run_id, ctx.event.data.get("customer"), ctx.event.id)

    def body(self, run_id: str, key: Any, event_id: str) -> None:
        others = [other for other, its in self.alive.items() if its == key and other != run_id and is_running(other)]
        self.alive[run_id] = key
        self.most = max(self.most, 1 + len(others))
        self.done.append(event_id)

    def end(self, run: Run) -> None:
        """A run has been stored."""
        if run.status is not RunStatus.RUNNING:
            self.alive.pop(run.id, None)


def is_running(run_id: str) -> bool:
    """By the table: an executor that died may have stored an end that nobody saw."""
    run = runtime().store.runs.run(run_id)
    return run is not None and run.status is RunStatus.RUNNING


@pytest.fixture(autouse=True)
def watched(monkeypatch: pytest.MonkeyPatch, work: Work) -> None:
    save = Runs.save

    def see(self: Runs, run: Run) -> None:
        save(self, run)
        work.end(run)

    monkeypatch.setattr(Runs, "save", see)


@pytest.fixture
def work() -> Work:
    return Work()


def order(app: App, work: Work, rest: str = "1h", **options: Any) -> App:
    @app.create_function(fn_id="order", trigger=PLACED, **options)
    async def order(ctx: Context) -> str:
        await work.step(ctx, "first")
        await ctx.step.sleep("rest", rest)
        await work.step(ctx, "last")
        return ctx.event.id

    return app


def placed(event_id: str, **data: Any) -> Event:
    return Event("placed", data, id=event_id)


def statuses(host: Host) -> dict[str, str]:
    return {run.event.id: run.status for run in host.runs("order")}


def stored(host: Host) -> list[Run]:
    """The runs as the table has them."""
    runs = (runtime().store.runs.run(run.id) for run in host.runs("order"))
    return [run for run in runs if run is not None]


def verdict(receipt: Receipt) -> str:
    assert len(receipt.started) + len(receipt.unstarted) == 1, "an event is not explained"
    return receipt.unstarted[0].why.value if receipt.unstarted else "started"


# Skip.


def test_an_event_that_comes_while_a_run_runs_starts_none_and_its_receipt_names_that_run(
    app: App, host: Host, work: Work
) -> None:
    order(app, work, singleton=SKIP)
    host.send(placed("a"))
    host.send(placed("b"))
    assert statuses(host) == {"a": "running"}
    [trace] = host.receipt("b").unstarted
    assert (trace.why, trace.by) == (NoRun.SKIPPED, host.run("order").id)
    host.advance("1h")
    host.send([placed("b"), placed("c")])
    assert statuses(host) == {"a": "finished", "c": "running"}


@pytest.mark.parametrize("end", ["cancel", "fail"])
def test_the_next_event_after_any_end_starts_a_run(app: App, host: Host, end: str) -> None:
    @app.create_function(fn_id="order", trigger=PLACED, singleton=SKIP, retries=0)
    async def order(ctx: Context) -> None:
        await ctx.step.sleep("rest", "1h")
        raise ValueError

    host.send(placed("a"))
    if end == "cancel":
        host.cancel(host.run("order"))
    host.advance("2h")
    host.send(placed("b"))
    assert list(statuses(host)) == ["a", "b"]


def test_each_value_of_a_key_has_a_run_for_itself_and_an_event_without_one_is_no_singleton(
    app: App, host: Host, work: Work
) -> None:
    order(app, work, singleton=Singleton("skip", key="event.data.customer"))
    given: dict[str, Any] = {"a": 1, "b": 1.0, "c": "1"}
    for name, customer in given.items():
        host.send(placed(name, customer=customer))
    host.send([placed("d"), placed("e")])
    assert set(statuses(host)) == {"a", "c", "d", "e"}


def test_an_invocation_that_is_skipped_fails_at_once(app: App, host: Host, work: Work) -> None:
    order(app, work, singleton=SKIP)

    @app.create_function(fn_id="caller", trigger=TriggerEvent("called"))
    async def caller(ctx: Context) -> str:
        try:
            await ctx.step.invoke_by_id("go", function_id="order")
        except StepError as error:
            return error.name
        return ""

    host.send(placed("a"))
    host.send("called")
    assert host.run("caller").output == "InvocationSkippedError"


def test_a_failed_run_is_not_retried_while_another_one_runs_and_takes_its_turn_again_else(app: App, host: Host) -> None:
    bad = ["a"]

    @app.create_function(fn_id="order", trigger=PLACED, singleton=SKIP, retries=0)
    async def order(ctx: Context) -> None:
        if ctx.event.id in bad:
            raise ValueError
        await ctx.step.sleep("rest", "1h")

    host.send(placed("a"))
    host.send(placed("b"))
    bad.clear()
    with pytest.raises(RetryError, match=r"cannot be retried now: .*singleton.* runs"):
        host.retry(host.runs("order")[0])
    host.advance("2h")
    host.retry(host.runs("order")[0])
    host.send(placed("c"))
    assert statuses(host) == {"a": "running", "b": "finished"}
    assert verdict(host.receipt("c")) == "singleton"
    host.advance("2h")
    host.send(placed("d"))
    assert statuses(host) == {"a": "finished", "b": "finished", "d": "running"}


def test_the_api_retries_a_run_of_a_singleton(app: App, host: Host) -> None:
    bad = ["a"]

    @app.create_function(fn_id="order", trigger=PLACED, singleton=SKIP, retries=0)
    async def order(ctx: Context) -> None:
        if ctx.event.id in bad:
            raise ValueError

    host.send(placed("a"))
    bad.clear()
    status, _ = told("POST", f"/runs/{host.run('order').id}/retry")
    host.cloud.pump()
    assert (status, statuses(host)) == (202, {"a": "finished"})


def test_a_rerun_is_no_singleton(app: App, host: Host, work: Work) -> None:
    order(app, work, singleton=SKIP)
    host.send(placed("a"))
    host.rerun(host.run("order"))
    host.advance("2h")
    assert [run.status for run in host.runs("order")] == ["finished", "finished"]


# Cancel.


def test_the_latest_event_wins_and_its_run_begins_once_the_one_before_has_ended(
    app: App, host: Host, work: Work
) -> None:
    order(app, work, singleton=CANCEL)
    host.send(placed("a"))
    host.send(placed("b"))
    assert statuses(host) == {"a": "cancelled", "b": "running"}
    first = host.runs("order")[0]
    cancellation = stored(host)[0].cancellation
    assert cancellation is not None
    assert str(cancellation) == "singleton"
    assert first.id
    host.advance("1h")
    assert (statuses(host)["b"], work.done) == ("finished", ["a", "b", "b"])


def test_a_second_delivery_of_the_holders_event_changes_nothing(app: App, host: Host, work: Work) -> None:
    order(app, work, singleton=CANCEL)
    host.send(placed("a"))
    host.advance("10m")
    host.send(placed("a"))
    host.advance("1h")
    assert (statuses(host), work.done) == ({"a": "finished"}, ["a", "a"])


def test_an_event_that_comes_behind_a_later_one_starts_no_run(app: App, host: Host, work: Work) -> None:
    order(app, work, singleton=CANCEL)
    host.cloud.chaos = Chaos(seed=2, disorder=0.9)
    ids = [f"{number:02}" for number in range(50)]
    host.send([placed(name) for name in ids])
    host.advance("3h")
    late = [name for name in ids if verdict(host.receipt(name)) != "started"]
    assert late
    assert {verdict(host.receipt(name)) for name in late} == {"superseded"}
    ends = [name for name, status in statuses(host).items() if status == "finished"]
    latest = max(stored(host), key=lambda run: run.received_at).received_at
    assert [run.received_at for run in stored(host) if run.event.id in ends] == [latest]


@pytest.mark.parametrize("seed", range(2))
def test_of_fifty_events_in_any_order_the_latest_ends_and_all_others_are_explained(
    app: App, host: Host, work: Work, seed: int
) -> None:
    order(app, work, rest="5s", singleton=Singleton("cancel", key="event.data.customer"))
    host.cloud.chaos = Chaos(seed=seed, processes=3, at_once=8, duplicates=0.3, disorder=0.4, clocks={"executor": 1.0})
    ids, draw = [f"{number:03}" for number in range(200)], random.Random(seed)
    for name in ids:
        host.send(placed(name, customer=int(name) % 4))
        if draw.random() < 0.2:
            host.advance("2s")
    host.advance("1h")
    assert work.most == 1
    assert set(statuses(host).values()) <= {"finished", "cancelled"}
    assert set(Counter(verdict(host.receipt(name)) for name in ids)) <= {"started", "superseded"}
    for customer in range(4):
        last = max(
            (run for run in stored(host) if run.event.data["customer"] == customer),
            key=lambda run: (run.received_at, run.event.id),
        )
        assert last.status.value == "finished"


def test_a_run_that_executes_a_step_stops_before_the_next_run_begins(app: App, host: Host) -> None:
    log: list[str] = []

    def slow(event_id: str) -> None:
        log.append(f"{event_id} begins")
        if event_id == "a":
            deliver("b")
            deliver("c")
            host.cloud.clock.move_to(host.cloud.clock.now() + 1_500)
        log.append(f"{event_id} ends")

    def deliver(event_id: str) -> None:
        host.cloud.send(placed(event_id))
        for name in ("events", "runs"):
            queue = host.cloud.queues[name]
            queue.deliver(queue.receive())

    @app.create_function(fn_id="order", trigger=PLACED, singleton=CANCEL)
    async def order(ctx: Context) -> None:
        await ctx.step.run("slow", slow, ctx.event.id)
        await ctx.step.run("after", slow, f"{ctx.event.id}, after,")

    host.send(placed("a"))
    host.advance("1h")
    assert statuses(host)["c"] == "finished"
    assert log.index("a ends") < log.index("c begins")
    assert not [line for line in log if line.startswith("b")]


def test_a_run_that_waits_for_the_one_before_can_be_cancelled_and_timed_out(app: App, host: Host, work: Work) -> None:
    order(app, work, singleton=CANCEL, cancel=Cancel("left"), timeouts=Timeouts(start="1m"))
    host.send(placed("a"))
    run = stored(host)[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runtime().executor._outcomes.turns, "_runs_still", lambda run_id: run_id == run.id)
        patch.setattr(runtime().queues, "send_to_runs", _drops(runtime().queues.send_to_runs, "cancel"))
        host.send(placed("b"))
        host.advance("61s")
    assert statuses(host)["b"] == "cancelled"


def _drops(send: Any, kind: str) -> Any:
    return lambda messages: send([each for each in messages if each.kind != kind])


def test_a_run_that_waits_takes_no_place_at_a_gate(app: App, host: Host, work: Work) -> None:
    order(app, work, singleton=CANCEL, concurrency=Concurrency(1, hold="run"))
    for name in "abc":
        host.send(placed(name))
    host.advance("3h")
    assert statuses(host) == {"a": "cancelled", "b": "cancelled", "c": "finished"}


def test_an_event_of_the_future_holds_its_turn_from_when_it_came(app: App, host: Host, work: Work) -> None:
    order(app, work, singleton=CANCEL)
    host.send(Event("placed", {}, id="later", ts=host.cloud.clock.now() + 7_200_000))
    host.advance("1h")
    host.send(placed("b"))
    host.advance("3h")
    assert statuses(host) == {"later": "cancelled", "b": "finished"}
    host.send(placed("c"))
    host.send(Event("placed", {}, id="last", ts=host.cloud.clock.now() + 7_200_000))
    host.advance("1h")
    assert statuses(host)["last"] == "running"
    assert work.done[-1] == "c"
    host.advance("3h")
    assert (statuses(host)["last"], work.done[-1]) == ("finished", "last")


def test_a_run_that_hands_over_keeps_its_turn_for_its_successor(app: App, host: Host) -> None:
    ended: list[str] = []

    @app.create_function(fn_id="order", trigger=PLACED, singleton=CANCEL)
    async def order(ctx: Context) -> None:
        await ctx.step.sleep("rest", "1h")
        ended.append(ctx.run_id)
        await ctx.continue_as_new({"round": ctx.event.data.get("round", 0) + 1})

    host.send(placed("a"))
    host.advance("2h30m")
    [single] = [item for item in _items(host) if item["pk"]["S"].startswith("single#")]
    assert single["run_id"]["S"] == host.runs("order")[-1].id
    host.send(placed("b"))
    host.advance("30m")
    assert [run.status for run in stored(host)][-2:] == ["cancelled", "running"]
    assert len(ended) == 2


def _items(host: Host) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = host.cloud.clients.dynamodb.scan(TableName=host.cloud.settings.table)["Items"]
    return found


STORY = ["a", "b", "c"]


def lived_with(work: Work, mode: Any, mortal: Mortal) -> tuple[dict[str, str], list[str], int]:
    work.alive.clear()
    with Cloud(order(App("shop"), work, rest="30s", singleton=Singleton(mode))) as cloud:
        host = Host(cloud)
        with cloud.dies(mortal, function="executor"):
            for name in STORY:
                host.send(placed(name))
                host.advance("1s")
            host.advance("6h")
        assert mortal.has_died
        return statuses(host), [verdict(host.receipt(name)) for name in STORY], work.most


@pytest.mark.parametrize("mode", ["skip", "cancel"])
def test_an_executor_that_dies_at_any_call_leaves_one_run_at_a_time_and_the_right_one_ends(
    work: Work, mode: str
) -> None:
    whole = Mortal("executor")
    lived = lived_with(work, mode, whole)
    assert lived[2] == 1
    assert lived[0] == ({"a": "finished"} if mode == "skip" else {"a": "cancelled", "b": "cancelled", "c": "finished"})
    for death in deaths("executor", whole.calls):
        found, verdicts, most = lived_with(work, mode, Mortal("executor", death))
        assert most == 1, str(death)
        assert set(verdicts) <= {"started", "singleton", "superseded"}, str(death)
        if mode == "cancel":
            assert found["c"] == "finished", str(death)
            assert set(found.values()) == {"finished", "cancelled"} or len(found) == 1, str(death)
        else:
            assert "finished" in found.values(), str(death)
            assert "running" not in found.values(), str(death)


def test_a_function_without_it_makes_no_request_for_it(app: App, host: Host, work: Work) -> None:
    order(app, work)
    calls = Counter[str]()

    def see(call: Call) -> bool:
        calls[call.operation] += call.function == "executor" and not call.answered
        return False

    with host.cloud.dies(see):
        host.send(placed("a"))
        host.cancel(host.run("order"))
    assert not {"TransactWriteItems", "UpdateItem", "GetItem"} & set(calls) - {"GetItem"}

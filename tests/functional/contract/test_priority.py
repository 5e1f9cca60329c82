"""``priority``: of the runs that wait at a limit, one goes on before runs whose event came a little earlier."""

from collections import Counter
from typing import Any

import pytest

from tarry import App, Concurrency, Context, Event, ExpressionError, Priority, Throttle, TriggerEvent, UsageError
from tarry_backend.api.held_back import held_back
from tarry_backend.deploy.function_facts import FunctionFacts
from tarry_backend.runtime import host as deploy
from tarry_backend.runtime import runtime
from tarry_dev.cloud import Call, Chaos, Cloud, Host
from tests.functional.contract.deaths import Mortal, deaths
from tests.functional.contract.test_concurrency import occupy

PLACED = TriggerEvent(event="placed")
URGENT = Priority("event.data.urgent")


def ship(app: App, order: list[str], **options: Any) -> App:
    @app.create_function(fn_id="ship", trigger=PLACED, **options)
    async def ship(ctx: Context) -> None:
        order.append(ctx.event.id)

    return app


def placed(event_id: str, **data: Any) -> Event:
    return Event("placed", data, id=event_id)


@pytest.fixture
def order() -> list[str]:
    return []


def test_runs_that_wait_go_on_by_their_time_less_their_priority(app: App, host: Host, order: list[str]) -> None:
    ship(app, order, concurrency=1, priority=URGENT)
    give_back = occupy()
    for name, urgent in (("a", 0), ("b", 30), ("c", 0), ("d", 45), ("e", -600)):
        host.send(placed(name, urgent=urgent))
        host.advance("20s")
    give_back()
    host.advance("1m")
    # In seconds: a 0, b 20 - 30, c 40, d 60 - 45, e 80 + 600.
    assert order == ["b", "a", "d", "c", "e"]


@pytest.mark.parametrize("urgent", [None, "30", True, 1.5, [1]])
def test_a_value_that_is_no_integer_is_no_priority(app: App, host: Host, order: list[str], urgent: Any) -> None:
    ship(app, order, concurrency=1, priority=URGENT)
    give_back = occupy()
    host.send(placed("a", urgent=0))
    host.advance("1s")
    host.send(placed("b", **({} if urgent is None else {"urgent": urgent})))
    give_back()
    host.advance("1m")
    assert order == ["a", "b"]


def test_a_value_beyond_the_limits_counts_as_the_nearest(app: App, host: Host, order: list[str]) -> None:
    ship(app, order, concurrency=1, priority=URGENT)
    give_back = occupy()
    host.send(placed("a", urgent=0))
    host.advance("11m")
    host.send(placed("b", urgent=100_000))
    host.send(placed("c", urgent=600))
    give_back()
    host.advance("1m")
    assert order == ["a", "b", "c"]


def test_a_run_without_a_value_counts_a_match_error_once(
    app: App, host: Host, order: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ship(app, order, concurrency=1, priority=URGENT)
    counted = Counter[str]()
    meter = runtime().executor._entrance._gatekeeper._meter
    monkeypatch.setattr(meter, "count", lambda name, by=1: counted.update({name: by}))
    host.send([placed("a"), placed("b", urgent=1)])
    assert counted["MatchErrors"] == 1


def test_tarry_run_counts_the_runs_before_by_priority(app: App, host: Host, order: list[str]) -> None:
    ship(app, order, concurrency=1, priority=URGENT)
    occupy()
    for name, urgent in (("a", 0), ("b", 0), ("c", 60)):
        host.send(placed(name, urgent=urgent))
        host.advance("1s")
    before = {}
    for each in host.runs():
        run = runtime().store.runs.run(each.id)
        assert run is not None
        held = held_back(run, FunctionFacts.of(app.functions["ship"]), runtime().store)
        assert held is not None
        before[run.event.id] = held.before
    assert before == {"c": 0, "a": 1, "b": 2}


def test_a_cancelled_run_with_a_priority_leaves_the_line(app: App, host: Host, order: list[str]) -> None:
    ship(app, order, concurrency=1, priority=URGENT)
    give_back = occupy()
    host.send([placed("a", urgent=60), placed("b", urgent=0)])
    host.cancel(next(run for run in host.runs() if run.event.id == "a"))
    scanned = host.cloud.clients.dynamodb.scan(TableName=host.cloud.settings.table)["Items"]
    assert len([item for item in scanned if item["pk"]["S"].startswith("line#")]) == 1
    give_back()
    host.advance("1m")
    assert order == ["b"]


def test_two_hundred_runs_of_several_keys_under_duplicates_and_disorder_all_end(
    app: App, host: Host, order: list[str]
) -> None:
    limit = Concurrency(2, key="event.data.customer")
    ship(app, order, concurrency=[limit, 5], priority=Priority("event.data.n % 7 * 30"))
    host.cloud.chaos = Chaos(seed=9, processes=3, at_once=12, duplicates=0.3, disorder=0.3)
    host.send([placed(f"{number:03}", n=number, customer=number % 4) for number in range(200)])
    host.advance("1h")
    assert Counter(run.status for run in host.runs()) == {"finished": 200}
    assert sorted(set(order)) == [f"{number:03}" for number in range(200)]


def lived_with(mortal: Mortal) -> set[str]:
    order: list[str] = []
    with Cloud(ship(App("shop"), order, concurrency=1, priority=URGENT)) as cloud:
        host = Host(cloud)
        with cloud.dies(mortal, function="executor"):
            give_back = occupy()
            host.send([placed("a", urgent=0), placed("b", urgent=60)])
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(cloud.functions["executor"], "dies", lambda call: False)
                give_back()
            host.advance("3h")
        return {run.status for run in host.runs()}


def test_an_executor_that_dies_at_any_call_leaves_nobody_waiting() -> None:
    whole = Mortal("executor")
    assert lived_with(whole) == {"finished"}
    for death in deaths("executor", whole.calls):
        assert lived_with(Mortal("executor", death)) == {"finished"}, str(death)


def test_a_priority_is_compiled_where_the_function_is_created() -> None:
    with pytest.raises(ExpressionError, match=r"'ship' \(.*line \d+\): priority: .*async"):
        App("shop").create_function(fn_id="ship", concurrency=1, priority=Priority("async.data.n"))


@pytest.mark.parametrize("run", ["", " ", 60, None])
def test_a_priority_is_an_expression(run: Any) -> None:
    with pytest.raises(UsageError, match="priority: run is"):
        Priority(run)


def test_priority_is_refused_without_a_limit_and_with_a_throttle() -> None:
    with pytest.raises(UsageError, match="priority needs concurrency: without a limit no run waits"):
        App("shop").create_function(fn_id="ship", priority=URGENT)
    with pytest.raises(UsageError, match=r"throttle and priority do not go together: .*none overtakes another"):
        App("shop").create_function(fn_id="ship", priority=URGENT, concurrency=1, throttle=Throttle(1, "1m"))


def test_a_priority_costs_no_request(app: App, host: Host, order: list[str]) -> None:
    calls: dict[str, Counter[str]] = {}
    given: dict[str, dict[str, Any]] = {"plain": {}, "urgent": {"priority": URGENT}}
    for fn_id, options in given.items():

        @app.create_function(fn_id=fn_id, trigger=TriggerEvent(fn_id), concurrency=1, **options)
        async def handler(ctx: Context) -> None:
            pass

        def see(call: Call, name: str = fn_id) -> bool:
            calls.setdefault(name, Counter())[call.operation] += call.function == "executor" and not call.answered
            return False

        host.send(fn_id, {"urgent": 1})
        with host.cloud.dies(see):
            host.send(fn_id, {"urgent": 1})
    assert calls["plain"] == calls["urgent"]


def test_a_changed_priority_leaves_waiting_runs_where_they_stand_and_orders_those_that_come(
    host: Host, order: list[str]
) -> None:
    deploy(ship(App("shop"), order, concurrency=1, priority=URGENT))
    give_back = occupy()
    for name in ("a", "b"):
        host.send(placed(name, urgent=0 if name == "a" else 5))
        host.advance("20s")
    deploy(ship(App("shop"), order, concurrency=1, priority=Priority("100 - event.data.urgent")))
    host.send(placed("c", urgent=0))
    host.advance("1s")
    host.send(placed("d", urgent=90))
    give_back()
    host.advance("10m")
    # In seconds: a 0, b 20 - 5, as they were; c 40 - 100; d 41 - 10.
    assert order == ["c", "a", "b", "d"]
    scanned = host.cloud.clients.dynamodb.scan(TableName=host.cloud.settings.table)["Items"]
    assert not [item for item in scanned if item["pk"]["S"].startswith("line#")]


def test_a_run_that_is_cancelled_after_its_priority_has_changed_holds_up_nobody(host: Host, order: list[str]) -> None:
    deploy(ship(App("shop"), order, concurrency=1, priority=URGENT))
    give_back = occupy()
    host.send([placed("a", urgent=60), placed("b", urgent=0)])
    deploy(ship(App("shop"), order, concurrency=1, priority=Priority("-event.data.urgent")))
    host.cancel(next(run for run in host.runs() if run.event.id == "a"))
    give_back()
    host.advance("10m")
    assert order == ["b"]
    assert [run.status for run in host.runs()] == ["cancelled", "finished"]
    scanned = host.cloud.clients.dynamodb.scan(TableName=host.cloud.settings.table)["Items"]
    assert not [item for item in scanned if item["pk"]["S"].startswith("line#")]

"""Concurrency: at most so many runs are at work, the others wait in order, and nobody is left waiting."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tarry import App, Cancel, Concurrency, Context, Event, Timeouts, TriggerEvent
from tarry_backend.executor.gatekeeper import SPARE
from tarry_backend.model.gate import GateName, Hold
from tarry_backend.model.shared_key import SHARED
from tarry_backend.queues.function_control import pause, resume, set_limit
from tarry_backend.runtime import host as deploy
from tarry_backend.runtime import runtime
from tarry_dev.cloud import Call, Chaos, Host

PLACED = TriggerEvent(event="placed")

GATE = GateName("fn", SHARED, SHARED, "ship").text()

LONG = 10**15


class Work:
    """Who is at work, and in which order they began."""

    def __init__(self) -> None:
        self.now: list[Any] = []
        self.most = 0
        self.order: list[Any] = []

    async def do(self, ctx: Context, name: Any, step: str = "work") -> None:
        """Work as that name: begin, one step, end."""
        self.now.append(name)
        self.order.append(name)
        self.most = max(self.most, len(self.now))
        try:
            await ctx.step.run(step, _nothing)
        finally:
            self.now.remove(name)


async def _nothing() -> None:
    return None


def gates(host: Host) -> list[dict[str, Any]]:
    """The items of gates and lines."""
    scanned = host.cloud.clients.dynamodb.scan(TableName=host.cloud.settings.table)["Items"]
    return [item for item in scanned if item["pk"]["S"].startswith(("gate#", "line#"))]


def is_idle(host: Host) -> bool:
    """Whether nobody holds a place, and nobody waits."""
    return not any("stamp" in item or "waiting" in item or item["holders"]["M"] for item in gates(host))


def placed(count: int, **data: Any) -> list[Event]:
    return [Event("placed", {"n": number, **data}) for number in range(count)]


def occupy(name: str = GATE, until: int = LONG) -> Callable[[], None]:
    """Let somebody else hold the one place; return what gives it back, as its executor does."""
    store = runtime().store
    hold = Hold("work", until, "token")
    taken, _ = store.gates.take(name, "X" * 26, hold, 1, 0)
    assert taken

    def give_back() -> None:
        keeper = runtime().executor._entrance._gatekeeper
        done, state = store.gates.release(name, "X" * 26, hold, 0)
        assert done
        keeper._pass_on(name, state)

    return give_back


def statuses(host: Host) -> Counter[str]:
    return Counter(run.status for run in host.runs())


def shop(work: Work, **options: Any) -> App:
    """One version of the shop's code."""
    app = App("shop")

    @app.create_function(fn_id="ship", trigger=PLACED, **options)
    async def ship(ctx: Context) -> None:
        await work.do(ctx, ctx.event.data["n"])

    return app


@pytest.fixture
def work() -> Work:
    return Work()


def test_two_hundred_runs_behind_a_limit_of_three_all_end_and_never_four_are_at_work(
    app: App, host: Host, work: Work
) -> None:
    @app.create_function(fn_id="ship", trigger=PLACED, concurrency=3)
    async def ship(ctx: Context) -> None:
        await work.do(ctx, ctx.run_id)
        if ctx.event.data["n"] % 4 == 0:
            await ctx.step.sleep("rest", "10s")
            await work.do(ctx, ctx.run_id, "work again")

    host.cloud.chaos = Chaos(
        seed=8, processes=3, at_once=12, duplicates=0.2, disorder=0.2, clocks={"executor": 2.0, "sweep": -1.0}
    )
    host.send(placed(200))
    host.advance("1h")
    assert statuses(host) == {"finished": 200}
    assert work.most == 3
    assert is_idle(host)


def test_runs_go_on_in_the_order_of_their_starting_events_and_a_resumed_one_before_newer_starts(
    app: App, host: Host, work: Work
) -> None:
    @app.create_function(fn_id="ship", trigger=PLACED, concurrency=1)
    async def ship(ctx: Context) -> None:
        await ctx.step.sleep("rest", "5s" if ctx.event.data["n"] == 0 else "1s")
        await work.do(ctx, ctx.event.data["n"])

    for event in placed(4):
        host.send(event)
    give_back = occupy()
    host.advance("1m")
    assert work.order == []
    host.send(Event("placed", {"n": 4}))
    give_back()
    host.advance("1m")
    assert work.order == [0, 1, 2, 3, 4]
    assert is_idle(host)


def test_a_run_that_waits_at_the_gate_has_its_events_and_deadlines(app: App, host: Host) -> None:
    @app.create_function(fn_id="ship", trigger=PLACED, concurrency=1)
    async def ship(ctx: Context) -> list[bool]:
        paid = await ctx.step.wait_for_event("paid", event="paid", match="data.n", timeout="1m")
        again = await ctx.step.wait_for_event("again", event="paid", match="data.n", timeout="1m")
        return [paid is not None, again is not None]

    host.send(Event("placed", {"n": 1}))
    host.send(Event("placed", {"n": 2}))
    give_back = occupy()
    host.send(Event("paid", {"n": 1}))
    host.advance("2m")
    host.send(Event("paid", {"n": 2}))
    assert statuses(host) == {"running": 2}
    give_back()
    host.advance("2m")
    assert [run.output for run in host.runs()] == [[True, False], [False, True]]


def test_a_run_that_is_cancelled_while_it_waits_leaves_the_line(host: Host, work: Work) -> None:
    deploy(shop(work, concurrency=1, cancel=[Cancel("left", match="data.n")]))
    give_back = occupy()
    host.send(placed(3))
    host.cancel(host.runs()[0])
    host.send(Event("left", {"n": 1}))
    assert statuses(host) == {"cancelled": 2, "running": 1}
    assert len([item for item in gates(host) if "stamp" in item]) == 1
    give_back()
    host.advance("1m")
    assert work.order == [2]
    assert is_idle(host)


def test_the_time_to_start_runs_while_a_run_waits_for_its_turn(host: Host, work: Work) -> None:
    deploy(shop(work, concurrency=1, timeouts=Timeouts(start="1m")))
    give_back = occupy()
    host.send(placed(1))
    host.advance("30s")
    assert host.run().status == "running"
    host.advance("31s")
    assert (host.run().status, work.order) == ("cancelled", [])
    give_back()
    host.send(placed(1))
    host.advance("10m")
    assert statuses(host) == {"cancelled": 1, "finished": 1}
    assert is_idle(host)


def test_the_time_to_start_ends_with_the_first_turn_and_the_time_to_finish_begins(app: App, host: Host) -> None:
    @app.create_function(fn_id="ship", trigger=PLACED, concurrency=1, timeouts=Timeouts(start="1m", finish="10m"))
    async def ship(ctx: Context) -> None:
        await ctx.step.sleep("rest", ctx.event.data["rest"])

    give_back = occupy()
    host.send([Event("placed", {"rest": "9m"}), Event("placed", {"rest": "11m"})])
    host.advance("50s")
    give_back()
    host.advance("1h")
    assert [run.status for run in host.runs()] == ["finished", "cancelled"]


def test_with_hold_run_a_place_is_kept_until_the_runs_end(app: App, host: Host, work: Work) -> None:
    @app.create_function(fn_id="ship", trigger=PLACED, concurrency=Concurrency(1, hold="run"))
    async def ship(ctx: Context) -> None:
        await work.do(ctx, ctx.event.data["n"])
        await ctx.step.sleep("rest", "2h")

    host.send(placed(3))
    host.advance("1h")
    assert work.order == [0]
    host.advance("61m")
    assert work.order == [0, 0, 1]
    host.cancel(host.runs()[1])
    assert work.order == [0, 0, 1, 2]
    host.advance("3h")
    assert is_idle(host)


def test_runs_under_a_limit_that_they_keep_and_one_that_they_do_not_never_wait_for_each_other(
    app: App, host: Host
) -> None:
    """The run that keeps its place goes on, and needs the other place anew: no run in line may have that one."""
    limits = [Concurrency(1, hold="run"), Concurrency(1, key="event.data.customer", scope="app")]

    @app.create_function(fn_id="ship", trigger=PLACED, concurrency=limits)
    async def ship(ctx: Context) -> None:
        await ctx.step.sleep("rest", "1m")

    host.send(placed(3, customer="7"))
    host.advance("4m")
    assert statuses(host) == {"finished": 3}
    assert is_idle(host)


def test_each_value_of_a_key_has_the_limit_for_itself_and_runs_without_one_share_it(host: Host, work: Work) -> None:
    deploy(shop(work, concurrency=Concurrency(1, key="event.data.customer", hold="run")))
    app = runtime().app
    assert app.functions["ship"].concurrency[0].key == "event.data.customer"
    host.send([*placed(2, customer=1), *placed(1, customer="1"), *placed(1, customer=1.0), *placed(3)])
    assert statuses(host) == {"finished": 7}
    assert len({item["pk"]["S"] for item in gates(host)}) == 3


def test_an_event_without_the_keys_value_is_counted_once_as_a_match_error(
    host: Host, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Counter[str]()
    deploy(shop(work, concurrency=Concurrency(1, key="event.data.customer")))
    meter = runtime().executor._entrance._gatekeeper._meter
    monkeypatch.setattr(meter, "count", lambda name, by=1: counted.update({name: by}))
    host.send(placed(2))
    assert counted["MatchErrors"] == 2


def test_the_apps_limit_counts_the_runs_of_all_functions_that_have_it(app: App, host: Host) -> None:
    limit = Concurrency(1, scope="app", hold="run")
    for name in ("ship", "bill"):

        @app.create_function(fn_id=name, trigger=TriggerEvent(event=name), concurrency=limit)
        async def handler(ctx: Context) -> None:
            await ctx.step.sleep("rest", "1h")

    host.send([Event("ship"), Event("bill")])
    host.advance("30m")
    assert [len(run.steps) for run in host.runs()] == [1, 0]
    host.advance("2h")
    assert statuses(host) == {"finished": 2}


@pytest.mark.parametrize("turned", [False, True])
def test_two_limits_are_taken_in_one_order_whatever_order_they_are_written_in(
    app: App, host: Host, work: Work, turned: bool
) -> None:
    limits = [Concurrency(1, key="event.data.n % 2", scope="app"), Concurrency(1, scope="app")]
    for name, given in (("ship", limits), ("bill", limits[::-1] if turned else limits)):

        @app.create_function(fn_id=name, trigger=PLACED, concurrency=given)
        async def handler(ctx: Context) -> None:
            await work.do(ctx, ctx.run_id)

    host.cloud.chaos = Chaos(seed=3, processes=2, at_once=6)
    host.send(placed(12))
    host.advance("30m")
    assert statuses(host) == {"finished": 24}
    assert work.most == 1
    assert is_idle(host)


def test_a_customer_waits_at_the_wide_limit_with_no_more_runs_than_the_narrow_one_allows(
    host: Host, work: Work
) -> None:
    deploy(shop(work, concurrency=[1, Concurrency(1, key="event.data.customer")]))
    give_back = occupy()
    host.send([*placed(5, customer="large"), Event("placed", {"n": 9, "customer": "small"})])
    assert len(runtime().store.gates.line(GATE, 10)) == 2
    give_back()
    host.advance("1m")
    assert work.order[:2] == [0, 9]
    assert statuses(host) == {"finished": 6}
    assert is_idle(host)


# Deployments.


def test_a_raised_limit_lets_waiting_runs_go_on_by_the_next_sweep(host: Host, work: Work) -> None:
    deploy(shop(work, concurrency=1))
    occupy()
    host.send(placed(3))
    deploy(shop(work, concurrency=2))
    host.advance("6m")
    assert work.order == [0, 1, 2]


def test_a_lowered_limit_holds_for_those_that_come_then(app: App, host: Host) -> None:
    def version(limit: int) -> App:
        shop = App("shop")

        @shop.create_function(fn_id="ship", trigger=PLACED, concurrency=Concurrency(limit, hold="run"))
        async def ship(ctx: Context) -> None:
            await ctx.step.sleep("rest", "1h")

        return shop

    deploy(version(3))
    host.send(placed(3))
    deploy(version(1))
    host.send(placed(2))
    host.advance("30m")
    assert [len(run.steps) for run in host.runs()] == [1, 1, 1, 0, 0]
    host.advance("40m")
    assert [len(run.steps) for run in host.runs()] == [1, 1, 1, 1, 0]
    host.advance("2h")
    assert statuses(host) == {"finished": 5}


@pytest.mark.parametrize("after", [None, Concurrency(1, key="event.data.n"), Concurrency(1, scope="app")])
def test_a_limit_that_is_removed_or_has_another_key_keeps_nobody_waiting(
    host: Host, work: Work, after: Concurrency | None
) -> None:
    deploy(shop(work, concurrency=1))
    occupy()
    host.send(placed(30))
    deploy(shop(work, concurrency=after))
    host.advance("6m")
    assert statuses(host) == {"finished": 30}
    assert not [item for item in gates(host) if "stamp" in item or "waiting" in item]


# Deaths, and what comes late.


def test_the_place_of_a_killed_lambda_is_taken_back_when_its_time_is_over(host: Host, work: Work) -> None:
    deploy(shop(work, concurrency=1))
    occupy(until=host.cloud.clock.now() + 900_000 + SPARE)
    host.send(placed(1))
    host.advance("15m")
    assert work.order == []
    host.advance("7m")
    assert work.order == [0]
    assert is_idle(host)


@pytest.mark.parametrize("call", range(1, 12))
def test_a_run_whose_executor_dies_at_any_call_ends_and_so_does_the_next(host: Host, work: Work, call: int) -> None:
    deploy(shop(work, concurrency=1))
    numbers = iter(range(1, 1_000))

    def dies(each: Call) -> bool:
        return each.function == "executor" and not each.answered and next(numbers) == call

    with host.cloud.dies(dies):
        host.send(placed(2))
        host.advance("2h")
    assert statuses(host) == {"finished": 2}
    assert is_idle(host)


def test_a_late_release_takes_no_place_away_that_was_taken_anew(host: Host, work: Work) -> None:
    deploy(shop(work, concurrency=1))
    store, run_id = runtime().store.gates, "R" * 26
    old, new = Hold("work", LONG, "old"), Hold("work", LONG, "new")
    assert store.take(GATE, run_id, old, 1, 0)[0]
    assert store.take(GATE, run_id, new, 1, 0)[0]
    assert not store.release(GATE, run_id, old, 0)[0]
    state = store.read(GATE)
    assert state is not None
    assert state.holds == {run_id: new}


def test_a_late_delete_takes_no_run_out_of_the_line_that_waits_anew(host: Host, work: Work) -> None:
    deploy(shop(work, concurrency=1))
    store = runtime().store.gates
    store.stand_in_line(GATE, "1#R", 1)
    (seen,) = store.line(GATE, 5)
    store.stand_in_line(GATE, "1#R", 2)
    store.forget(GATE, seen)
    (there,) = store.line(GATE, 5)
    assert there.since == 1
    store.forget(GATE, there)
    assert store.line(GATE, 5) == []


def test_a_late_grant_to_a_run_that_has_ended_is_passed_on(host: Host, work: Work) -> None:
    deploy(shop(work, concurrency=1))
    host.send(placed(1))
    give_back = occupy()
    run = host.run()
    runtime().store.gates.stand_in_line(GATE, f"{0:015d}#{run.id}", 0)  # its waiter was not deleted
    host.send(Event("placed", {"n": 1}))
    give_back()
    host.cloud.pump()
    assert work.order == [0, 1]
    assert is_idle(host)


def test_a_grantor_that_dies_before_it_tells_the_run_is_completed_by_the_sweep(host: Host, work: Work) -> None:
    deploy(shop(work, concurrency=1))
    give_back = occupy()
    host.send(placed(1))
    keeper = runtime().executor._entrance._gatekeeper
    tell, keeper._tell = keeper._tell, lambda *_: None  # type: ignore[method-assign]
    give_back()
    keeper._tell = tell  # type: ignore[method-assign]
    host.cloud.pump()
    assert work.order == []
    host.advance("3m")
    assert work.order == [0]
    assert is_idle(host)


def test_a_gate_counts_as_waited_for_until_a_grant_has_been_used(host: Host, work: Work) -> None:
    """Else an admitter that finds nobody in line would clear it, and a grant that nobody was told would be lost."""
    deploy(shop(work, concurrency=2))
    store, run_id = runtime().store.gates, "R" * 26
    hold = Hold("work", LONG, "token")
    store.take(GATE, "X" * 26, hold, 2, 0)
    store.take(GATE, "Y" * 26, hold, 2, 0)
    marked, state = store.mark(GATE, 2, 0)
    assert marked
    assert state is not None
    store.release(GATE, "X" * 26, hold, 0)
    assert store.grant(GATE, run_id, hold, 2, 0)[0]
    assert not store.clear(GATE, state.mark, 0)[0]
    store.take(GATE, run_id, hold, 2, 0)
    assert store.clear(GATE, state.mark, 0)[0]


def test_a_gate_is_not_cleared_if_a_run_has_begun_to_wait_since_the_line_was_read(host: Host, work: Work) -> None:
    deploy(shop(work, concurrency=1))
    occupy()
    store = runtime().store.gates
    _, state = store.mark(GATE, 1, 0)
    assert state is not None
    store.mark(GATE, 1, 0)
    assert not store.clear(GATE, state.mark, 0)[0]


def test_a_sleep_that_ended_before_its_run_had_to_wait_has_ended_for_an_executor_whose_clock_is_behind(
    app: App, host: Host
) -> None:
    @app.create_function(fn_id="ship", trigger=PLACED, concurrency=1)
    async def ship(ctx: Context) -> None:
        await ctx.step.sleep("rest", "10s")

    host.send(placed(1))
    give_back = occupy()
    host.advance("11s")
    host.cloud.chaos = Chaos(clocks={"executor": -5.0})
    give_back()
    host.cloud.pump()
    assert host.run().status == "finished"


# Control by people.


def test_a_paused_function_keeps_its_starts_and_waits_and_goes_on_in_order_when_it_is_resumed(
    app: App, host: Host, work: Work
) -> None:
    @app.create_function(fn_id="ship", trigger=PLACED, concurrency=Concurrency(2, key="event.data.n"))
    async def ship(ctx: Context) -> bool:
        n = ctx.event.data["n"]
        paid = await ctx.step.wait_for_event("paid", event="paid", match="data.n", timeout="1m")
        await work.do(ctx, n, "again")
        return paid is not None

    store, queues = runtime().store, runtime().queues
    host.send(placed(2))
    pause("ship", store)
    host.advance("11s")
    host.send(Event("paid", {"n": 0}))
    host.send(Event("placed", {"n": 7}))
    host.advance("1h")
    assert work.order == []
    assert [len(run.steps) for run in host.runs()] == [1, 1, 0]
    resume("ship", store, queues)
    host.advance("30s")
    assert work.order == [0, 1]
    host.advance("2m")
    assert work.order == [0, 1, 7]
    assert [run.output for run in host.runs()] == [True, False, False]
    assert is_idle(host)


def test_a_run_that_keeps_its_place_pauses_too_and_keeps_it(app: App, host: Host, work: Work) -> None:
    @app.create_function(fn_id="ship", trigger=PLACED, concurrency=Concurrency(1, hold="run"))
    async def ship(ctx: Context) -> None:
        await ctx.step.sleep("rest", "1m")
        await work.do(ctx, ctx.event.data["n"])

    store, queues = runtime().store, runtime().queues
    host.send(placed(2))
    pause("ship", store)
    host.advance("10m")
    assert work.order == []
    resume("ship", store, queues)
    host.advance("10m")
    assert work.order == [0, 1]
    assert is_idle(host)


def test_another_limit_holds_until_the_code_has_its_own_again(host: Host, work: Work) -> None:
    deploy(shop(work, concurrency=1))
    store, queues = runtime().store, runtime().queues
    occupy()
    host.send(placed(2))
    set_limit("ship", 2, store, queues)
    host.advance("30s")
    assert work.order == [0, 1]
    set_limit("ship", None, store, queues)
    host.advance("30s")
    host.send(Event("placed", {"n": 2}))
    host.advance("10m")
    assert work.order == [0, 1]


# Invocations.


def test_a_run_may_invoke_another_one_under_its_own_limit(app: App, host: Host) -> None:
    @app.create_function(fn_id="ship", trigger=PLACED, concurrency=1)
    async def ship(ctx: Context) -> int:
        depth: int = ctx.event.data["depth"]
        return depth if depth == 3 else await ctx.step.invoke_by_id("go", function_id="ship", data={"depth": depth + 1})

    host.send("placed", {"depth": 0})
    assert {run.output for run in host.runs()} == {3}


def test_a_run_that_keeps_its_place_may_not_invoke_one_that_needs_it(app: App, host: Host) -> None:
    @app.create_function(fn_id="ship", trigger=PLACED, concurrency=Concurrency(1, key="event.data.n", hold="run"))
    async def ship(ctx: Context) -> int:
        n: int = ctx.event.data["n"]
        return (
            n
            if "to" not in ctx.event.data
            else await ctx.step.invoke_by_id("go", function_id="ship", data={"n": ctx.event.data["to"]})
        )

    host.send([Event("placed", {"n": 1, "to": 1}), Event("placed", {"n": 2, "to": 3})])
    same, other, _ = host.runs()
    assert (same.status, other.status) == ("failed", "finished")
    assert same.error is not None
    assert "hold='run'" in same.error.message


# What it costs.


@pytest.mark.parametrize("count", [20, 120])
def test_the_requests_of_a_run_do_not_grow_with_the_line(host: Host, work: Work, count: int) -> None:
    deploy(shop(work, concurrency=10))
    calls = Counter[str]()

    def see(call: Call) -> bool:
        calls[call.operation] += call.function == "executor" and not call.answered
        return False

    holds = [Hold("work", LONG, str(number)) for number in range(10)]
    store = runtime().store.gates
    for number, hold in enumerate(holds):
        assert store.take(GATE, f"X{number}", hold, 10, 0)[0]
    with host.cloud.dies(see):
        host.send(placed(count))
        waited = +calls
        for number, hold in enumerate(holds):
            _, state = store.release(GATE, f"X{number}", hold, 0)
            runtime().executor._entrance._gatekeeper._pass_on(GATE, state)
        host.advance("1m")
    assert statuses(host) == {"finished": count}
    assert waited["UpdateItem"] == 3 * count
    assert calls["UpdateItem"] <= 6 * count + 10
    assert calls["Query"] <= 2 * count + 10
    assert calls["DeleteItem"] <= count + 10
    assert work.order == list(range(count))

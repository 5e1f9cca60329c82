"""``throttle``: runs begin one each interval, and none is lost."""

from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any

import pytest

from tarry import App, Cancel, Concurrency, Context, Event, Singleton, Throttle, Timeouts, TriggerEvent
from tarry_backend.api.held_back import held_back
from tarry_backend.deploy.function_facts import FunctionFacts
from tarry_backend.model.pace import Pace
from tarry_backend.runtime import runtime
from tarry_backend.store.paces import Paces
from tarry_dev.cloud import Call, Chaos, Cloud, Host
from tests.functional.contract.deaths import Mortal, deaths

PLACED = TriggerEvent(event="placed")


class Begun:
    """When runs began, by the cloud's clock, and which times the throttle gave, by its name."""

    def __init__(self) -> None:
        self.moments: dict[str, int] = {}
        self.given: defaultdict[str, list[int]] = defaultdict(list)

    def seconds(self, host: Host) -> list[float]:
        """When the runs began, in seconds after the first one, in the order of their events' ids."""
        first = min(self.moments.values())
        return [(self.moments[name] - first) / 1000 for name in sorted(self.moments)]


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> Begun:
    noted, reserve = Begun(), Paces.reserve

    def see(self: Paces, name: str, pace: Pace, moment: int) -> int:
        begins = reserve(self, name, pace, moment)
        noted.given[name].append(begins)
        return begins

    monkeypatch.setattr(Paces, "reserve", see)
    return noted


def order(app: App, begun: Begun, now: Any, **options: Any) -> App:
    @app.create_function(fn_id="order", trigger=PLACED, **options)
    async def order(ctx: Context) -> str:
        begun.moments.setdefault(ctx.event.id, now())
        await ctx.step.sleep("rest", "1s")
        return "done"

    return app


def placed(count: int, **data: Any) -> list[Event]:
    return [Event("placed", data, id=f"{number:03}") for number in range(count)]


def statuses(host: Host) -> Counter[str]:
    return Counter(run.status for run in host.runs("order"))


def test_runs_begin_one_each_interval_and_none_is_lost(app: App, host: Host, begun: Begun) -> None:
    order(app, begun, host.cloud.clock.now, throttle=Throttle(3, "1m"))
    host.send(placed(7))
    host.advance("10m")
    assert begun.seconds(host) == pytest.approx([0, 20, 40, 60, 80, 100, 120], abs=1.1)
    assert statuses(host) == {"finished": 7}


def test_a_burst_begins_at_once_and_again_after_a_pause(app: App, host: Host, begun: Begun) -> None:
    order(app, begun, host.cloud.clock.now, throttle=Throttle(1, "1m", burst=3))
    host.send(placed(5))
    host.advance("10m")
    assert begun.seconds(host) == pytest.approx([0, 0, 0, 60, 120], abs=1.1)
    host.send([Event("placed", {}, id=f"later-{number}") for number in range(4)])
    host.advance("2m")
    first, *rest = begun.seconds(host)[5:]
    assert [each - first for each in rest] == pytest.approx([0, 0, 60], abs=1.1)


def test_an_event_takes_one_time_however_often_it_comes(app: App, host: Host, begun: Begun) -> None:
    order(app, begun, host.cloud.clock.now, throttle=Throttle(1, "1m"))
    for _ in range(10):
        host.send(placed(2))
    host.advance("10m")
    assert [len(each) for each in begun.given.values()] == [2]


def test_each_value_of_a_key_has_the_throttle_for_itself_and_events_without_one_share_it(
    app: App, host: Host, begun: Begun
) -> None:
    order(app, begun, host.cloud.clock.now, throttle=Throttle(1, "1m", key="event.data.customer"))
    given: dict[str, Any] = {"a": 1, "b": 1.0, "c": "1"}
    host.send([Event("placed", {"customer": customer}, id=name) for name, customer in given.items()])
    host.send([Event("placed", {}, id="d"), Event("placed", {}, id="e")])
    host.advance("5m")
    assert begun.seconds(host) == pytest.approx([0, 60, 0, 0, 60], abs=1.1)


def test_a_run_that_waits_for_its_time_can_be_cancelled_and_timed_out(app: App, host: Host, begun: Begun) -> None:
    options = {"cancel": Cancel("left", match="data.n"), "timeouts": Timeouts(start="90s", finish="10s")}
    order(app, begun, host.cloud.clock.now, throttle=Throttle(1, "1m"), **options)
    host.send([Event("placed", {"n": number}, id=f"{number}") for number in range(4)])
    host.advance("30s")
    host.send(Event("left", {"n": 1}))
    assert {run.event.id: run.status for run in host.runs("order")}["1"] == "cancelled"
    host.advance("10m")
    assert {run.event.id: run.status for run in host.runs("order")} == {
        "0": "finished",
        "1": "cancelled",
        "2": "cancelled",
        "3": "cancelled",
    }


def test_an_event_of_the_future_takes_its_time_when_it_has_come(app: App, host: Host, begun: Begun) -> None:
    order(app, begun, host.cloud.clock.now, throttle=Throttle(1, "1m"))
    host.send(Event("placed", {}, id="2-later", ts=host.cloud.clock.now() + 3_600_000))
    host.send([Event("placed", {}, id="0"), Event("placed", {}, id="1")])
    host.advance("2h")
    assert begun.seconds(host) == pytest.approx([0, 60, 3600], abs=1.1)


def test_a_run_has_its_time_before_it_takes_a_place_and_keeps_it_in_the_line(
    app: App, host: Host, begun: Begun
) -> None:
    order(app, begun, host.cloud.clock.now, throttle=Throttle(2, "1m"), concurrency=Concurrency(1, hold="run"))
    host.send(placed(4))
    host.advance("1h")
    assert begun.seconds(host) == pytest.approx([0, 30, 60, 90], abs=1.1)
    assert [len(each) for each in begun.given.values()] == [4]


def test_a_run_that_waits_in_line_takes_no_second_time(app: App, host: Host, begun: Begun) -> None:
    @app.create_function(
        fn_id="order", trigger=PLACED, throttle=Throttle(1, "10s"), concurrency=Concurrency(1, hold="run")
    )
    async def order(ctx: Context) -> None:
        begun.moments.setdefault(ctx.event.id, host.cloud.clock.now())
        await ctx.step.sleep("rest", "1m")

    host.send(placed(3))
    host.advance("1h")
    assert begun.seconds(host) == pytest.approx([0, 60, 120], abs=2.1)
    assert [len(each) for each in begun.given.values()] == [3]


def test_a_superseded_run_of_a_singleton_does_not_begin_at_its_time(app: App, host: Host, begun: Begun) -> None:
    order(app, begun, host.cloud.clock.now, throttle=Throttle(1, "1m"), singleton=Singleton("cancel"))
    for name in "abc":
        host.send(Event("placed", {}, id=name))
    host.advance("1h")
    assert {run.event.id: run.status for run in host.runs("order")}["c"] == "finished"
    assert "b" not in begun.moments


def test_a_retry_takes_no_time_and_a_rerun_from_the_beginning_takes_one(app: App, host: Host, begun: Begun) -> None:
    bad = [True]

    @app.create_function(fn_id="order", trigger=PLACED, throttle=Throttle(1, "1h"), retries=0)
    async def order(ctx: Context) -> None:
        if bad:
            raise ValueError

    host.send(placed(1))
    bad.clear()
    host.retry(host.run("order"))
    assert host.run("order").status == "finished"
    host.rerun(host.run("order"))
    assert [len(each) for each in begun.given.values()] == [2]
    host.advance("2h")
    assert statuses(host) == {"finished": 2}


def test_tarry_run_says_when_a_waiting_run_begins(app: App, host: Host, begun: Begun) -> None:
    order(app, begun, host.cloud.clock.now, throttle=Throttle(1, "1h"))
    host.send(placed(2))
    waiting = runtime().store.runs.run(host.runs("order")[1].id)
    assert waiting is not None
    assert waiting.due == waiting.paced == next(iter(begun.given.values()))[-1]
    held = held_back(waiting, FunctionFacts.of(app.functions["order"]), runtime().store)
    assert held is not None
    assert held.begins == waiting.paced


def test_two_hundred_runs_of_several_keys_under_duplicates_and_disorder_keep_the_pace(
    app: App, host: Host, begun: Begun
) -> None:
    order(app, begun, host.cloud.clock.now, throttle=Throttle(10, "1m", burst=2, key="event.data.customer"))
    host.cloud.chaos = Chaos(seed=4, processes=3, at_once=12, duplicates=0.3, disorder=0.3)
    host.send([Event("placed", {"customer": number % 4}, id=f"{number:03}") for number in range(200)])
    host.advance("1h")
    assert statuses(host) == {"finished": 200}
    assert [len(each) for each in begun.given.values()] == [50] * 4
    for moments in map(sorted, begun.given.values()):
        assert all(later - earlier >= 6_000 - 1 for earlier, later in zip(moments, moments[2:], strict=False))
    for run in host.runs("order"):
        stored = runtime().store.runs.run(run.id)
        assert stored is not None
        assert stored.paced is None or begun.moments[run.event.id] >= stored.paced


def lived_with(begun: Begun, mortal: Mortal) -> Counter[str]:
    begun.given.clear()
    begun.moments.clear()
    app = App("shop")
    order(app, begun, lambda: 0, throttle=Throttle(1, "10s"))
    with Cloud(app) as cloud:
        host = Host(cloud)
        with cloud.dies(mortal, function="executor"):
            host.send(placed(3))
            host.advance("3h")
        assert mortal.has_died
        return statuses(host)


def test_an_executor_that_dies_at_any_call_loses_a_time_at_most_and_no_run(begun: Begun) -> None:
    whole = Mortal("executor")
    assert lived_with(begun, whole) == {"finished": 3}
    for death in deaths("executor", whole.calls):
        assert lived_with(begun, Mortal("executor", death)) == {"finished": 3}, str(death)
        [moments] = begun.given.values()
        assert 3 <= len(moments) <= 4
        ordered = sorted(moments)
        assert all(b - a >= 10_000 for a, b in pairwise(ordered)), str(death)


def test_a_function_without_a_throttle_makes_no_request_for_it(app: App, host: Host, begun: Begun) -> None:
    order(app, begun, host.cloud.clock.now)
    calls = Counter[str]()

    def see(call: Call) -> bool:
        calls[call.operation] += call.function == "executor" and not call.answered
        return False

    with host.cloud.dies(see):
        host.send(placed(1))
    assert calls["UpdateItem"] == 0

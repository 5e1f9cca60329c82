"""Each switch of the embedded cloud's chaos does what it says, and nothing happens without it."""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tarry import App, Context, Event, TriggerEvent, UsageError
from tarry_backend.runtime import runtime
from tarry_dev.cloud import Call, Chaos, Cloud, Delivery, Host, RealClock
from tarry_dev.pytest_plugin import MakeCloud

PLACED = TriggerEvent(event="placed")


@pytest.fixture
def app() -> App:
    return App("shop")


@pytest.fixture
def cloud(tarry_cloud: MakeCloud, app: App) -> Cloud:
    return tarry_cloud(app)


def deliveries(cloud: Cloud) -> list[Delivery]:
    """All that the cloud delivers from now on."""
    seen: list[Delivery] = []
    cloud.observe(seen.append)
    return seen


def placed(number: int) -> Event:
    return Event("placed", {"number": number}, id=f"p-{number}")


def add_order(app: App) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> Any:
        event = await ctx.step.wait_for_event("wait", event="paid", match="data.number", timeout="1h")
        return event and event.id


def test_a_cloud_is_calm_unless_a_test_asks_for_chaos(app: App, cloud: Cloud) -> None:
    add_order(app)
    seen = deliveries(cloud)
    cloud.send([placed(number) for number in range(10)])
    cloud.advance("1m")
    assert Counter(message.id for each in seen for message in each.messages).most_common(1)[0][1] == 1
    assert cloud.chaos == Chaos()


@pytest.mark.parametrize(
    ("chaos", "problem"),
    [
        ({"duplicates": 1}, "duplicates=1 is not a chance"),
        ({"expiry": -0.1}, "expiry=-0.1 is not a chance"),
        ({"at_once": 0}, "at_once=0"),
    ],
)
def test_a_chance_is_from_zero_to_less_than_one(chaos: dict[str, Any], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        Chaos(**chaos)


def test_a_clock_is_of_a_function_that_there_is(cloud: Cloud) -> None:
    with pytest.raises(UsageError, match="clocks has 'machter'; the functions are matcher"):
        cloud.chaos = Chaos(clocks={"machter": 1})


def test_a_cloud_in_real_time_has_no_chaos(tarry_cloud: MakeCloud, app: App) -> None:
    with pytest.raises(UsageError, match="a MovedClock"):
        tarry_cloud(app, clock=RealClock()).chaos = Chaos(duplicates=0.5)


def test_each_process_remembers_event_names_by_itself(app: App, cloud: Cloud) -> None:
    add_order(app)
    stores = set()
    cloud.chaos = Chaos(processes=3)

    def handler(event: Any, context: Any) -> None:
        stores.add(id(runtime().store.names))

    for each in ("matcher", "timers"):
        cloud.functions[each]._handler = handler
    for number in range(30):
        cloud.send(placed(number))
        cloud.pump()
    assert len(stores) == 3
    assert id(runtime().store.names) not in stores


def calls_of(chaos: Chaos) -> list[tuple[str, int]]:
    """The calls of three runs that start at the same time: of which function, and the how many-th of its invocation."""
    app, calls = App("shop"), list[tuple[str, int]]()
    add_order(app)

    def watch(call: Call) -> bool:
        calls.extend([] if call.answered else [(call.function, call.number)])
        return False

    with Cloud(app) as cloud:
        cloud.chaos = chaos
        with cloud.dies(watch):
            cloud.send([placed(number) for number in range(3)])
            cloud.pump()
    return calls


@pytest.mark.parametrize("seed", range(3))
def test_invocations_that_are_under_way_at_the_same_time_take_turns_and_do_so_again_with_the_same_seed(
    seed: int,
) -> None:
    """In sequence, an invocation's second call follows its first."""
    calm, wild, again = (calls_of(Chaos(at_once=most, seed=seed)) for most in (1, 3, 3))
    follows = [second[1] == first[1] + 1 for first, second in itertools.pairwise(calm) if second[1] > 1]
    assert all(follows)
    follows = [second[1] == first[1] + 1 for first, second in itertools.pairwise(wild) if second[1] > 1]
    assert follows.count(False) > 1
    assert wild == again


def test_what_is_under_way_ends_with_the_cloud() -> None:
    app = App("shop")
    add_order(app)
    with Cloud(app) as cloud:
        cloud.chaos = Chaos(at_once=3)
        cloud.send([placed(number) for number in range(3)])
        for _ in range(12):
            cloud._pump.step()
        assert len(cloud._pump._turns) > 0
    assert not [each for each in threading.enumerate() if each.name == "tarry-invocation" and each.is_alive()]


def test_a_lambdas_clock_is_ahead_of_awss_and_your_code_sees_it(app: App, cloud: Cloud) -> None:
    seen: dict[str, int] = {}

    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> None:
        async def look() -> None:
            seen["body"] = time.time_ns() // 1_000_000 - cloud.clock.now()
            cloud.send(Event("asked"))
            seen["queue"] = cloud.queues["events"].messages[-1].sent_at - cloud.clock.now()

        await ctx.step.run("look", look)

    cloud.chaos = Chaos(clocks={"executor": 2.5})
    cloud.send(placed(1))
    cloud.pump()
    assert seen["body"] == 2_500
    assert abs(seen["queue"]) < 10
    assert time.time_ns() // 1_000_000 == cloud.clock.now()


def test_a_standard_queue_hands_out_a_message_twice(app: App, cloud: Cloud) -> None:
    add_order(app)
    host = Host(cloud)
    cloud.chaos = Chaos(duplicates=0.5)
    seen = deliveries(cloud)
    for number in range(20):
        host.send([placed(number)])
    host.advance("1m")
    counts = {
        name: Counter(message.id for each in seen if each.function == name for message in each.messages)
        for name in ("matcher", "timers", "executor")
    }
    assert counts["matcher"].most_common(1)[0][1] > 1
    assert counts["timers"].most_common(1)[0][1] > 1
    assert counts["executor"].most_common(1)[0][1] == 1
    receives = {message.receives for each in seen for message in each.messages}
    assert {1, 2} <= receives
    assert len(host.runs()) == 20


def test_a_message_of_a_standard_queue_comes_out_behind_later_ones(app: App, cloud: Cloud) -> None:
    seen = deliveries(cloud)
    cloud.chaos = Chaos(disorder=0.5)
    for number in range(20):
        cloud.send(placed(number))
        cloud.pump()
    cloud.advance("2s")
    ids = [message.json["detail"]["id"] for each in seen for message in each.messages]
    assert sorted(ids) == sorted(placed(number).id for number in range(20))
    assert ids != [placed(number).id for number in range(20)]


def slow(cloud: Cloud, seconds: list[float]) -> Callable[[], Any]:
    async def body() -> str:
        cloud.clock.move_to(cloud.clock.now() + round(seconds.pop(0) * 1000))
        return "done"

    return body


def test_an_invocation_dies_at_its_first_call_after_its_timeout(app: App, cloud: Cloud) -> None:
    seconds = [301.0, 10.0]

    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> Any:
        return await ctx.step.run("slow", slow(cloud, seconds))

    host = Host(cloud)
    cloud.chaos = Chaos(timeouts=True)
    host.send([placed(1)])
    assert (host.run().status, seconds) == ("running", [10.0])
    host.advance("16m")
    assert (host.run().output, seconds) == ("done", [])


def test_dynamodb_refuses_writes(app: App, cloud: Cloud) -> None:
    add_order(app)
    host = Host(cloud)
    cloud.chaos = Chaos(throttled_writes=0.5)
    seen = deliveries(cloud)
    for number in range(10):
        host.send([placed(number)])
    host.advance("10m")
    assert any(each.failed for each in seen if each.function == "matcher")
    assert any(each.failed for each in seen if each.function == "executor")
    cloud.chaos = Chaos()
    for name in cloud.queues:
        cloud.redrive(name)
    host.advance("10m")
    assert [list(run.steps) for run in host.runs()] == [["wait"]] * 10


def test_an_index_shows_a_change_later_than_the_table(app: App, cloud: Cloud) -> None:
    add_order(app)
    host = Host(cloud)
    cloud.chaos = Chaos(index_lag=10)
    host.send([placed(1)])
    host.advance("5s")
    host.send([Event("paid", {"number": 1}, id="paid")])
    assert host.run().status == "running"
    host.advance("15s")
    assert host.run().output == "paid"


def test_time_to_live_removes_one_item_at_a_time(app: App, cloud: Cloud) -> None:
    add_order(app)
    host = Host(cloud)
    for number in range(5):
        host.send([placed(number), Event("paid", {"number": number})])
    host.advance("100d")
    cloud.chaos = Chaos(expiry=0.5)

    def left() -> int:
        return cloud.clients.dynamodb.scan(TableName="tarry")["Count"]

    counts = [left()]
    for number in range(5, 20):
        with cloud.hold("runs"):
            cloud.send(placed(number))
            cloud.pump()
        counts.append(left() - (number - 4) * 1)
    steps = [before - after for before, after in itertools.pairwise(counts)]
    assert set(steps) == {0, 1}

"""``rate_limit``: at most so many events start a run in any time of a length; each other one says why it did not."""

from collections import Counter
from typing import Any

import pytest

from tarry import App, Concurrency, Context, Event, RateLimit, StepError, TriggerCron, TriggerEvent
from tarry_backend.api.receipts import Receipt
from tarry_backend.model.counted_starts import CountedStarts
from tarry_backend.model.run import Run
from tarry_backend.model.shared_key import SHARED
from tarry_backend.model.trace import NoRun
from tarry_backend.runtime import host as deploy
from tarry_backend.runtime import runtime
from tarry_backend.store import counted_claim
from tarry_dev.cloud import Call, Chaos, Cloud, Host
from tests.functional.contract.deaths import Death, Mortal, deaths

PLACED = TriggerEvent(event="placed")
SPAN = 60_000


async def nothing(ctx: Context) -> str:
    return "done"


def order(app: App, **options: Any) -> App:
    app.create_function(fn_id="order", trigger=PLACED, **options)(nothing)
    return app


def shop(**options: Any) -> App:
    """One version of the shop's code."""
    return order(App("shop"), **options)


def placed(event_id: str, **data: Any) -> Event:
    return Event("placed", data, id=event_id)


def started(host: Host) -> list[str]:
    """The ids of the events that have started a run, in the order of their reception."""
    return [run.event.id for run in sorted(stored(host), key=lambda run: run.received_at)]


def stored(host: Host) -> list[Run]:
    """The runs as the table has them."""
    runs = (runtime().store.runs.run(run.id) for run in host.runs("order"))
    return [run for run in runs if run is not None]


def verdicts(host: Host, ids: list[str]) -> Counter[str]:
    """What became of each of these events, by its receipt; each has started a run, or says why not."""
    return Counter(verdict(host.receipt(each)) for each in ids)


def verdict(receipt: Receipt) -> str:
    assert len(receipt.started) + len(receipt.unstarted) == 1, "an event is not explained"
    return receipt.unstarted[0].why.value if receipt.unstarted else "started"


def most_in(moments: list[int], span: int) -> int:
    """How many of these moments are within any time of that length, at most."""
    return max((sum(begin <= each < begin + span for each in moments) for begin in moments), default=0)


def test_as_many_events_as_the_limit_allows_start_a_run_and_the_next_one_after_the_period(app: App, host: Host) -> None:
    order(app, rate_limit=RateLimit(2, "1m"))
    for number in range(4):
        host.send(placed(str(number)))
    assert started(host) == ["0", "1"]
    host.advance("59s")
    host.send(placed("early"))
    host.advance("1s")
    host.send(placed("later"))
    assert started(host) == ["0", "1", "later"]


def test_the_receipt_of_a_limited_event_says_so_and_when_there_was_room_again(app: App, host: Host) -> None:
    order(app, rate_limit=RateLimit(2, "1m"))
    host.send([placed("0"), placed("1")])
    host.advance("10s")
    host.send(placed("2"))
    receipt = host.receipt("2")
    assert (receipt.started, receipt.near.triggers) == ((), ())
    [trace] = receipt.unstarted
    assert (trace.function_id, trace.why) == ("order", NoRun.LIMITED)
    assert trace.free_at == stored(host)[0].received_at + SPAN


def test_an_event_counts_once_however_often_it_comes(app: App, host: Host) -> None:
    order(app, rate_limit=RateLimit(2, "1m"))
    for _ in range(10):
        host.send(placed("0"))
    host.send([placed("1"), placed("2")])
    assert started(host) == ["0", "1"]


def test_a_limited_event_that_comes_again_later_starts_no_run(app: App, host: Host) -> None:
    order(app, rate_limit=RateLimit(2, "1m"))
    host.send([placed("0"), placed("1"), placed("2")])
    host.advance("1h")
    host.send(placed("2"))
    assert started(host) == ["0", "1"]
    assert verdicts(host, ["0", "1", "2"]) == {"started": 2, "rate_limit": 1}


def test_each_value_of_a_key_has_the_limit_for_itself_and_an_event_without_one_has_none(app: App, host: Host) -> None:
    order(app, rate_limit=RateLimit(1, "1m", key="event.data.customer"))
    given: dict[str, Any] = {"a": 1, "b": 1.0, "c": "1", "d": [1], "e": {"x": 1}, "f": [1]}
    for name, customer in given.items():
        host.send(placed(name, customer=customer))
    host.send([placed("g"), placed("h")])
    assert started(host) == ["a", "c", "d", "e", "g", "h"]


def test_an_event_that_is_processed_behind_a_later_one_counts_with_that(app: App, host: Host) -> None:
    order(app, rate_limit=RateLimit(2, "1m"))
    host.cloud.chaos = Chaos(seed=5, disorder=0.5)
    for number in range(40):
        host.send(placed(str(number)))
        host.advance("7s")
    host.advance("2m")
    moments = [run.received_at for run in stored(host)]
    assert len(moments) > 5
    assert sum(verdicts(host, [str(number) for number in range(40)]).values()) == 40


def test_a_raised_limit_lets_more_start_at_once_and_a_lowered_one_fewer(host: Host) -> None:
    deploy(shop(rate_limit=RateLimit(2, "1m")))
    host.send([placed("0"), placed("1"), placed("2")])
    deploy(shop(rate_limit=RateLimit(4, "1m")))
    host.send([placed("3"), placed("4"), placed("5")])
    deploy(shop(rate_limit=RateLimit(1, "1m")))
    host.advance("59s")
    host.send(placed("6"))
    assert started(host) == ["0", "1", "3", "4"]
    host.advance("1m")
    host.send([placed("7"), placed("8")])
    assert started(host) == ["0", "1", "3", "4", "7"]


def test_an_invocation_that_is_limited_fails_at_once_and_says_why(app: App, host: Host) -> None:
    order(app, rate_limit=RateLimit(1, "1m"))

    @app.create_function(fn_id="caller", trigger=TriggerEvent("called"))
    async def caller(ctx: Context) -> list[str]:
        first = await ctx.step.invoke_by_id("first", function_id="order")
        try:
            await ctx.step.invoke_by_id("second", function_id="order")
        except StepError as error:
            return [first, error.name, error.message]
        return []

    host.send("called")
    first, name, message = host.run("caller").output
    assert (first, name) == ("done", "InvocationSkippedError")
    assert "rate_limit" in message


def test_a_run_whose_invocation_was_limited_is_not_retried_since_it_stays_so(app: App, host: Host) -> None:
    order(app, rate_limit=RateLimit(1, "1m"))

    @app.create_function(fn_id="caller", trigger=TriggerEvent("called"))
    async def caller(ctx: Context) -> None:
        await ctx.step.invoke_by_id("first", function_id="order")
        await ctx.step.invoke_by_id("second", function_id="order")

    host.send("called")
    with pytest.raises(Exception, match=r"was not started .*rate_limit.*tarry rerun"):
        host.retry(host.run("caller"))


def test_a_schedule_is_limited_as_any_event_is(app: App, host: Host) -> None:
    app.create_function(fn_id="order", trigger=TriggerCron("*/10 * * * *"), rate_limit=RateLimit(1, "25m"))(nothing)
    host.advance("1h1m")
    assert len(host.runs("order")) == 2


def test_retries_and_reruns_do_not_count(app: App, host: Host) -> None:
    order(app, rate_limit=RateLimit(2, "1m"))
    host.send([placed("0")])
    for _ in range(5):
        host.rerun(host.runs("order")[0])
    host.send([placed("1"), placed("2")])
    assert len(host.runs("order")) == 7


def test_an_event_that_idempotency_refuses_does_not_count(app: App, host: Host) -> None:
    order(app, rate_limit=RateLimit(2, "1m"), idempotency="event.data.n")
    for name, n in (("0", 1), ("1", 1), ("2", 2), ("3", 3)):
        host.send(placed(name, n=n))
    assert started(host) == ["0", "2"]
    assert [verdict(host.receipt(each)) for each in "0123"] == ["started", "idempotency", "started", "rate_limit"]


def test_a_function_that_is_paused_still_limits_its_events(host: Host) -> None:
    deploy(shop(rate_limit=RateLimit(2, "1m"), concurrency=Concurrency(1)))
    host.send([placed("0"), placed("1"), placed("2")])
    assert started(host) == ["0", "1"]


def test_two_hundred_events_of_several_keys_under_duplicates_and_disorder_are_limited_exactly(
    app: App, host: Host
) -> None:
    order(app, rate_limit=RateLimit(3, "1m", key="event.data.customer"))
    host.cloud.chaos = Chaos(
        seed=11, processes=3, at_once=12, duplicates=0.3, disorder=0.3, clocks={"executor": 2.0, "matcher": -1.0}
    )
    ids = [str(number) for number in range(200)]
    for name in ids:
        host.send(placed(name, customer=int(name) % 4))
        if int(name) % 5 == 0:
            host.advance("9s")
    host.advance("1h")
    found = verdicts(host, ids)
    assert found["started"] + found["rate_limit"] == 200
    assert {run.status for run in host.runs("order")} == {"finished"}
    for customer in range(4):
        moments = counted(host, customer)
        assert len(moments) > 6
        assert most_in(moments, SPAN) <= 3


def counted(host: Host, customer: int) -> list[int]:
    """When the runs of a customer were received: one that was overtaken counts with the one that overtook it."""
    runs = [run for run in stored(host) if run.event.data["customer"] == customer]
    latest, moments = 0, []
    for run in sorted(runs, key=lambda run: run.started):
        latest = max(latest, run.received_at)
        moments.append(latest)
    return moments


STORY = ["0", "1", "2"]


def lived_with(mortal: Mortal) -> Counter[str]:
    with Cloud(shop(rate_limit=RateLimit(2, "1m"))) as cloud:
        host = Host(cloud)
        with cloud.dies(mortal, function="executor"):
            for name in STORY:
                host.send(placed(name))
            host.advance("3h")
        assert mortal.has_died
        assert {run.status for run in host.runs("order")} == {"finished"}
        return verdicts(host, STORY)


def test_an_executor_that_dies_at_any_call_counts_each_event_once() -> None:
    whole = Mortal("executor")
    assert lived_with(whole) == {"started": 2, "rate_limit": 1}
    for death in [*deaths("executor", whole.calls), *orderly(whole)]:
        assert lived_with(Mortal("executor", death)) == {"started": 2, "rate_limit": 1}, str(death)


def orderly(whole: Mortal) -> list[Death]:
    """A lost answer of each transaction: it took effect, and the executor does not know."""
    calls = enumerate(whole.calls, start=1)
    return [Death("executor", call, True, name, orderly=True) for call, name in calls if name == "TransactWriteItems"]


def test_a_limiter_that_another_start_has_changed_is_read_anew(
    app: App, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    order(app, rate_limit=RateLimit(2, "1m"))
    starts = runtime().executor._starter._admission._starts
    read, rivals = starts.counted, iter(["R" * 26])

    def overtaken(name: str) -> CountedStarts:
        found = read(name)
        for rival in rivals:
            now = host.cloud.clock.now()
            run = Run(id=rival, function_id="order", event=placed("rival"), received_at=now, started=now)
            after = found.with_one(now, 2, SPAN)
            assert after is not None
            assert starts.begin(run, counted_claim(name, found, after, SPAN)) == ()
        return found

    monkeypatch.setattr(starts, "counted", overtaken)
    host.send(placed("0"))
    host.send(placed("1"))
    assert (started(host), verdicts(host, ["0", "1"])) == (["0"], {"started": 1, "rate_limit": 1})
    assert len(read(f"order#{SHARED}#{SHARED}").moments) == 2


def test_a_function_without_a_limit_makes_no_request_for_it(app: App, host: Host) -> None:
    order(
        app,
    )
    calls = Counter[str]()

    def see(call: Call) -> bool:
        calls[call.operation] += call.function == "executor" and not call.answered
        return False

    with host.cloud.dies(see):
        host.send(placed("0"))
    assert "TransactWriteItems" not in calls

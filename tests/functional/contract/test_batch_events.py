"""Batches: one run with several events, each event in one batch, once, whatever happens on the way."""

import random
from collections import Counter
from typing import Any

import pytest

from tarry import App, Batch, Cancel, Concurrency, Context, Event, Timeouts, TriggerCron, TriggerEvent
from tarry_backend.api.receipts import Receipt, receipt
from tarry_backend.deploy.function_facts import facts_of
from tarry_backend.model.trace import NoRun
from tarry_backend.runtime import host as deploy
from tarry_backend.runtime import runtime
from tarry_dev.cloud import Call, Chaos, Host

SOLD = TriggerEvent(event="sold")

MINUTE = 60_000


def sold(number: int, **data: Any) -> Event:
    return Event("sold", {"n": number, **data}, id=f"e{number}")


def some(first: int, count: int, **data: Any) -> list[Event]:
    return [sold(number, **data) for number in range(first, first + count)]


def shop(batch: Batch | None, **options: Any) -> App:
    """One version of the shop's code."""
    app = App("shop")

    @app.create_function(fn_id="book", trigger=SOLD, batch_events=batch, **options)
    async def book(ctx: Context) -> list[int]:
        assert ctx.event == ctx.events[0]
        await ctx.step.sleep("rest", "1s")
        return [event.data["n"] for event in ctx.events]

    return app


def booked(host: Host) -> list[list[int]]:
    """The numbers of the events of each run, in the order of the starts."""
    assert all(run.status == "finished" for run in host.runs("book"))
    return [run.output for run in host.runs("book")]


def receipt_of(host: Host, event_id: str) -> Receipt:
    """The receipt by the code that is deployed now."""
    app = runtime().app
    return receipt(host.receipt(event_id).received, app.id, app.functions, runtime().store, facts=facts_of(app))


def batches(host: Host) -> list[dict[str, Any]]:
    scanned = host.cloud.clients.dynamodb.scan(TableName=host.cloud.settings.table)["Items"]
    return [item for item in scanned if item["pk"]["S"].startswith("batch#")]


def is_idle(host: Host) -> bool:
    """Whether no batch is open or starts, nothing is due, and what is there expires."""
    return all(
        not {"opened", "closing", "due"} & item.keys() and not item["members"]["M"] and "expires" in item
        for item in batches(host)
    )


@pytest.fixture
def host(host: Host) -> Host:
    deploy(shop(Batch(4, "30s", key="event.data.till")))
    return host


def test_a_run_starts_with_as_many_events_as_the_batch_takes(host: Host) -> None:
    deploy(shop(Batch(4, "30s")))
    host.send(some(0, 3))
    assert host.runs() == []
    host.send(some(3, 6))
    host.advance("2s")
    assert booked(host) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    host.advance("40s")
    assert booked(host) == [[0, 1, 2, 3], [4, 5, 6, 7], [8]]
    assert is_idle(host)


@pytest.mark.parametrize("timeout", [2_000, 30_000, 179_000, 181_000, 7_200_000, 86_400_000])
def test_a_batch_starts_within_two_seconds_of_its_time_counted_from_its_first_event(host: Host, timeout: int) -> None:
    deploy(shop(Batch(4, timeout)))
    host.send(sold(0))
    ends = receipt_of(host, "e0").received.received_at + timeout
    host.advance(1_000)
    host.send(sold(1))
    if timeout > 5_000:
        host.advance(timeout - 3_000)
        assert host.runs() == []
    host.advance(10_000)
    assert booked(host) == [[0, 1]]
    run = runtime().store.runs.run(host.run().id)
    assert run is not None
    assert ends < run.started <= ends + 2_000
    assert is_idle(host)


def test_each_value_of_the_key_has_batches_of_its_own(host: Host) -> None:
    host.send([*some(0, 4, till=1), *some(10, 2, till="1"), *some(20, 3, till=2)])
    host.advance("2s")
    assert booked(host) == [[0, 1, 2, 3]]
    host.advance("40s")
    assert sorted(booked(host)) == [[0, 1, 2, 3], [10, 11], [20, 21, 22]]


def test_an_event_without_a_value_of_the_key_starts_its_run_at_once(host: Host) -> None:
    host.send(some(0, 2))
    host.advance("2s")
    assert booked(host) == [[0], [1]]
    assert batches(host) == []


def test_an_event_for_which_the_condition_does_not_hold_starts_its_run_at_once(host: Host) -> None:
    deploy(shop(Batch(4, "30s", if_exp="event.data.bulk == true")))
    host.send([sold(0, bulk=True), sold(1, bulk=False), sold(2), sold(3, bulk=True)])
    host.advance("2s")
    assert booked(host) == [[1], [2]]
    host.advance("40s")
    assert booked(host) == [[1], [2], [0, 3]]


def test_ten_of_ten_twice_are_one_batch_once(host: Host) -> None:
    deploy(shop(Batch(10, "30s")))
    host.send(some(0, 10))
    host.send(some(0, 10))
    host.advance("1h")
    host.send(some(0, 10))
    host.advance("1h")
    assert booked(host) == [list(range(10))]
    assert is_idle(host)


def test_an_event_that_comes_again_while_its_batch_is_open_is_one_member(host: Host) -> None:
    deploy(shop(Batch(3, "30s")))
    host.send([*some(0, 2), sold(0), sold(1), sold(0)])
    host.advance("10s")
    assert host.runs() == []
    host.send(sold(2))
    host.advance("1h")
    assert booked(host) == [[0, 1, 2]]


def test_a_batch_that_is_full_when_its_time_is_over_starts_once(host: Host) -> None:
    deploy(shop(Batch(2, "30s")))
    host.send(sold(0))
    end = receipt_of(host, "e0").received.received_at + 30_000
    host.advance(end - host.cloud.clock.now() - 100)
    host.send(sold(1))
    host.advance("1h")
    assert booked(host) == [[0, 1]]
    assert is_idle(host)


def test_a_full_batch_leaves_the_time_of_the_next_one_alone(host: Host) -> None:
    deploy(shop(Batch(2, "30s")))
    host.send(sold(0))
    host.advance("20s")
    host.send(some(1, 2))
    host.advance("20s")
    assert booked(host) == [[0, 1]]
    host.advance("15s")
    assert booked(host) == [[0, 1], [2]]


def test_a_batch_ends_before_the_event_that_would_bring_it_over_ten_mebibytes(host: Host) -> None:
    deploy(shop(Batch(100, "30s")))
    large = "x" * 900_000
    for number in range(13):
        host.send(sold(number, text=large))
    host.advance("1m")
    assert [len(each) for each in booked(host)] == [11, 2]
    assert is_idle(host)


def test_events_of_any_size_are_in_the_run(host: Host) -> None:
    """The item of a batch has places, not data: a hundred events of any size fit."""
    deploy(shop(Batch(100, "30s")))
    generator = random.Random(1)
    for start in range(0, 100, 10):
        host.send(
            [
                Event("sold", {"n": number, "text": generator.randbytes(4_000).hex()}, id=f"{number:03}" + "i" * 500)
                for number in range(start, start + 10)
            ]
        )
    host.advance("2s")
    assert booked(host) == [list(range(100))]
    assert max(len(str(item)) for item in batches(host)) < 200_000


def test_a_batch_of_large_events_and_a_large_output_fit_in_the_runs_item(app: App, host: Host) -> None:
    generator = random.Random(1)

    @app.create_function(fn_id="book", trigger=SOLD, batch_events=Batch(2, "30s"))
    async def book(ctx: Context) -> str:
        return generator.randbytes(150_000).hex() + str(sum(len(event.data["text"]) for event in ctx.events))

    deploy(app)
    host.send([Event("sold", {"n": number, "text": generator.randbytes(75_000).hex()}) for number in range(2)])
    host.advance("1s")
    assert host.run("book").status == "finished"
    assert host.run("book").output.endswith("300000")
    assert host.dead_letters == []


def test_events_of_several_names_are_in_one_batch(host: Host) -> None:
    app = App("shop")

    @app.create_function(fn_id="book", trigger=[SOLD, TriggerEvent("back/*")], batch_events=Batch(3, "30s"))
    async def book(ctx: Context) -> list[str]:
        return [event.name for event in ctx.events]

    deploy(app)
    host.send([sold(0), Event("back/1"), Event("back/2")])
    assert host.run("book").output == ["sold", "back/1", "back/2"]


def test_invocations_and_schedules_start_their_runs_at_once(host: Host) -> None:
    app = App("shop")

    @app.create_function(fn_id="book", trigger=[SOLD, TriggerCron("* * * * *")], batch_events=Batch(3, "30s"))
    async def book(ctx: Context) -> int:
        return len(ctx.events)

    @app.create_function(fn_id="ask", trigger=TriggerEvent("asked"))
    async def ask(ctx: Context) -> int:
        return await ctx.step.invoke("book", function=book)

    deploy(app)
    host.send(Event("asked"))
    assert host.run("ask").output == 1
    assert batches(host) == []


def test_a_wait_of_the_run_sees_events_since_the_first_one_and_none_of_the_batch(host: Host) -> None:
    app = App("shop")

    @app.create_function(fn_id="book", trigger=SOLD, batch_events=Batch(3, "30s"))
    async def book(ctx: Context) -> Any:
        paid = await ctx.step.wait_for_event("paid", event="paid", timeout="1m")
        more = await ctx.step.wait_for_event("more", event="sold", timeout="1m", lookback="1h")
        return [paid and paid.data["n"], more and more.data["n"]]

    deploy(app)
    host.send(Event("paid", {"n": 1}))
    host.send(sold(0))
    host.send(Event("paid", {"n": 2}))
    host.send(some(1, 2))
    host.send(sold(3))
    assert host.run("book").output == [2, 3]


def test_a_cancel_takes_events_since_the_first_one(host: Host) -> None:
    app = App("shop")

    @app.create_function(
        fn_id="book",
        trigger=SOLD,
        batch_events=Batch(2, "30s"),
        cancel=[Cancel("closed", if_exp="async.data.all == true"), Cancel("sold", if_exp="async.data.n == 1")],
    )
    async def book(ctx: Context) -> None:
        await ctx.step.sleep("rest", "1h")

    deploy(app)
    host.send(some(0, 2))
    host.advance("1m")
    assert [run.status for run in host.runs("book")] == ["running"]
    host.send(sold(2))
    host.send(Event("closed", {"all": True}))
    host.send(sold(3))
    host.advance("1m")
    assert [run.status for run in host.runs("book")] == ["cancelled", "cancelled"]


def test_a_rerun_takes_all_events_and_a_retry_keeps_them(app: App, host: Host) -> None:
    broken = [True]

    @app.create_function(fn_id="book", trigger=SOLD, batch_events=Batch(3, "30s"), retries=0)
    async def book(ctx: Context) -> list[int]:
        if broken[0]:
            raise RuntimeError("the books are closed")
        return [event.data["n"] for event in ctx.events]

    deploy(app)
    host.send(some(0, 3))
    failed = host.run("book")
    assert failed.status == "failed"
    broken[0] = False
    host.retry(failed)
    assert host.run("book").output == [0, 1, 2]
    assert host.rerun(host.run("book")).output == [0, 1, 2]
    assert len(host.runs("book")) == 2


def test_the_key_of_a_limit_is_asked_of_the_first_event(host: Host) -> None:
    deploy(shop(Batch(2, "30s"), concurrency=Concurrency(1, key="event.data.n"), timeouts=Timeouts(start="5s")))
    host.send(some(0, 2))
    host.advance("1m")
    host.send(sold(2))
    host.advance("1m")
    assert booked(host) == [[0, 1], [2]]


def test_receipts_say_that_an_event_waits_in_a_batch_and_then_which_run_it_has_started(host: Host) -> None:
    host.send(some(0, 2, till=1))
    assert [each.why for number in (0, 1) for each in receipt_of(host, f"e{number}").unstarted] == [NoRun.WAITS] * 2
    host.send(some(2, 2, till=1))
    for number in range(4):
        (trace,) = receipt_of(host, f"e{number}").unstarted
        assert (trace.why, trace.function_id, trace.by) == (NoRun.BATCHED, "book", host.run("book").id)


# Deployments.


@pytest.mark.parametrize("after", [None, Batch(2, "1m"), Batch(4, "30s", key="event.data.n")])
def test_a_batch_whose_option_is_removed_or_changed_loses_no_event(host: Host, after: Batch | None) -> None:
    host.send(some(0, 3, till=1))
    deploy(shop(after))
    host.send(some(3, 1, till=1))
    host.advance("3h")
    assert sorted(number for each in booked(host) for number in each) == [0, 1, 2, 3]
    assert is_idle(host)


# Deaths, duplicates and disorder.


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize(("function", "calls"), [("matcher", 24), ("timers", 3), ("executor", 8)])
def test_whichever_call_a_lambda_dies_at_each_event_is_in_one_batch_once(
    host: Host, function: str, calls: int, answered: bool
) -> None:
    deploy(shop(Batch(3, "10m")))
    for call in range(1, calls):
        numbers = iter(range(1, 1_000))

        def dies(each: Call, call: int = call, numbers: Any = numbers) -> bool:
            return each.function == function and each.answered is answered and next(numbers) == call

        with host.cloud.dies(dies):
            host.send(some(10 * call, 2))
            host.advance("1m")
            host.send(some(10 * call + 2, 2))
            host.advance("30m")
        host.send(some(10 * call, 4))
        host.advance("30m")
        events = [each for each in booked(host) if each[0] // 10 == call]
        assert sorted(map(len, events)) == [1, 3], call
        assert sorted(number for each in events for number in each) == [10 * call + place for place in range(4)], call
        assert is_idle(host)
    assert host.dead_letters == []


@pytest.mark.parametrize("ahead", [-30.0, 30.0])
def test_a_clock_that_is_wrong_neither_ends_a_batch_early_nor_loses_it(host: Host, ahead: float) -> None:
    deploy(shop(Batch(3, "10s")))
    host.cloud.chaos = Chaos(clocks=dict.fromkeys(("matcher", "timers", "sweep", "executor"), ahead))
    host.send(sold(1))
    host.advance("8s")
    assert host.runs() == []
    host.advance("2m")
    assert booked(host) == [[1]]
    assert is_idle(host)


def test_a_timer_that_is_lost_is_found_by_the_sweep(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    queues = runtime().queues
    monkeypatch.setattr(queues, "send_to_timers", lambda messages: 0)
    host.send(sold(1, till=1))
    monkeypatch.undo()
    host.advance("4m")
    assert booked(host) == [[1]]


def test_two_hundred_runs_of_several_keys_under_duplicates_disorder_and_deaths(host: Host) -> None:
    """Each event is in one batch, once; no batch is too large, or late; and each receipt is true."""
    deploy(shop(Batch(4, "10m", key="event.data.till")))
    odds = random.Random(11)
    host.cloud.chaos = Chaos(
        seed=11, processes=2, at_once=4, duplicates=0.2, disorder=0.2, clocks={"matcher": 2.0, "timers": -1.0}
    )
    sent: list[Event] = []
    with host.cloud.dies(lambda call: odds.random() < 0.01):
        while len(sent) < 640:
            events = [sold(len(sent) + place, till=odds.randrange(5)) for place in range(odds.choice([10, 20, 30]))]
            host.send(events)
            sent += events
            if len(sent) > 100:
                host.send(odds.choices(sent[:-90], k=5))  # their senders send them again
            host.advance(odds.randint(0, 3) * MINUTE)
        host.advance("1h")
    assert host.dead_letters == []
    assert is_idle(host)
    check(host, sent)


def check(host: Host, sent: list[Event]) -> None:
    counts = Counter(number for each in booked(host) for number in each)
    assert counts == Counter(range(len(sent)))
    assert max(map(len, booked(host))) == 4
    assert len(booked(host)) >= 160
    tills = {event.data["n"]: event.data["till"] for event in sent}
    runs: dict[int, str] = {}
    for run in host.runs("book"):
        assert len({tills[number] for number in run.output}) == 1
        runs |= dict.fromkeys(run.output, run.id)
        stored = runtime().store.runs.run(run.id)
        assert stored is not None
        positions = [each.position for each in stored.batch]
        assert positions == sorted(positions)
    for event in random.Random(1).sample(sent, 60):
        (trace,) = receipt_of(host, event.id).unstarted
        assert (trace.why, trace.by) == (NoRun.BATCHED, runs[event.data["n"]])

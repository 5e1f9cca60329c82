"""Debounce: one run with the latest event, once no further one has come for the period; and no event is forgotten."""

import random
from collections import Counter, defaultdict
from dataclasses import replace
from typing import Any

import pytest

from tarry import App, Cancel, Context, Debounce, Event, Timeouts, TriggerCron, TriggerEvent
from tarry_backend.api.receipts import Receipt, receipt
from tarry_backend.deploy.function_facts import facts_of
from tarry_backend.events.address import run_id_of
from tarry_backend.matcher.outbox import Outbox
from tarry_backend.matcher.window_entry import WindowEntry
from tarry_backend.model.calm import CALM, Spans
from tarry_backend.model.event_place import EventPlace
from tarry_backend.model.position import Position
from tarry_backend.model.received_event import ReceivedEvent
from tarry_backend.model.trace import NoRun
from tarry_backend.runtime import host as deploy
from tarry_backend.runtime import runtime
from tarry_backend.store import LogEntry
from tarry_dev.cloud import Call, Chaos, Host

TYPED = TriggerEvent(event="typed")


def typed(number: int, **data: Any) -> Event:
    return Event("typed", {"n": number, **data}, id=f"e{number}")


def shop(debounce: Debounce | None, **options: Any) -> App:
    """One version of the shop's code."""
    app = App("shop")

    @app.create_function(fn_id="save", trigger=TYPED, debounce=debounce, **options)
    async def save(ctx: Context) -> int:
        n: int = ctx.event.data["n"]
        return n

    return app


def saved(host: Host) -> list[int]:
    """The numbers of the events that have started runs, in the order of the starts."""
    assert all(run.status == "finished" for run in host.runs("save"))
    return [run.event.data["n"] for run in host.runs("save")]


def received(host: Host, number: int) -> int:
    return host.receipt(f"e{number}").received.received_at


def receipt_of(host: Host, event_id: str) -> Receipt:
    """The receipt by the code that is deployed now."""
    app = runtime().app
    return receipt(host.receipt(event_id).received, app.id, app.functions, runtime().store, facts=facts_of(app))


def gather(host: Host, event: Event, moment: int) -> None:
    """Let the matcher have an event that was received at that moment."""
    item = ReceivedEvent(event, moment)
    runtime().store.log.append([LogEntry(item, 1)])
    outbox = Outbox(runtime().queues, runtime().matcher._gatherer)
    outbox.gather([WindowEntry("calm", "-#save", run_id_of("shop", "save", event.id, event.source, event.name), item)])
    outbox.flush()


def started(host: Host) -> dict[str, int]:
    """When runs started, in Unix milliseconds, by the ids of their events."""
    runs = runtime().store.runs
    return {run.event.id: found.started for run in host.runs("save") if (found := runs.run(run.id)) is not None}


def calms(host: Host) -> list[dict[str, Any]]:
    scanned = host.cloud.clients.dynamodb.scan(TableName=host.cloud.settings.table)["Items"]
    return [item for item in scanned if item["pk"]["S"].startswith("calm#") and item["sk"]["S"] == "calm"]


def is_idle(host: Host) -> bool:
    """Whether no window is open or fires, nothing is due, and what is there expires."""
    wanted = {"first", "latest", "later", "firing", "due", "due_shard"}
    return all(not wanted & item.keys() and "expires" in item for item in calms(host))


@pytest.fixture
def host(host: Host) -> Host:
    deploy(shop(Debounce("10s", key="event.data.doc")))
    return host


def test_one_run_starts_with_the_latest_event_once_none_has_come_for_the_period(host: Host) -> None:
    for number in range(4):
        host.send(typed(number, doc=1))
        host.advance("9s")
    assert host.runs() == []
    host.advance("4s")
    assert saved(host) == [3]
    host.advance("1h")
    assert saved(host) == [3]
    assert is_idle(host)


def test_each_value_of_the_key_has_windows_of_its_own(host: Host) -> None:
    host.send([typed(1, doc=1), typed(2, doc="1"), typed(3, doc=1.0), typed(4, doc=None)])
    host.advance("13s")
    assert sorted(saved(host)) == [2, 3, 4]


def test_an_event_without_a_value_of_the_key_starts_its_run_at_once(host: Host) -> None:
    host.send([typed(1), typed(2)])
    assert saved(host) == [1, 2]
    assert calms(host) == []


def test_without_a_key_all_events_of_the_function_are_of_one_window(host: Host) -> None:
    deploy(shop(Debounce("10s")))
    host.send([typed(1, doc=1), typed(2, doc=2)])
    host.advance("13s")
    assert saved(host) == [2]


@pytest.mark.parametrize("period", [10_000, 179_000, 181_000, 300_000, 7_200_000, 86_400_000])
def test_the_run_starts_within_two_seconds_of_the_end_however_long_the_period(host: Host, period: int) -> None:
    deploy(shop(Debounce(period)))
    host.send(typed(1))
    host.advance("4s")
    host.send(typed(2))
    ends = host.cloud.clock.now() + period
    host.advance(period - 1_500)
    assert saved(host) == []
    host.advance("5s")
    assert saved(host) == [2]
    assert ends - 10 <= started(host)["e2"] <= ends + 2_000
    assert is_idle(host)


@pytest.mark.parametrize(("period", "timeout", "pace"), [(20_000, 25_000, 1_000), (60_000, 600_000, 20_000)])
def test_the_timeout_ends_a_window_to_the_second_however_many_events_come(
    host: Host, period: int, timeout: int, pace: int
) -> None:
    deploy(shop(Debounce(period, timeout=timeout)))
    number = 0
    while not host.runs():
        host.send(typed(number))
        number += 1
        host.advance(pace)
    end = received(host, 0) + timeout
    # Events received after the end are of the next window, also if they came before the run.
    latest = max(each for each in range(number) if received(host, each) <= end)
    assert saved(host) == [latest]
    assert end < started(host)[f"e{latest}"] <= end + 2_000
    host.advance(period + 5_000)
    assert saved(host) == list(dict.fromkeys([latest, number - 1]))
    assert is_idle(host)


@pytest.mark.parametrize(("late", "wanted"), [(0, ["e2"]), (1, ["e1", "e2"])])
def test_an_event_at_the_very_moment_of_the_end_is_in_the_window_and_one_after_it_in_the_next(
    host: Host, late: int, wanted: list[str]
) -> None:
    moment = host.cloud.clock.now()
    gather(host, typed(1), moment)
    gather(host, typed(2), moment + 10_000 + late)
    host.advance("30s")
    assert sorted(started(host)) == wanted
    assert is_idle(host)


def test_events_that_come_just_after_each_end_do_not_keep_the_runs_from_starting(host: Host) -> None:
    deploy(shop(Debounce("1s")))
    for number in range(20):
        host.send(typed(number))
        host.advance(1_200)
    host.advance("5s")
    assert len(saved(host)) >= 10  # within the two seconds that a marker takes, a third window merges with the second
    assert saved(host)[-1] == 19


def test_an_absorbed_event_that_is_delivered_again_does_nothing(host: Host) -> None:
    host.send([typed(1, doc=1), typed(2, doc=1)])
    host.advance("13s")
    host.send([typed(1, doc=1), typed(2, doc=1)])
    host.advance("1h")
    assert saved(host) == [2]
    assert is_idle(host)


def test_the_receipt_says_that_an_event_is_in_a_window_and_then_which_run_absorbed_it(host: Host) -> None:
    host.send([typed(1, doc=1), typed(2, doc=1)])
    assert [each.why for number in (1, 2) for each in receipt_of(host, f"e{number}").unstarted] == [NoRun.WAITS] * 2
    host.advance("13s")
    (trace,) = receipt_of(host, "e1").unstarted
    assert (trace.why, trace.function_id, trace.by) == (NoRun.DEBOUNCED, "save", host.run().id)
    assert receipt_of(host, "e2").unstarted == ()
    assert [each.run.id for each in receipt_of(host, "e2").started] == [host.run().id]


def test_an_event_that_is_sent_again_within_the_window_does_not_prolong_it(host: Host) -> None:
    host.send(typed(1, doc=1))
    host.advance("6s")
    host.send(typed(1, doc=1))
    host.advance("6500ms")
    assert saved(host) == [1]


def test_the_log_decides_which_event_is_the_latest_not_its_ts(host: Host) -> None:
    host.send([Event("typed", {"n": 1, "doc": 1}, ts=10), Event("typed", {"n": 2, "doc": 1}, ts=5)])
    host.advance("13s")
    assert saved(host) == [2]


def test_the_value_of_idempotency_is_asked_when_the_window_ends(host: Host) -> None:
    deploy(shop(Debounce("10s", key="event.data.doc"), idempotency="event.data.doc"))
    host.send([typed(1, doc=1), typed(2, doc=1)])
    host.advance("13s")
    host.send(typed(3, doc=1))
    host.advance("13s")
    assert saved(host) == [2]


def test_invocations_and_schedules_are_not_debounced(host: Host) -> None:
    app = App("shop")

    @app.create_function(fn_id="save", trigger=[TYPED, TriggerCron("* * * * *")], debounce=Debounce("10s"))
    async def save(ctx: Context) -> str:
        return ctx.event.name

    @app.create_function(fn_id="ask", trigger=TriggerEvent("asked"))
    async def ask(ctx: Context) -> Any:
        return await ctx.step.invoke("save", function=save)

    deploy(app)
    host.send(Event("asked"))
    assert host.run("ask").output == "tarry/function.invoked"
    assert calms(host) == []


def test_the_time_to_start_counts_from_the_windows_end(host: Host) -> None:
    deploy(shop(Debounce("10s"), timeouts=Timeouts(start="5s", finish="1h")))
    host.send(typed(1))
    host.advance("13s")
    assert saved(host) == [1]


def test_a_cancel_hears_events_since_the_one_that_started_the_run(host: Host) -> None:
    app = App("shop")

    @app.create_function(
        fn_id="save", trigger=TYPED, debounce=Debounce("10s"), cancel=Cancel("closed", match="data.doc")
    )
    async def save(ctx: Context) -> None:
        await ctx.step.sleep("rest", "1h")

    deploy(app)
    host.send(typed(1, doc=1))
    host.advance("5s")
    host.send(Event("closed", {"doc": 1}))
    host.advance("10s")
    assert [run.status for run in host.runs("save")] == ["cancelled"]


# Deployments.


def test_a_shorter_period_holds_from_the_windows_next_look_on(host: Host) -> None:
    deploy(shop(Debounce("1h")))
    host.send(typed(1))
    host.advance("30m")
    deploy(shop(Debounce("1m")))
    host.send(typed(2))
    host.advance("31m")
    assert saved(host) == [1, 2]


@pytest.mark.parametrize("after", [None, Debounce("1h"), Debounce("10s", key="event.data.n")])
def test_a_debounce_that_is_removed_or_changed_loses_no_event(host: Host, after: Debounce | None) -> None:
    host.send(typed(1, doc=1))
    deploy(shop(after))
    host.send(typed(2, doc=1))
    host.advance("3h")
    assert sorted(saved(host)) == [1, 2]
    assert is_idle(host)


def test_a_function_that_is_gone_leaves_a_dead_letter_and_starts_once_it_is_back(host: Host) -> None:
    host.send(typed(1, doc=1))
    deploy(App("shop"))
    host.advance("3h")
    assert len(host.dead_letters) == 1
    assert is_idle(host)


# Deaths, duplicates and disorder.


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("function", ["matcher", "timers", "executor"])
@pytest.mark.parametrize("call", range(1, 18))
def test_whichever_call_a_lambda_dies_at_the_window_fires_once_with_the_latest(
    host: Host, function: str, call: int, answered: bool
) -> None:
    deploy(shop(Debounce("10m", key="event.data.doc")))  # longer than until a dead matcher's events come again
    numbers = iter(range(1, 1_000))

    def dies(each: Call) -> bool:
        return each.function == function and each.answered is answered and next(numbers) == call

    with host.cloud.dies(dies):
        host.send(typed(1, doc=1))
        host.advance("6m")
        host.send(typed(2, doc=1))
        host.advance("2h")
    host.send([typed(1, doc=1), typed(2, doc=1)])
    host.advance("1h")
    assert saved(host) == [2]
    assert is_idle(host)
    assert host.dead_letters == []


@pytest.mark.parametrize("ahead", [-30.0, -2.0, 2.0, 30.0])
def test_a_clock_that_is_wrong_neither_ends_a_window_early_nor_loses_it(host: Host, ahead: float) -> None:
    host.cloud.chaos = Chaos(clocks=dict.fromkeys(("matcher", "timers", "sweep", "executor"), ahead))
    host.send(typed(1, doc=1))
    host.advance("8s")
    host.send(typed(2, doc=1))
    host.advance("9s")
    assert saved(host) == []
    host.advance("2m")
    assert saved(host) == [2]
    assert is_idle(host)


def test_a_timer_that_is_lost_is_found_by_the_sweep(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    queues = runtime().queues
    monkeypatch.setattr(queues, "send_to_timers", lambda messages: 0)
    host.send(typed(1, doc=1))
    monkeypatch.undo()
    host.advance("3m")
    assert saved(host) == [1]


def test_an_event_that_was_overtaken_gives_the_window_its_start(host: Host) -> None:
    """Its window's timeout counts from it, although a later event opened the window."""
    deploy(shop(Debounce("20s", timeout="30s")))
    moment = host.cloud.clock.now()
    gather(host, typed(2), moment + 5_000)
    gather(host, typed(1), moment)
    gather(host, typed(3), moment + 24_000)
    gather(host, typed(4), moment + 31_000)
    host.advance("33s")
    assert saved(host) == [3]
    host.advance("1m")
    assert saved(host) == [3, 4]
    assert is_idle(host)


@pytest.mark.parametrize("spans", [Spans(10), Spans(10, 25)])
def test_the_windows_that_are_stored_are_those_of_the_log_whichever_way_they_are_written(
    host: Host, spans: Spans
) -> None:
    """One conditional write adds events that fit, a second way adds the others: both have the same outcome."""
    debouncer, calms = runtime().matcher._gatherer._debouncer, runtime().store.calms
    odds = random.Random(3)
    for play in range(60):
        name, calm = f"{play}#save", CALM
        for _ in range(6):
            moments = sorted(odds.sample(range(100, 180), odds.randint(1, 3)))
            places = [EventPlace(Position(moment, f"e{moment}#"), "typed") for moment in moments]
            debouncer._joined(name, places, spans)
            for place in places:
                calm = calm.with_event(place, spans)
            if odds.random() < 0.3:
                seen, moment = calms.read(name), odds.randint(100, 200)
                calm = calm.fired(moment, spans)
                fired = seen.fired(moment, spans)
                assert calms.replace(name, seen, replace(fired, due=1), 0)
            stored = calms.read(name)
            assert (stored.windows, stored.through, stored.firing) == (calm.windows, calm.through, calm.firing)


MINUTE = 60_000


def test_two_hundred_runs_of_several_keys_under_duplicates_disorder_and_deaths(host: Host) -> None:
    """Each run is of the latest event of its window, none starts before its window's end, and each receipt is true."""
    deploy(shop(Debounce("15m", key="event.data.doc")))
    odds = random.Random(7)
    host.cloud.chaos = Chaos(
        seed=7, processes=2, at_once=4, duplicates=0.2, disorder=0.2, clocks={"matcher": 2.0, "timers": -1.0}
    )
    sent: list[Event] = []
    with host.cloud.dies(lambda call: odds.random() < 0.01):
        for _ in range(10):
            for _ in range(odds.randint(1, 2)):
                events = [typed(len(sent) + place, doc=key) for place, key in enumerate(odds.choices(range(20), k=6))]
                events += [typed(len(sent) + 6 + key, doc=key) for key in range(20)]
                odds.shuffle(events)
                host.send(events)
                if sent:
                    host.send(odds.choices(sent[:26], k=3))  # their senders send them again
                sent += events
                host.advance(odds.randint(0, 6) * MINUTE)
            host.advance("24m")
        host.advance("40m")
    assert host.dead_letters == []
    assert is_idle(host)
    check(host, sent, period=15 * MINUTE)


def check(host: Host, sent: list[Event], period: int) -> None:
    """Compare the runs with the log: by key, its events in their order, and who started a run."""
    received: dict[str, list[tuple[int, str]]] = defaultdict(list)
    begun = started(host)
    assert Counter(run.event.id for run in host.runs("save")).most_common(1)[0][1] == 1
    for event in sent:
        moment = host.receipt(event.id).received.received_at
        received[event.data["doc"]].append((moment, event.id))
    for events in received.values():
        events.sort()
        for (moment, event_id), following in zip(events, [*events[1:], None], strict=True):
            if following is None or following[0] - moment > period:
                assert event_id in begun
            elif following[0] - moment <= period - 10 * MINUTE:  # a dead matcher's events come again by then
                assert event_id not in begun
            if event_id in begun:
                assert begun[event_id] >= moment + period
    run_ids = {run.event.id: run.id for run in host.runs("save")}
    for event in random.Random(1).sample(sent, 60):
        found = receipt_of(host, event.id)
        if event.id in run_ids:
            assert [each.run.id for each in found.started] == [run_ids[event.id]]
            assert found.unstarted == ()
        else:
            behind = [each for each in received[event.data["doc"]] if each > (found.received.received_at, event.id)]
            absorber = next(event_id for _, event_id in behind if event_id in run_ids)
            (trace,) = found.unstarted
            assert (trace.why, trace.by) == (NoRun.DEBOUNCED, run_ids[absorber])
    assert len(begun) >= 190

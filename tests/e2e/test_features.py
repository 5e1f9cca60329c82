"""What functions can do beside waiting for one event, on a deployed stack."""

import json
import time
from functools import partial

import pytest

from tests.e2e.cloud import CRON
from tests.e2e.conftest import Tarry
from tests.e2e.outside import Stack, eventually


def test_the_first_of_two_events_ends_the_wait(stack: Stack) -> None:
    stack.put("checkout/begun", {"order": 1}, {"order": 2})
    stack.waiting("checkout", "end", order=1)
    stack.waiting("checkout", "end", order=2)

    # The bus keeps no order: each event is sent once the one before it must have had its effect.
    stack.put("checkout/left", {"order": 1, "idle": 5}, {"order": 2, "idle": 20})
    assert stack.ended("checkout", order=2).output == "checkout/left"
    stack.put("checkout/paid", {"order": 2}, {"order": 1})
    assert stack.ended("checkout", order=1).output == "checkout/paid"
    assert stack.ended("checkout", order=2).output == "checkout/left"
    eventually(lambda: stack.open_waits("checkout/paid") == stack.open_waits("checkout/left") == 0)


def test_so_many_events_are_collected(stack: Stack) -> None:
    stack.put("poll/opened", {"poll": "a"})
    stack.waiting("poll", "votes", poll="a")
    stack.put("poll/voted", *({"poll": name, "points": points} for name, points in (("a", 1), ("b", 100), ("a", 20))))
    stack.put("poll/voted", {"poll": "a", "points": 300})
    assert stack.ended("poll", poll="a").output == 321


def test_a_race_leaves_nothing_of_its_losers(stack: Stack) -> None:
    stack.put("hurry/asked", {"n": 1})
    run = stack.ended("hurry", n=1)
    assert run.output == "slept"
    assert run.steps["told"].status == "withdrawn"
    eventually(lambda: stack.open_waits("hurry/told") == 0)


def test_a_function_invokes_another_and_has_a_typed_event(stack: Stack) -> None:
    stack.put("parcel/asked", {"order": 7})
    stack.waiting("weigh", "packed", order=7)
    stack.put("parcel/packed", {"order": 7, "weight": 2.0})
    assert stack.ended("parcel", order=7).output == 2.5


def test_a_failure_is_handled_once(stack: Stack) -> None:
    stack.put("brittle/called", {"n": 1})
    assert stack.ended("brittle", n=1).status == "failed"
    [told] = eventually(lambda: stack.runs("brittle-failure", "finished"))
    assert told.output == "1: IndexError"


def test_an_event_cancels_the_runs_that_it_matches(stack: Stack) -> None:
    stack.put("booking/made", {"booking": "x"}, {"booking": "y"})
    for name in ("x", "y"):
        eventually(partial(sleeps, stack, name))
    stack.put("booking/withdrawn", {"booking": "x"})
    assert stack.ended("booking", booking="x").status == "cancelled"
    other = stack.run_of("booking", booking="y")
    assert other is not None
    assert other.status == "running"
    stack.put("booking/withdrawn", {"booking": "y"})
    assert stack.ended("booking", booking="y").status == "cancelled"


def test_a_run_that_takes_too_long_is_cancelled(stack: Stack) -> None:
    stack.put("slow/asked", {"n": 1})
    assert stack.ended("slow", n=1).status == "cancelled"


def test_a_signal_has_one_receiver_and_its_sender_is_told(stack: Stack, tarry: Tarry) -> None:
    stack.put("agent/asked", {"n": 1})
    run = stack.waiting("agent", "answer", n=1)

    receipt = tarry("signal", "answer/1", '{"text": "yes"}', "--id", "a")

    assert (receipt["status"], receipt["run"]) == ("delivered", run.id)
    assert stack.ended("agent", n=1).output == "yes"
    assert tarry("signal", "answer/1", '{"text": "no"}', "--id", "a")["status"] == "duplicate"


def test_a_run_begins_when_its_events_time_has_come(stack: Stack, tarry: Tarry) -> None:
    """Sent as the SDK sends it: an envelope with a time to come."""
    begins = int(time.time() * 1000) + 4_000
    detail = {"v": 1, "id": "later", "ts": begins, "data": {"userId": "later", "email": "a@shop.test", "seconds": 600}}
    stack.put("app/account.created", detail, source="tarry.e2e")
    run = stack.waiting("onboarding", "onboarded", userId="later")
    assert run.steps["welcome"].began >= begins


def test_an_events_receipt_says_what_it_did_and_what_it_missed(tarry: Tarry, stack: Stack) -> None:
    def send(name: str, **data: int) -> str:
        return str(tarry("send", name, json.dumps(data))["ids"][0])

    begun = send("checkout/begun", order=5)
    run = stack.waiting("checkout", "end", order=5)
    left, paid = send("checkout/left", order=5, idle=5), send("checkout/paid", order=5)
    assert stack.ended("checkout", order=5).output == "checkout/paid"

    started, missed, resumed = (tarry("event", each) for each in (begun, left, paid))

    assert started["started"] == [{"run": run.id, "function": "checkout", "status": "finished"}]
    assert resumed["resumed"] == [{"run": run.id, "step": "end"}]
    assert missed["resumed"] == []
    assert [(each["run"], each["step"], each["reason"]) for each in missed["missed"]] == [(run.id, "end", "expression")]


def test_the_api_gives_an_events_receipt_to_whom_iam_lets_ask(stack: Stack) -> None:
    stack.put("checkout/begun", {"order": 6})
    run = stack.waiting("checkout", "end", order=6)
    event = run.event["id"]

    status, receipt = stack.ask("GET", f"/events/{event}?name=checkout%2Fbegun")
    assert (status, receipt["started"]) == (200, [{"run": run.id, "function": "checkout", "status": "running"}])

    status, answer = stack.ask("POST", f"/runs/{run.id}/cancel")
    assert (status, answer["id"]) == (202, run.id)
    assert stack.ended("checkout", order=6).status == "cancelled"
    assert stack.ask("GET", f"/runs/{run.id}")[1]["status"] == "cancelled"
    assert stack.ask("GET", f"/runs/{run.id}", signed=False)[0] == 403


def test_a_value_starts_one_run(stack: Stack) -> None:
    stack.put("invoice/due", {"invoice": 1, "n": 1}, {"invoice": 1, "n": 2}, {"invoice": 2, "n": 3})
    eventually(lambda: stack.count("invoice", "finished") == 2)
    stack.put("invoice/due", {"invoice": 2, "n": 4}, {"invoice": 3, "n": 5})
    assert stack.ended("invoice", invoice=3).output == 3
    assert sorted(run.output for run in stack.runs("invoice")) == [1, 2, 3]


def test_a_debounced_function_runs_once_with_the_latest_event(stack: Stack) -> None:
    for text in ("a", "an", "and"):
        stack.put("draft/typed", {"draft": 1, "text": text})
        time.sleep(1)
    stack.put("draft/typed", {"draft": 2, "text": "or"})
    assert stack.ended("draft", draft=1).output == "and"
    assert stack.ended("draft", draft=2).output == "or"
    assert sorted(run.output for run in stack.runs("draft")) == ["and", "or"]


def test_a_batch_runs_when_it_is_full_or_its_time_is_over(stack: Stack) -> None:
    stack.put("sale/made", *({"till": "north", "price": price} for price in (1, 10, 100, 1_000)))
    stack.put("sale/made", {"till": "south", "price": 10_000})

    def outputs() -> list[int]:
        return [run.output for run in stack.runs("ledger", "finished")]

    ended = eventually(lambda: found if sum(found := outputs()) == 11_111 else None)
    assert 10_000 in ended
    assert len(ended) == 3, "the fourth sale of the north is alone, and the south's"


def test_middleware_has_its_hands_on_what_is_kept_and_given(stack: Stack) -> None:
    stack.put("vault/filled", {"what": "gold"})
    run = stack.ended("vault", what="gold")
    assert (run.output, run.steps["keep"].output) == ({"sealed": "GOLD"}, {"sealed": "gold"})


def test_each_cron_has_a_schedule(stack: Stack) -> None:
    [group] = stack.resources("AWS::Scheduler::ScheduleGroup")
    schedules = stack.client("scheduler").list_schedules(GroupName=group)["Schedules"]
    assert {part for part in ("nightly", "tick") for each in schedules if part in each["Name"]} == {"nightly", "tick"}


@pytest.mark.needs(CRON)
def test_a_cron_starts_a_run_each_minute(stack: Stack) -> None:
    runs = eventually(lambda: found if len(found := stack.runs("tick", "finished")) >= 2 else None, patience=240)
    assert {run.output for run in runs} == {"tock"}


def sleeps(stack: Stack, booking: str) -> bool:
    """Whether the run of a booking has come to its sleep."""
    run = stack.run_of("booking", booking=booking)
    return run is not None and "until-the-day" in run.steps

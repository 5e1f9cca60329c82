"""Which events start a run, and when runs go on, on a deployed stack: one scenario for each kind of flow control."""

import json
import time
from typing import Any

from tests.e2e.conftest import Tarry
from tests.e2e.outside import Stack, eventually


def test_two_events_an_hour_start_a_run_and_the_receipt_of_the_third_says_why_it_does_not(
    stack: Stack, tarry: Tarry
) -> None:
    sent = [str(tarry("send", "cart/changed", json.dumps({"n": number}))["ids"][0]) for number in range(3)]
    receipts = eventually(lambda: _decided([tarry("event", each) for each in sent]))
    assert [len(each["started"]) for each in receipts] == [1, 1, 0]
    [unstarted] = receipts[2]["unstarted"]
    assert (unstarted["function"], unstarted["reason"]) == ("remind", "rate_limit")
    assert stack.ended("remind", n=1).output == 1


def _decided(receipts: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    return receipts if all(each["started"] or each["unstarted"] for each in receipts) else None


def test_the_latest_event_of_a_customer_wins_and_its_run_begins_once_the_one_before_has_ended(stack: Stack) -> None:
    stack.put("file/uploaded", {"customer": "ada", "n": 1})
    stack.waiting("import", "read", n=1)
    stack.put("file/uploaded", {"customer": "ada", "n": 2}, {"customer": "bob", "n": 3})
    assert stack.ended("import", n=1).status == "cancelled"
    for number in (2, 3):
        stack.waiting("import", "read", n=number)
        stack.put("file/read", {"n": number})
        assert stack.ended("import", n=number).output == number


def test_runs_begin_one_each_interval(stack: Stack) -> None:
    """None begins before its time. One may begin later: a Lambda that starts cold takes seconds."""
    sent = int(time.time())
    stack.put("bank/asked", *({"n": number} for number in range(3)))
    began = sorted(stack.ended("bank", n=number).output for number in range(3))
    assert [moment - sent >= 5 * place - 1 for place, moment in enumerate(began)] == [True] * 3


def test_of_the_runs_that_wait_at_a_limit_the_urgent_one_goes_first(stack: Stack, tarry: Tarry) -> None:
    stack.put("parcel/ready", {"n": 0, "urgent": 0})
    stack.waiting("pack", "tape", n=0)
    stack.put("parcel/ready", {"n": 1, "urgent": 0})
    run = eventually(lambda: stack.run_of("pack", n=1))
    eventually(lambda: tarry("run", run.id)["held_back"])
    stack.put("parcel/ready", {"n": 2, "urgent": 600})
    urgent = eventually(lambda: stack.run_of("pack", n=2))
    held = eventually(lambda: tarry("run", urgent.id)["held_back"])
    assert (held["before"], tarry("run", run.id)["held_back"]["before"]) == (0, 1)

    stack.put("tape/brought", {})
    first, second = stack.ended("pack", n=2), stack.ended("pack", n=1)
    assert first.steps["begin"].began <= second.steps["begin"].began


def test_a_function_is_paused_and_goes_on_over_http(stack: Stack) -> None:
    status, answer = stack.ask("POST", "/functions/pack/pause")
    assert (status, answer["limit_now"]) == (202, None)
    assert answer["paused"] is not None
    time.sleep(10)  # an executor may have read the control before
    stack.put("parcel/ready", {"n": 77, "urgent": 0})
    eventually(lambda: stack.run_of("pack", n=77))
    time.sleep(3)
    run = stack.run_of("pack", n=77)
    assert run is not None
    assert "begin" not in run.steps
    status, answer = stack.ask("POST", "/functions/pack/resume")
    assert (status, answer["paused"]) == (202, None)
    assert stack.ended("pack", n=77).output == 77

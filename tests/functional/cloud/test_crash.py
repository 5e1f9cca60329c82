"""Lambdas that die: at any call to AWS, before or after it is carried out."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tarry_backend.runtime import runtime
from tarry_backend.store.models import Item
from tarry_dev.cloud import Call, Cloud, Crash, Delivery
from tests.functional.cloud.recorder import Recorder, send_run, send_timer


def write_three(records: list[dict[str, Any]]) -> None:
    for name in "abc":
        runtime().store.table.put(Item(name, "item"))


def written() -> list[str]:
    return sorted(item.pk for page in runtime().store.table.scan(Item) for item in page)


@pytest.fixture
def deliveries(cloud: Cloud) -> list[Delivery]:
    seen: list[Delivery] = []
    cloud.observe(seen.append)
    return seen


@pytest.mark.parametrize(("answered", "kept"), [(False, ["a"]), (True, ["a", "b"])])
def test_a_lambda_dies_before_or_after_a_call(
    cloud: Cloud, timers: Recorder, deliveries: list[Delivery], answered: bool, kept: list[str]
) -> None:
    timers.answer = write_three
    send_timer(cloud, "m")
    with cloud.dies(lambda call: call.number == 2 and call.answered is answered):
        cloud.pump()
        assert written() == kept
    assert isinstance(deliveries[0].error, Crash)
    assert deliveries[0].failed == {message.id for message in deliveries[0].messages}


def test_its_messages_come_back(cloud: Cloud, timers: Recorder) -> None:
    timers.answer = write_three
    send_timer(cloud, "m")
    with cloud.dies(lambda call: True):
        cloud.pump()
    assert len(cloud.queues["timers"].messages) == 1
    cloud.advance("181s")
    assert timers.bodies == ["m", "m"]
    assert written() == ["a", "b", "c"]
    assert cloud.queues["timers"].messages == []


def test_the_dead_do_not_write(cloud: Cloud, timers: Recorder, deliveries: list[Delivery]) -> None:
    def cling(records: list[dict[str, Any]]) -> None:
        try:
            runtime().store.table.put(Item("a", "item"))
        except BaseException:
            runtime().store.table.put(Item("last words", "item"))

    timers.answer = cling
    send_timer(cloud, "m")
    with cloud.dies(lambda call: call.number == 1):
        cloud.pump()
    assert written() == []
    assert isinstance(deliveries[0].error, Crash)


def test_who_survives_a_crash_is_dead_all_the_same(cloud: Cloud, timers: Recorder) -> None:
    def shrug(records: list[dict[str, Any]]) -> None:
        try:
            runtime().store.table.put(Item("a", "item"))
        except BaseException:
            return

    timers.answer = shrug
    send_timer(cloud, "m")
    with cloud.dies(lambda call: True):
        cloud.pump()
    assert len(cloud.queues["timers"].messages) == 1


def test_calls_are_named_and_counted(cloud: Cloud, timers: Recorder) -> None:
    calls: list[Call] = []

    def note(call: Call) -> bool:
        calls.append(call)
        return False

    def work(records: list[dict[str, Any]]) -> None:
        runtime().store.table.put(Item("a", "item"))
        boto3.client("s3").put_object(Bucket="tarry", Key="k", Body=b"")
        with pytest.raises(ClientError):
            boto3.client("s3").get_object(Bucket="tarry", Key="missing")

    timers.answer = work
    send_timer(cloud, "m")
    with cloud.dies(note):
        cloud.pump()
    assert calls == [
        Call("timers", 1, "dynamodb", "PutItem", answered=False),
        Call("timers", 1, "dynamodb", "PutItem", answered=True),
        Call("timers", 2, "s3", "PutObject", answered=False),
        Call("timers", 2, "s3", "PutObject", answered=True),
        Call("timers", 3, "s3", "GetObject", answered=False),
        Call("timers", 3, "s3", "GetObject", answered=True),
    ]


def test_one_function_dies_and_the_others_live(
    cloud: Cloud, timers: Recorder, matcher: Recorder, deliveries: list[Delivery]
) -> None:
    timers.answer = matcher.answer = write_three
    send_timer(cloud, "m")
    cloud.put_events([{"Source": "shop", "DetailType": "a", "Detail": "{}"}])
    with cloud.dies(lambda call: True, function="matcher"):
        cloud.pump()
    assert {delivery.function: type(delivery.error) for delivery in deliveries} == {
        "timers": type(None),
        "matcher": Crash,
    }


def test_a_test_may_kill_by_a_hook_of_its_own(cloud: Cloud, timers: Recorder) -> None:
    def work(records: list[dict[str, Any]]) -> None:
        client = boto3.client("s3")
        client.meta.events.register("before-send.s3", die)
        client.put_object(Bucket="tarry", Key="k", Body=b"")

    def die(**_: object) -> None:
        raise Crash("by hook")

    timers.answer = work
    send_timer(cloud, "m")
    cloud.pump()
    assert len(cloud.queues["timers"].messages) == 1


def test_what_a_test_calls_itself_kills_nobody(cloud: Cloud) -> None:
    with cloud.dies(lambda call: True):
        runtime().store.table.put(Item("a", "item"))
    assert written() == ["a"]


def test_a_lambda_that_has_messages_delivered_meanwhile_does_not_make_the_calls_of_the_mapping(
    cloud: Cloud, timers: Recorder, executor: Recorder
) -> None:
    calls: list[Call] = []

    def note(call: Call) -> bool:
        calls.append(call)
        return call.operation != "SendMessage"

    def work(records: list[dict[str, Any]]) -> None:
        send_run(cloud, "group", "r")
        cloud.pump()

    timers.answer = work
    send_timer(cloud, "m")
    with cloud.dies(note):
        cloud.pump()
    assert executor.bodies == ["r"]
    assert {call.operation for call in calls} == {"SendMessage"}


def test_an_interrupt_is_no_crash(cloud: Cloud, timers: Recorder) -> None:
    def interrupt(records: list[dict[str, Any]]) -> None:
        raise KeyboardInterrupt

    timers.answer = interrupt
    send_timer(cloud, "m")
    with pytest.raises(KeyboardInterrupt):
        cloud.pump()

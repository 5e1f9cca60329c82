"""Deliveries by a test's own hand: held back, out of order, twice, never."""

from tarry_dev.cloud import Cloud
from tests.functional.cloud.recorder import Recorder, send_run, send_timer


def test_a_held_queue_keeps_its_messages(cloud: Cloud, executor: Recorder, timers: Recorder) -> None:
    with cloud.hold("timers"):
        send_timer(cloud, "held")
        send_run(cloud, "a", "free")
        cloud.advance("10m")
        assert cloud.next_moment is None
        assert (timers.bodies, executor.bodies) == ([], ["free"])
        assert [message.body for message in cloud.queues["timers"].messages] == ["held"]
    cloud.pump()
    assert timers.bodies == ["held"]


def test_several_queues_are_held_at_once(cloud: Cloud, executor: Recorder, timers: Recorder) -> None:
    with cloud.hold("timers", "runs"), cloud.hold("timers"):
        send_timer(cloud, "t")
        send_run(cloud, "a", "r")
        assert cloud.pump() == 0
    assert cloud.pump() == 2


def test_messages_are_delivered_in_any_order(cloud: Cloud, timers: Recorder) -> None:
    for body in "abc":
        send_timer(cloud, body)
    queue = cloud.queues["timers"]
    a, b, c = queue.receive()
    queue.deliver([c])
    queue.deliver([b, a])
    assert timers.batches == [["c"], ["b", "a"]]
    assert queue.messages == []


def test_a_message_is_delivered_twice(cloud: Cloud, timers: Recorder) -> None:
    send_timer(cloud, "a")
    queue = cloud.queues["timers"]
    batch = queue.receive()
    queue.deliver(batch)
    delivery = queue.deliver(batch)
    assert delivery.error is None
    assert timers.bodies == ["a", "a"]
    assert cloud.pump() == 0


def test_one_message_is_received(cloud: Cloud, timers: Recorder) -> None:
    send_timer(cloud, "a")
    send_timer(cloud, "b")
    [message] = cloud.queues["timers"].receive(1)
    assert (message.body, message.receives) == ("a", 1)
    cloud.pump()
    assert timers.bodies == ["b"]


def test_a_message_that_is_never_delivered_comes_back(cloud: Cloud, timers: Recorder) -> None:
    send_timer(cloud, "a")
    cloud.queues["timers"].receive()
    assert cloud.pump() == 0
    cloud.advance("181s")
    assert timers.bodies == ["a"]
    assert timers.records[0]["attributes"]["ApproximateReceiveCount"] == "2"


def test_looking_at_messages_does_not_receive_them(cloud: Cloud) -> None:
    send_run(cloud, "a", '{"n": 1}')
    assert len([cloud.queues["runs"].messages for _ in range(20)]) == 20
    [message] = cloud.queues["runs"].messages
    assert (message.json, message.group, message.receives) == ({"n": 1}, "a", 0)

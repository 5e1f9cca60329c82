"""The runs queue: order within a group, separation of the groups, deduplication."""

from tarry_dev.cloud import Cloud
from tests.functional.cloud.recorder import Recorder, refuse, send_run


def test_a_group_keeps_its_order(cloud: Cloud, executor: Recorder) -> None:
    for number in range(12):
        send_run(cloud, "a", str(number))
    cloud.pump()
    assert executor.bodies == [str(number) for number in range(12)]
    assert executor.records[0]["attributes"]["MessageGroupId"] == "a"
    assert executor.records[0]["attributes"]["MessageDeduplicationId"] == "a-0"


def test_what_failed_comes_again_in_its_order_and_before_what_came_after_it(cloud: Cloud, executor: Recorder) -> None:
    executor.answer = refuse("1", "2")
    send_run(cloud, "a", "1")
    send_run(cloud, "a", "2")
    cloud.pump()
    send_run(cloud, "a", "3")
    cloud.advance("899s")
    executor.answer = lambda records: None
    cloud.advance("2s")
    assert executor.batches == [["1"], ["1"], ["2"], ["3"]]


def test_a_group_in_flight_is_kept_back_while_the_others_go_on(cloud: Cloud, executor: Recorder) -> None:
    send_run(cloud, "a", "a1")
    in_flight = cloud.queues["runs"].receive()
    send_run(cloud, "a", "a2")
    send_run(cloud, "b", "b1")
    cloud.pump()
    assert executor.bodies == ["b1"]
    cloud.queues["runs"].deliver(in_flight)
    cloud.pump()
    assert executor.bodies == ["b1", "a1", "a2"]


def test_a_group_that_fails_holds_up_only_itself(cloud: Cloud, executor: Recorder) -> None:
    executor.answer = refuse("a1", "a2")
    for group in "ab":
        for number in "12":
            send_run(cloud, group, group + number)
    cloud.pump()
    assert executor.batches == [["a1"], ["b1"], ["b2"]]
    assert [message.body for message in cloud.queues["runs"].messages] == ["a1", "a2"]


def test_a_message_that_is_sent_twice_is_taken_in_once(cloud: Cloud, executor: Recorder) -> None:
    send_run(cloud, "a", "first", "same")
    send_run(cloud, "a", "second", "same")
    cloud.pump()
    assert executor.bodies == ["first"]


def test_the_deduplication_id_is_kept_for_five_minutes_although_its_message_is_deleted(
    cloud: Cloud, executor: Recorder
) -> None:
    send_run(cloud, "a", "first", "same")
    cloud.pump()
    cloud.advance("4m59s")
    send_run(cloud, "a", "second", "same")
    cloud.advance("1s")
    send_run(cloud, "a", "third", "same")
    cloud.pump()
    assert executor.bodies == ["first", "third"]


def test_each_group_has_deduplication_ids_of_its_own(cloud: Cloud, executor: Recorder) -> None:
    send_run(cloud, "a", "a1", "same")
    send_run(cloud, "b", "b1", "same")
    cloud.pump()
    assert executor.bodies == ["a1", "b1"]


def test_dead_letters_go_back_in_their_order(cloud: Cloud, executor: Recorder) -> None:
    executor.answer = refuse("1", "2")
    send_run(cloud, "a", "1")
    send_run(cloud, "a", "2")
    cloud.advance("6h")
    assert executor.bodies == ["1"] * 10 + ["2"] * 10
    assert [letter.body for letter in cloud.dead_letters("runs")] == ["1", "2"]
    executor.answer = lambda records: None
    assert cloud.redrive("runs") == 2
    cloud.pump()
    assert executor.batches[-2:] == [["1"], ["2"]]
    assert executor.records[-1]["attributes"]["MessageGroupId"] == "a"

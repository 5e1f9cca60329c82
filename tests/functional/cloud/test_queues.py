"""A queue and its function: batches, what is refused, how often it comes again, where it ends."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tarry_backend.deploy.topology import EVENTS
from tarry_dev.cloud import Cloud
from tests.functional.cloud.recorder import Recorder, refuse, send_timer


def test_a_message_comes_as_lambda_hands_it_over(cloud: Cloud, timers: Recorder) -> None:
    sent_at = cloud.clock.now()
    cloud.clients.sqs.send_message(
        QueueUrl=cloud.queues["timers"].url,
        MessageBody="wake",
        MessageAttributes={"trace": {"DataType": "String", "StringValue": "t-1"}},
    )
    cloud.pump()
    [record] = timers.records
    assert record["body"] == "wake"
    assert record["attributes"]["SentTimestamp"] == str(sent_at)
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["messageAttributes"] == {"trace": {"dataType": "String", "stringValue": "t-1"}}
    assert record["md5OfBody"] == "37b90b7e32ba137d26fd61f2ebaa8cae"
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"] == "arn:aws:sqs:us-east-1:123456789012:tarry-timers"
    assert record["awsRegion"] == "us-east-1"
    assert record["messageId"]
    assert record["receiptHandle"]


def test_messages_come_in_batches_of_ten(cloud: Cloud, timers: Recorder) -> None:
    for number in range(23):
        send_timer(cloud, str(number))
    assert cloud.pump() == 3
    assert [len(batch) for batch in timers.batches] == [10, 10, 3]
    assert timers.bodies == [str(number) for number in range(23)]
    assert cloud.queues["timers"].messages == []


def test_what_is_refused_comes_again_after_the_visibility_timeout(cloud: Cloud, timers: Recorder) -> None:
    timers.answer = refuse("bad")
    send_timer(cloud, "good")
    send_timer(cloud, "bad")
    cloud.pump()
    assert timers.batches == [["good", "bad"]]
    cloud.advance("179s")
    assert timers.batches == [["good", "bad"]]
    cloud.advance("2s")
    assert timers.batches == [["good", "bad"], ["bad"]]
    assert timers.records[-1]["attributes"]["ApproximateReceiveCount"] == "2"
    assert timers.records[-1]["attributes"]["SentTimestamp"] == timers.records[1]["attributes"]["SentTimestamp"]


def test_a_handler_that_raises_fails_its_whole_batch(cloud: Cloud, timers: Recorder) -> None:
    def fall(records: list[dict[str, Any]]) -> None:
        raise ValueError("no")

    timers.answer = fall
    for body in "abc":
        send_timer(cloud, body)
    seen: list[BaseException | None] = []
    cloud.observe(lambda delivery: seen.append(delivery.error))
    cloud.pump()
    assert [repr(error) for error in seen] == ["ValueError('no')"]
    timers.answer = lambda records: None
    cloud.advance("181s")
    assert timers.batches == [["a", "b", "c"], ["a", "b", "c"]]


@pytest.mark.parametrize("answer", [None, {}, "", {"batchItemFailures": []}, {"batchItemFailures": None}])
def test_an_answer_without_failures_is_a_success(cloud: Cloud, timers: Recorder, answer: Any) -> None:
    timers.answer = lambda records: answer
    send_timer(cloud, "a")
    cloud.pump()
    assert cloud.queues["timers"].messages == []


@pytest.mark.parametrize("identifier", [{"itemIdentifier": ""}, {"itemIdentifier": "x"}, {"item": "x"}, "x", None])
def test_a_failure_that_names_no_message_fails_the_whole_batch(cloud: Cloud, timers: Recorder, identifier: Any) -> None:
    timers.answer = lambda records: {"batchItemFailures": [identifier]}
    send_timer(cloud, "a")
    send_timer(cloud, "b")
    cloud.pump()
    assert [message.body for message in cloud.queues["timers"].messages] == ["a", "b"]


def test_a_message_that_always_fails_ends_in_the_dead_letter_queue(cloud: Cloud, matcher: Recorder) -> None:
    matcher.answer = refuse("bad")
    cloud.clients.sqs.send_message(QueueUrl=cloud.queues["events"].url, MessageBody="bad")
    cloud.advance("1h")
    assert matcher.bodies == ["bad"] * EVENTS.max_receives
    assert cloud.queues["events"].messages == []
    [letter] = cloud.dead_letters("events")
    assert (letter.body, letter.receives) == ("bad", EVENTS.max_receives)
    assert cloud.next_moment is None


def test_a_dead_letter_is_put_back_as_a_new_message(cloud: Cloud, matcher: Recorder) -> None:
    matcher.answer = refuse("bad")
    cloud.clients.sqs.send_message(QueueUrl=cloud.queues["events"].url, MessageBody="bad")
    cloud.advance("1h")
    first = matcher.records[0]
    matcher.answer = lambda records: None
    now = cloud.clock.now()
    assert cloud.redrive("events") == 1
    assert cloud.dead_letters("events") == []
    cloud.pump()
    last = matcher.records[-1]
    assert last["messageId"] != first["messageId"]
    assert int(last["attributes"]["SentTimestamp"]) >= now
    assert last["attributes"]["ApproximateReceiveCount"] == "1"
    assert cloud.queues["events"].messages == []


def test_a_message_is_gone_after_a_week_and_holds_up_none_behind_it(cloud: Cloud, timers: Recorder) -> None:
    with cloud.hold("timers"):
        send_timer(cloud, "old")
        cloud.advance("6d")
        send_timer(cloud, "young")
        cloud.advance("2d")
    cloud.pump()
    assert timers.bodies == ["young"]


def test_observers_are_told_of_each_batch(cloud: Cloud, timers: Recorder) -> None:
    timers.answer = refuse("bad")
    told: list[tuple[str, list[str], int]] = []
    cloud.observe(lambda d: told.append((d.function, [message.body for message in d.messages], len(d.failed))))
    send_timer(cloud, "good")
    send_timer(cloud, "bad")
    cloud.pump()
    assert told == [("timers", ["good", "bad"], 1)]


def test_a_queue_counts_the_bytes_of_a_message_as_sqs_does(cloud: Cloud) -> None:
    sqs, url = cloud.clients.sqs, cloud.settings.events_queue
    body = "ä" * 524_288
    sqs.send_message(QueueUrl=url, MessageBody=body)
    with pytest.raises(ClientError, match="shorter than 1048576 bytes"):
        sqs.send_message(QueueUrl=url, MessageBody=body + "x")
    halves: list[Any] = [{"Id": str(place), "MessageBody": "ä" * 262_144 + "x"} for place in range(2)]
    with pytest.raises(ClientError, match=r"BatchRequestTooLong.*1048578"):
        sqs.send_message_batch(QueueUrl=url, Entries=halves)

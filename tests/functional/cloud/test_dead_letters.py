"""Dead letters: looking at them hides nothing, putting them back loses and doubles nothing."""

import pytest

from tarry_backend.queues.sender import REDRIVEN
from tarry_dev.cloud import Cloud, Message
from tarry_dev.dead_letters import DeadLetters


@pytest.fixture(params=["events", "runs"])
def queue(request: pytest.FixtureRequest) -> str:
    """A standard one, and a FIFO one."""
    name: str = request.param
    return name


def dead_letters(cloud: Cloud, queue: str) -> DeadLetters:
    of = cloud.queues[queue]
    return DeadLetters(cloud.clients.sqs, queue, of.url, of.dead_url, wait=0)


def bury(cloud: Cloud, queue: str, count: int, group: str = "g") -> None:
    fifo = queue == "runs"
    for number in range(count):
        options = {"MessageGroupId": group, "MessageDeduplicationId": f"{group}{number}"} if fifo else {}
        cloud.clients.sqs.send_message(
            QueueUrl=cloud.queues[queue].dead_url,
            MessageBody=f"{group} {number}",
            **options,  # type: ignore[arg-type]
        )


def bodies(messages: list[Message]) -> list[str]:
    return sorted(message.body for message in messages)


def test_looking_takes_nothing_away_and_others_see_it_at_once(cloud: Cloud, queue: str) -> None:
    bury(cloud, queue, 3)
    letters = dead_letters(cloud, queue)
    assert [letter.body for letter in letters.peek(2)] == ["g 0", "g 1"]
    cloud.advance("1ms")
    assert [(letter.body, letter.receives) for letter in letters.peek(9)] == [("g 0", 2), ("g 1", 2), ("g 2", 1)]
    assert letters.count() == 3
    assert letters.peek(0) == []


def test_more_than_a_request_brings_are_shown(cloud: Cloud) -> None:
    bury(cloud, "events", 23)
    assert len(dead_letters(cloud, "events").peek(22)) == 22


def test_all_are_put_back_a_groups_in_its_order_and_marked(cloud: Cloud, queue: str) -> None:
    bury(cloud, queue, 12, "a")
    bury(cloud, queue, 2, "b")
    with cloud.hold(queue):
        assert dead_letters(cloud, queue).redrive() == 14
        found = cloud.queues[queue].messages
        assert [message.body for message in found if message.body.startswith("a")] == [f"a {n}" for n in range(12)]
        assert {tuple(message.message_attributes) for message in found} == {(REDRIVEN,)}
        if queue == "runs":
            assert {message.group for message in found} == {"a", "b"}
    assert dead_letters(cloud, queue).count() == 0


def test_one_that_is_cut_off_behind_a_sending_sends_nothing_twice_to_a_run(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    bury(cloud, "runs", 3)
    letters = dead_letters(cloud, "runs")
    with cloud.hold("runs"):
        with monkeypatch.context() as patch:
            patch.setattr(cloud.clients.sqs, "delete_message", cut_off)
            with pytest.raises(ConnectionError):
                letters.redrive()
        assert bodies(cloud.queues["runs"].messages) == ["g 0"]
        cloud.advance("61s")
        letters.redrive()
        assert bodies(cloud.queues["runs"].messages) == ["g 0", "g 1", "g 2"]
    assert letters.count() == 0


def cut_off(**_: object) -> None:
    raise ConnectionError

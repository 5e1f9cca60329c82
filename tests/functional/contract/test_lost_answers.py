"""A write takes effect, but its answer does not come back, and the client asks for it once more."""

from collections import Counter
from collections.abc import Callable

import pytest
from botocore.exceptions import ReadTimeoutError

from tarry_dev.cloud import Cloud
from tests.functional.contract.plays import Ending, expected, play
from tests.functional.contract.stories import STORIES
from tests.functional.contract.wire import interrupt

WRITES = ["DynamoDB.PutItem", "DynamoDB.UpdateItem", "DynamoDB.BatchWriteItem"]


class Line:
    """The line to DynamoDB, which breaks once, behind the write of that number."""

    def __init__(self, breaks_at: int) -> None:
        self.writes = 0
        self._breaks_at = breaks_at

    def put_up(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[Cloud], None]:
        return lambda cloud: interrupt(monkeypatch, WRITES, self._carried)

    def _carried(self) -> None:
        self.writes += 1
        if self.writes == self._breaks_at:
            raise ReadTimeoutError(endpoint_url="https://dynamodb")


def test_whichever_writes_answer_is_lost_the_outcome_is_the_same_and_no_step_runs_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    story, unbroken = STORIES["wait late"], Line(0)
    with monkeypatch.context() as patch:
        play(story, opened=unbroken.put_up(patch))
    wrong: dict[int, Ending] = {}
    for number in range(1, unbroken.writes + 1):
        with monkeypatch.context() as patch:
            ending, _ = play(story, opened=Line(number).put_up(patch))
        if ending != expected(story, Counter()):
            wrong[number] = ending
    assert wrong == {}

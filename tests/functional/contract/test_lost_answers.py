"""A write takes effect, but its answer does not come back; or it takes effect long after it was given up."""

from base64 import b64decode
from collections import Counter
from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from tarry import App, Context, TriggerEvent
from tarry_dev.cloud import Cloud, Host
from tests.functional.contract.diary import Diary
from tests.functional.contract.plays import Ending, expected, play
from tests.functional.contract.stories import STORIES
from tests.functional.contract.wire import Ask, Json, interrupt, skip_pauses, tamper

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
    skip_pauses(monkeypatch)
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


def test_a_write_that_was_given_up_does_not_take_effect_once_another_has(
    app: App, host: Host, diary: Diary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """executor 1    attempt 1 fails ── "try again" ── (no answer, it dies)            ┄┄┄┄┄ takes effect?
    executor 2                                              attempt 1 works ── "done"
    """
    under_way: list[Json] = []

    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"), backoff=["1s"])
    async def order(ctx: Context) -> str:
        async def charge() -> str:
            await diary.write(ctx.attempt)
            if len(diary.entries) <= 2:
                raise ConnectionError
            return "charged"

        charged = await ctx.step.run("charge", charge)
        await ctx.step.sleep("rest", "1h")
        return charged

    def put(request: Json, ask: Ask) -> Json:
        if len(diary.entries) == 2 and request["Item"]["sk"]["S"] == "step#charge":
            under_way.append(request)
            raise ReadTimeoutError(endpoint_url="https://dynamodb")
        return ask(request)

    tamper(monkeypatch, ["DynamoDB.PutItem"], put)
    skip_pauses(monkeypatch)
    host.send("placed")
    host.advance("30s")
    assert diary.entries == [0, 1, 1]
    assert host.run().steps["charge"].status == "done"
    assert under_way[0]["Item"]["status"] == {"S": "retrying"}
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        host.cloud.clients.dynamodb.put_item(**_with_bytes(under_way[0]))
    host.advance("1h")
    assert host.run().output == "charged"


def _with_bytes(request: Json) -> Json:
    """As the client takes it: on the wire bytes are in base64."""
    for value in request["Item"].values():
        if "B" in value:
            value["B"] = b64decode(value["B"])
    return request

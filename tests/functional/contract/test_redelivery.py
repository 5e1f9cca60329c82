"""When a message of a run comes again: after a death, after a wait for room in Lambda, and never beside itself."""

import boto3
import pytest

from tarry import App, Context, TriggerEvent
from tarry_dev.cloud import Call, Crash, Host
from tests.functional.contract.diary import Diary

TIMEOUT = 150_000


@pytest.fixture
def calls(host: Host) -> list[str]:
    """The executor's calls for visibility, as they come."""
    return []


def add_order(app: App, diary: Diary) -> None:
    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"))
    async def order(ctx: Context) -> None:
        await ctx.step.run("pack", pack)

    async def pack() -> None:
        await diary.write("packs")
        boto3.client("s3").list_buckets()


def dies_at(number: int, calls: list[str], diary: Diary) -> object:
    """Dies in the step's body, as often as ``number``; notes each hold beside."""

    def dies(call: Call) -> bool:
        if call.operation == "ChangeMessageVisibility" and not call.answered:
            calls.append("hold")
        return call.operation == "ListBuckets" and len(diary.entries) <= number

    return dies


def test_after_a_first_death_a_message_comes_again_after_a_quarter_of_an_hour_and_then_after_the_timeout(
    app: App, host: Host, diary: Diary, calls: list[str]
) -> None:
    add_order(app, diary)
    host.cloud.functions["executor"].remaining = TIMEOUT
    with host.cloud.dies(dies_at(3, calls, diary), function="executor"):  # type: ignore[arg-type]
        host.send("placed")
        assert (diary.entries, calls) == (["packs"], []), "a fresh message costs no request"
        host.advance("890s")
        assert len(diary.entries) == 1
        host.advance("11s")
        assert (len(diary.entries), calls) == (2, ["hold"])
        host.advance("155s")
        assert len(diary.entries) == 2, "the executor that died might still be at work: its time is not over"
        host.advance("6s")
        assert len(diary.entries) == 3
        host.advance("161s")
    assert len(diary.entries) == 4
    assert host.run().status == "finished"


def test_a_message_that_lambdas_poller_held_back_is_not_visible_again_while_its_executor_works(
    app: App, host: Host, diary: Diary
) -> None:
    add_order(app, diary)
    queue = host.cloud.queues["runs"]
    host.cloud.functions["executor"].remaining = TIMEOUT
    with host.cloud.hold("runs"):
        host.send("placed")
        batch = queue.receive()
        host.advance("895s")
        with host.cloud.dies(lambda call: call.operation == "ListBuckets", function="executor"):
            assert isinstance(queue.deliver(batch).error, Crash)
    host.advance("150s")  # its executor might be at work as long as this
    assert diary.entries == ["packs"]
    host.advance("11s")
    assert diary.entries == ["packs", "packs"]


def test_an_executor_whose_message_is_visible_again_leaves_it_to_the_next_one(
    app: App, host: Host, diary: Diary
) -> None:
    add_order(app, diary)
    queue = host.cloud.queues["runs"]
    with host.cloud.hold("runs"):
        host.send("placed")
        late = queue.receive()
        host.advance("901s")
        delivery = queue.deliver(late)
        assert delivery.failed == {message.id for message in late}
        assert diary.entries == []
    host.advance("15m")
    assert diary.entries == ["packs"]
    assert host.run().status == "finished"

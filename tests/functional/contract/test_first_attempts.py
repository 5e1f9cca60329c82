"""A step begins when its first attempt began: no death, no throttled write and no redrive moves it."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from tarry import App, Context, Event, TriggerEvent
from tarry_backend.queues.sender import REDRIVEN
from tarry_backend.runtime import runtime
from tarry_dev.cloud import Call, Cloud, Host
from tests.functional.contract.diary import Diary
from tests.functional.contract.moments import deadline_of
from tests.functional.contract.plays import ThrottledError
from tests.functional.contract.wire import Ask, Json, skip_pauses, tamper

PLACED = TriggerEvent(event="placed")
PLACING = ("placed", {"id": "7"})
ANSWER = Event("answered", {"id": "7"}, id="answer", ts=0)


class Fault:
    """Kills the executor, or throttles it, right before its write of that number."""

    def __init__(self, write: int, *, throttled: bool) -> None:
        self._left = write
        self._throttled = throttled

    def __call__(self, call: Call) -> bool:
        if call.operation != "PutItem" or call.answered:
            return False
        self._left -= 1
        if self._left == 0 and self._throttled:
            raise ThrottledError
        return self._left == 0

    @property
    def has_come(self) -> bool:
        return self._left <= 0


async def answer(ctx: Context, **options: Any) -> str | None:
    event = await ctx.step.wait_for_event("answer", event="answered", match="data.id", timeout="1h", **options)
    return event.id if event else None


async def by_run(ctx: Context) -> None:
    await ctx.step.run("ask", lambda: None)


async def by_event(ctx: Context) -> None:
    await ctx.step.send_event("ask", Event("question", {"id": "7"}))


async def by_invocation(ctx: Context) -> None:
    await ctx.step.invoke_by_id("ask", function_id="quick")


async def by_sleep(ctx: Context) -> None:
    await ctx.step.sleep("rest", "1s")


@pytest.mark.parametrize("throttled", [False, True], ids=["dies", "is throttled"])
@pytest.mark.parametrize("ask", [by_run, by_event, by_invocation, by_sleep])
def test_w36_an_answer_that_comes_before_the_message_does_again_is_not_lost(
    app: App, host: Host, ask: Callable[[Context], Any], throttled: bool
) -> None:
    """executor    ask ── (not kept)                       ask again, kept ── wait
    log                               answer
    """

    @app.create_function(fn_id="quick", trigger=TriggerEvent(event="quickly"))
    async def quick(ctx: Context) -> None:
        pass

    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> str | None:
        await ask(ctx)
        return await answer(ctx)

    fault = Fault(2, throttled=throttled)
    with host.cloud.dies(fault, function="executor"):
        host.send(*PLACING)
    assert fault.has_come
    assert host.run("order").steps == {}
    host.cloud.advance("1500ms")
    host.cloud.send(ANSWER)
    host.cloud.advance("20m")
    assert host.run("order").output == "answer"


@pytest.mark.parametrize("lookback", [0, "10s"])
def test_w36_a_wait_listens_from_its_first_call_on_and_its_time_counts_from_the_one_that_is_kept(
    app: App, host: Host, lookback: Any
) -> None:
    """executor    wait ── dies                            wait ┄┄┄ 1 h ┄┄┄ deadline
    log                          answer: of another order
    """

    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> str | None:
        return await answer(ctx, lookback=lookback)

    with host.cloud.dies(Fault(2, throttled=False), function="executor"):
        host.send(*PLACING)
    first = host.cloud.clock.now()
    host.cloud.advance("20m")
    step = runtime().store.runs.step(host.run().id, "answer")
    assert step is not None
    assert step.wait is not None
    assert first - 12_000 < step.wait.since.received_at <= first
    assert deadline_of(host.run(), "answer") >= first + (15 + 60) * 60_000


def test_w05_a_step_behind_a_result_that_was_lost_begins_once_that_result_is_kept(app: App, host: Host) -> None:
    """executor    go (not kept) ── dies                  go, kept ── ask ── wait
    log                               answer: to nothing
    """

    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> str | None:
        await ctx.step.wait_for_event("go", event="go", match="data.id", timeout="1d")
        await by_run(ctx)
        return await answer(ctx)

    host.send(*PLACING)
    with host.cloud.dies(Fault(1, throttled=False), function="executor"):
        host.send("go", {"id": "7"})
    host.cloud.advance("1m")
    host.cloud.send(ANSWER)
    host.cloud.advance("20m")
    assert host.run().steps["ask"].status == "done"
    host.cloud.advance("2h")
    assert (host.run().status, host.run().output) == ("finished", None)


@pytest.fixture
def unwritable(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The sort keys of the items that cannot be written for now."""
    keys: set[str] = set()

    def put(request: Json, ask: Ask) -> Json:
        if request["Item"]["sk"]["S"] in keys:
            raise ReadTimeoutError(endpoint_url="https://dynamodb")
        return ask(request)

    tamper(monkeypatch, ["DynamoDB.PutItem"], put)
    skip_pauses(monkeypatch)
    return keys


def test_w36_an_answer_is_not_lost_though_the_message_is_a_dead_letter_and_a_later_one_performs_the_step(
    app: App, host: Host, unwritable: set[str]
) -> None:
    """message 1    ask (not kept), ten times ── dead letter
    message 2                                                        ask, kept ── wait
    log                   answer
    """

    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> str | None:
        async def questions() -> str | None:
            await by_run(ctx)
            return await answer(ctx)

        async def another() -> None:
            await ctx.step.wait_for_event("other", event="other", match="data.id", timeout="30d")

        return (await asyncio.gather(another(), questions()))[1]

    unwritable.add("step#ask")
    host.send(*PLACING)
    host.cloud.advance("10s")
    host.cloud.send(ANSWER)
    host.cloud.advance("5h")
    assert [letter.json["tarry"] for letter in host.dead_letters] == ["start"]
    unwritable.clear()
    host.send("other", {"id": "7"})
    assert host.run().output == "answer"
    run = runtime().store.runs.run(host.run().id)
    assert run is not None


@pytest.mark.parametrize("run_too", [False, True], ids=["its step", "its step and the run"])
def test_w36_an_answer_is_not_lost_though_the_message_is_a_dead_letter_and_redriven(
    app: App, host: Host, unwritable: set[str], run_too: bool
) -> None:
    """message     ask (not kept), ten times ── dead letter            redriven: ask, kept ── wait
    log                   answer
    """

    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> str | None:
        await ctx.step.wait_for_event("go", event="go", match="data.id", timeout="1d")
        await by_run(ctx)
        return await answer(ctx)

    host.send(*PLACING)
    unwritable.update({"step#ask", "run"} if run_too else {"step#ask"})
    host.send("go", {"id": "7"})
    host.cloud.advance("1s")
    host.cloud.send(ANSWER)
    host.cloud.advance("5h")
    assert [letter.json["tarry"] for letter in host.dead_letters] == ["resume"]
    unwritable.clear()
    host.cloud.redrive("runs")
    host.cloud.pump()
    assert host.run().output == "answer"


def test_a_run_forgets_an_attempt_that_died_once_a_replay_has_gone_through(app: App, host: Host, diary: Diary) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> str | None:
        await ctx.step.run("bill", diary.write, "bill")
        return await answer(ctx)

    with host.cloud.dies(Fault(2, throttled=False), function="executor"):
        host.send(*PLACING)
    host.cloud.advance("20m")
    run = runtime().store.runs.run(host.run().id)
    assert run is not None
    assert (run.attempt_since, run.deaths, diary.entries) == (None, 0, ["bill", "bill"])


def test_a_dead_letter_tells_when_the_queue_first_had_it_however_often_it_is_redriven(
    app: App, cloud: Cloud, host: Host
) -> None:
    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> None:
        await by_run(ctx)

    def fails(call: Call) -> bool:
        raise ThrottledError

    with cloud.dies(fails, function="executor"):
        host.send(*PLACING)
        sent_at = cloud.queues["runs"].messages[0].sent_at
        for _ in range(2):
            cloud.advance("5h")
            assert cloud.redrive("runs") == 1
            [message] = cloud.queues["runs"].messages
            assert message.sent_at > sent_at
            assert message.message_attributes[REDRIVEN]["StringValue"] == str(sent_at)


def test_w36_an_answer_to_a_step_that_was_under_way_when_its_function_failed_is_not_lost(app: App, host: Host) -> None:
    """branch 1    ask ┄┄┄ (not kept)                      ask, kept ── wait
    branch 2           raises ──────────── 10 m ── again
    log                          answer
    """
    begun: list[str] = []
    has_begun = threading.Event()

    @app.create_function(fn_id="order", trigger=PLACED, backoff=["10m"])
    async def order(ctx: Context) -> str | None:
        is_first = not begun

        async def ask() -> None:
            begun.append("ask")
            has_begun.set()
            if is_first:
                await asyncio.sleep(60)

        async def asks() -> str | None:
            await ctx.step.run("ask", ask)
            return await answer(ctx)

        async def fails() -> None:
            await asyncio.to_thread(has_begun.wait)
            if is_first:
                raise ConnectionError

        return (await asyncio.gather(asks(), fails()))[0]

    host.send(*PLACING)
    assert host.run().steps == {}
    host.cloud.advance("1m")
    host.cloud.send(ANSWER)
    host.cloud.advance("20m")
    assert (begun, host.run().output) == (["ask", "ask"], "answer")


def test_the_answer_to_an_attempt_that_nobody_could_note_is_not_seen(app: App, host: Host, diary: Diary) -> None:
    """A limit. The executor dies in the step; then each write fails until the message is a dead letter.

    executor    ask ── dies ┄┄ (nine writes refused) ┄┄ dead letter       another message: ask ── wait
    log               answer
    """

    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> str | None:
        async def patient() -> str | None:
            await ctx.step.wait_for_event("go", event="go", match="data.id", timeout="9d")
            await ctx.step.run("ask", diary.write, "ask")
            return await answer(ctx)

        found, _ = await asyncio.gather(patient(), ctx.step.sleep("rest", "1d"))
        return found

    deliveries = 0

    def refuses(call: Call) -> bool:
        nonlocal deliveries
        if call.operation != "PutItem" or call.answered or not diary.entries:
            return False
        deliveries += 1
        if deliveries > 1:
            raise ThrottledError
        return True

    host.send(*PLACING)
    with host.cloud.dies(refuses, function="executor"):
        host.send("go", {"id": "7"})
        host.cloud.send(ANSWER)
        host.cloud.advance("4h")
    assert len(host.dead_letters) == 1
    host.advance("2d")
    assert (host.run().status, host.run().output, diary.entries) == ("finished", None, ["ask", "ask"])
    assert host.cloud.redrive("runs") == 1
    host.advance("10m")
    assert host.dead_letters == []

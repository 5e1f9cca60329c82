"""Steps that end at about the same time, each kept by a write of its own: a Lambda dies, or fails, at any of them."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from threading import Lock

import pytest

from tarry import App, Context, ContextSync, TriggerEvent
from tarry_dev.cloud import Call, Host
from tests.functional.contract.diary import Diary
from tests.functional.contract.wire import Ask, Json, tamper

NAMES = ["bill", "label", "pack"]
START = TriggerEvent(event="order/placed")


def add_order(app: App, diary: Diary) -> None:
    @app.create_function(fn_id="order", trigger=START)
    async def order(ctx: Context) -> list[str]:
        async def body(name: str) -> str:
            diary.entries.append(name)
            while not all_began(diary):  # noqa: ASYNC110 - an event would be of one loop, and so of one attempt
                await asyncio.sleep(0.001)
            return name

        done = await ctx.group.parallel([partial(ctx.step.run, name, body, name) for name in NAMES])
        await ctx.step.run("ship", diary.write, "ship")
        return list(done)


def add_order_sync(app: App, diary: Diary) -> None:
    @app.create_function(fn_id="order", trigger=START)
    def order(ctx: ContextSync) -> list[str]:
        def body(name: str) -> str:
            diary.entries.append(name)
            while not all_began(diary):
                time.sleep(0.001)
            return name

        done = ctx.group.parallel([partial(ctx.step.run, name, body, name) for name in NAMES])
        ctx.step.run("ship", diary.write, "ship")
        return list(done)


add = pytest.mark.parametrize("add", [add_order, add_order_sync], ids=["async", "def"])


def all_began(diary: Diary) -> bool:
    return len(diary.entries) >= len(NAMES)


def kept(host: Host) -> set[str]:
    return {key for key, step in host.run().steps.items() if step.status == "done"}


def goes_on(host: Host, diary: Diary, after: str) -> None:
    """All bodies have run; now those run again that are not kept, and no other."""
    assert sorted(diary.entries, key=str) == NAMES
    again = [name for name in NAMES if name not in kept(host)]
    host.advance(after)
    assert host.run().output == NAMES
    assert Counter(diary.entries) == Counter([*NAMES, *again, "ship"])


@add
@pytest.mark.parametrize("answered", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", range(1, 4))
def test_whichever_write_a_lambda_dies_at_what_is_kept_stays_and_the_rest_runs_again(
    app: App, host: Host, diary: Diary, add: Callable[[App, Diary], None], number: int, answered: bool
) -> None:
    add(app, diary)
    writes = 0

    def dies(call: Call) -> bool:
        nonlocal writes
        writes += call.operation == "PutItem" and call.answered is answered and bool(diary.entries)
        return writes == number

    with host.cloud.dies(dies, function="executor"):
        host.send("order/placed")
    goes_on(host, diary, "16m")


@add
@pytest.mark.parametrize("doomed", ["bill", "pack"])
def test_if_one_finds_that_another_executor_was_there_the_message_comes_back_and_finds_what_is_kept(
    app: App, host: Host, diary: Diary, add: Callable[[App, Diary], None], doomed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write takes effect twice: as if the first answer had been lost on the line."""
    add(app, diary)
    lock, twice = Lock(), [doomed]

    def put(request: Json, ask: Ask) -> Json:
        with lock:
            again = request["Item"]["sk"]["S"] == f"step#{doomed}" and bool(twice) and bool(twice.pop())
        if again:
            ask(request)
        return ask(request)

    tamper(monkeypatch, ["DynamoDB.PutItem"], put)
    host.send("order/placed")
    assert doomed in kept(host)
    goes_on(host, diary, "10s")

"""A function invokes another one: it gets what that returns, or its error, once, whatever dies or comes twice."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tarry import App, Context, Event, StepError, TriggerEvent
from tarry_backend.events.address import run_id_of
from tarry_backend.queues.messages import Continue, Returned
from tarry_backend.runtime import runtime
from tarry_dev.cloud import Cloud, Host
from tests.functional.contract.diary import Diary
from tests.functional.contract.plays import ThrottledError
from tests.functional.contract.traces import in_indexes
from tests.functional.contract.wire import Ask, Json, tamper
from tests.unit.replay.faces import Face, Text, as_async, as_def

NEVER = TriggerEvent(event="never")
PLACED = TriggerEvent(event="placed")
INVOKED = "tarry/function.invoked"


@pytest.fixture(params=[as_async, as_def], ids=["async", "def"])
def face(request: pytest.FixtureRequest) -> Face:
    """Of both functions: the one that invokes, and the one that is invoked."""
    chosen: Face = request.param
    return chosen


@pytest.fixture
def invoke(app: App, face: Face) -> Callable[..., None]:
    """Makes ``pack``, and ``order``, which returns what it gets of it: its result, or the error that it catches."""

    def make(pack: Text, **options: Any) -> None:
        function = app.create_function(fn_id="pack", trigger=NEVER, retries=0)(face(pack))

        async def order(ctx: Context) -> Any:
            try:
                return await ctx.step.invoke("pack", function=function, **options)
            except StepError as error:
                return {"step": error.step_id, "name": error.name, "message": error.message, "stack": error.stack}

        app.create_function(fn_id="order", trigger=PLACED)(face(order))

    return make


async def rest(ctx: Context) -> str:
    await ctx.step.sleep("rest", "1h")
    return "packed"


def test_it_gives_what_the_function_returns_which_runs_as_a_run_of_its_own(
    host: Host, invoke: Callable[..., None]
) -> None:
    async def pack(ctx: Context) -> Any:
        await ctx.step.sleep("rest", "1h")
        return {"data": {key: ctx.event.data[key] for key in ("id", "_tarry")}, "user": ctx.event.user}

    invoke(pack, data={"id": "7"}, user={"name": "A"})
    host.send("placed")
    order, packing = host.run("order"), host.run("pack")
    assert (order.status, order.steps["pack"].status, order.steps["pack"].due) == ("running", "invoking", None)
    host.advance("1h")
    address = {"function_id": "pack", "run_id": order.id, "step": "pack"}
    assert order.output == {"data": {"id": "7", "_tarry": address}, "user": {"name": "A"}}
    assert (packing.event.name, packing.event.source, packing.output) == (INVOKED, "tarry.shop", order.output)
    assert packing.id == run_id_of("shop", "pack", packing.event.id, "tarry.shop", INVOKED)
    assert [event.name for event in host.events()] == ["placed", INVOKED, *["tarry/function.finished"] * 2]
    assert (in_indexes(host.cloud), host.dead_letters) == (set(), [])


def test_it_raises_the_error_of_a_function_that_fails_for_good(host: Host, invoke: Callable[..., None]) -> None:
    async def pack(ctx: Context) -> None:
        raise ValueError(f"no box for {ctx.event.data['id']}")

    invoke(pack, data={"id": "7"})
    host.send("placed")
    caught = host.run("order").output
    assert (caught["step"], caught["name"], caught["message"]) == ("pack", "ValueError", "no box for 7")
    assert "in pack" in caught["stack"]
    step = host.run("order").steps["pack"]
    assert (step.status, step.error) == ("failed", host.run("pack").error)


def test_it_raises_that_a_function_was_cancelled(host: Host, invoke: Callable[..., None]) -> None:
    invoke(rest)
    host.send("placed")
    host.cancel(host.run("pack"))
    caught = host.run("order").output
    assert caught["name"] == "InvocationCancelledError"
    assert caught["message"] == f"function 'pack' (run {host.run('pack').id}) was cancelled"


def test_it_raises_at_its_deadline_to_the_second_and_the_function_goes_on(
    host: Host, invoke: Callable[..., None]
) -> None:
    invoke(rest, timeout="10m")
    host.send("placed")
    host.advance("9m 57s")
    order = host.run("order")
    assert order.status == "running"
    host.advance("5s")
    caught = order.output
    assert (caught["step"], caught["name"]) == ("pack", "InvokeTimeoutError")
    assert "function 'pack'" in caught["message"]
    assert "within 0:10:00" in caught["message"]
    ended = repr(order)
    host.advance("1h")
    assert (host.run("pack").output, repr(order)) == ("packed", ended)
    assert (in_indexes(host.cloud), host.dead_letters) == (set(), [])


def test_a_timeout_of_nothing_starts_the_function_and_waits_for_nothing(
    host: Host, invoke: Callable[..., None]
) -> None:
    invoke(rest, timeout=0)
    host.send("placed")
    host.advance("2s")
    assert host.run("order").output["name"] == "InvokeTimeoutError"
    host.advance("1h")
    assert host.run("pack").output == "packed"


@pytest.mark.parametrize("first", ["wake", "returned"])
def test_what_the_function_has_kept_before_the_look_at_the_deadline_counts_in_either_order(
    app: App, cloud: Cloud, host: Host, first: str
) -> None:
    """runs queue    wake ── returned      or      returned ── wake"""

    @app.create_function(fn_id="pack", trigger=NEVER)
    async def pack(ctx: Context) -> str:
        await ctx.step.wait_for_event("boxed", event="boxed", timeout="1d")
        return "packed"

    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> Any:
        return await ctx.step.invoke("pack", function=pack, timeout="1h")

    host.send("placed")
    host.advance("59m")
    runs = cloud.queues["runs"]
    with cloud.hold("runs"):
        host.send("boxed")
        if first == "wake":
            host.advance("65s")
        runs.deliver(runs.receive(1))
        host.advance("65s")
        kinds = [message.json["tarry"] for message in runs.messages]
    assert kinds == (["wake", "returned"] if first == "wake" else ["returned", "wake"])
    cloud.pump()
    assert (host.run("order").status, host.run("order").output) == ("finished", "packed")
    assert (in_indexes(cloud), host.dead_letters) == (set(), [])


@pytest.mark.parametrize("again", ["at once", "later", "after the end"])
def test_an_answer_that_comes_twice_counts_once(app: App, host: Host, diary: Diary, again: str) -> None:
    @app.create_function(fn_id="pack", trigger=NEVER)
    async def pack(ctx: Context) -> str:
        return "packed"

    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> None:
        await diary.write(await ctx.step.run("ship", lambda: "shipped"))
        await diary.write(await ctx.step.invoke("pack", function=pack))
        await ctx.step.sleep("rest", "1h")

    host.send("placed")
    run = host.run("order")
    before = diary.entries[:]
    host.advance({"at once": "1s", "later": "10m", "after the end": "2h"}[again])
    ended = repr(run)
    seen = diary.entries[:]
    runtime().queues.send_to_runs([Returned(run.id, "pack"), Returned(run.id, "pack"), Returned(run.id, "gone")])
    host.cloud.pump()
    assert (repr(run), diary.entries) == (ended, seen)
    assert before[-1] == "packed"
    assert host.dead_letters == []


def test_an_answer_that_finds_nobody_yet_keeps_no_later_one_back(app: App, host: Host) -> None:
    """The queue drops what is sent once more within five minutes; an answer is sent anew each time."""

    @app.create_function(fn_id="pack", trigger=NEVER)
    async def pack(ctx: Context) -> str:
        return "packed"

    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> Any:
        await ctx.step.wait_for_event("paid", event="paid", timeout="1d")
        return await ctx.step.invoke("pack", function=pack)

    host.send("placed")
    runtime().queues.send_to_runs([Returned(host.run("order").id, "pack")])
    host.cloud.pump()
    host.send("paid")
    assert host.run("order").output == "packed"


def test_a_run_whose_step_could_not_be_kept_is_answered_once_it_can(
    app: App, host: Host, diary: Diary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """caller      send ── (cannot keep the step: dead letter)                    redriven: send ── step kept
    function         start ── returns, Returned               ┄┄ finds no step            start: has ended, Returned
    """
    throttled = True

    @app.create_function(fn_id="pack", trigger=NEVER)
    async def pack(ctx: Context) -> str:
        return await ctx.step.run("pack", diary.write, "packed")

    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> Any:
        return await ctx.step.invoke("packing", function=pack)

    def put(request: Json, ask: Ask) -> Json:
        if throttled and request["Item"]["sk"]["S"] == "step#packing":
            raise ThrottledError
        return ask(request)

    with monkeypatch.context() as patch:
        tamper(patch, ["DynamoDB.PutItem"], put)
        host.send("placed")
        host.advance("3h")
        assert [letter.json["tarry"] for letter in host.dead_letters] == ["start"]
        assert host.cloud.queues["runs"].messages == []
        assert (host.run("pack").output, dict(host.run("order").steps)) == ("packed", {})
        throttled = False
        host.cloud.redrive("runs")
        host.cloud.pump()
    assert (host.run("order").output, diary.entries, host.dead_letters) == ("packed", ["packed"], [])


@pytest.mark.parametrize("again", ["a message of the caller", "the invocation"])
def test_an_answer_that_is_lost_is_made_good_by_whatever_comes_again(app: App, host: Host, again: str) -> None:
    @app.create_function(fn_id="pack", trigger=NEVER)
    async def pack(ctx: Context) -> str:
        await ctx.step.sleep("rest", "1h")
        return "packed"

    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> Any:
        return await ctx.step.invoke("pack", function=pack)

    host.send("placed")
    run, runs = host.run("order"), host.cloud.queues["runs"]
    with host.cloud.hold("runs"):
        host.advance("1h")
        runs.deliver(runs.receive(1))
        host.cloud.clients.sqs.purge_queue(QueueUrl=runs.url)
    assert (host.run("pack").output, run.status) == ("packed", "running")
    if again == "the invocation":
        app.bus.send_internal([host.run("pack").event])
        host.cloud.pump()
    else:
        runtime().queues.send_to_runs([Continue(run.id)])
        [message] = runs.receive(1)
        runs.deliver([replace(message, attributes={**message.attributes, "ApproximateReceiveCount": "2"})])
    assert run.output == "packed"


def test_a_caller_that_is_cancelled_leaves_the_function_to_its_own_end(host: Host, invoke: Callable[..., None]) -> None:
    invoke(rest, timeout="2h")
    host.send("placed")
    order = host.run("order")
    host.cancel(order)
    assert (order.status, order.steps["pack"].status) == ("cancelled", "withdrawn")
    host.advance("3h")
    assert (host.run("pack").output, order.status) == ("packed", "cancelled")
    assert (in_indexes(host.cloud), host.dead_letters) == (set(), [])


@pytest.mark.parametrize(
    ("options", "error", "problem"),
    [
        ({"function_id": "gone"}, "UsageError", "step 'pack': app 'shop' has no function 'gone', only ['order']"),
        (
            {"function_id": "pack", "app_id": "depot"},
            "UsageError",
            "is of app 'depot'; app 'shop' can invoke only its own",
        ),
        ({"function_id": "order", "data": {"x": "x" * 1_048_576}}, "EventError", "the bus carries at most 1,044,480"),
        ({"function_id": "order", "data": {"x": {1}}}, "EventError", "is a set, which is not JSON"),
        ({"function_id": "order", "timeout": "367d"}, "DurationError", "longer than 366 days"),
    ],
    ids=["no such function", "another app's", "too large", "no JSON", "too long"],
)
def test_what_cannot_be_invoked_fails_the_run_at_the_step_and_starts_nothing(
    app: App, host: Host, face: Face, options: dict[str, Any], error: str, problem: str
) -> None:
    async def order(ctx: Context) -> None:
        try:
            await ctx.step.invoke_by_id("pack", **options)
        except Exception:
            await ctx.step.run("caught", int)

    app.create_function(fn_id="order", trigger=PLACED)(face(order))
    host.send("placed")
    failed = host.run().error
    assert failed is not None
    assert failed.name == error
    assert failed.message.startswith("step 'pack': ")
    assert problem in failed.message
    assert (host.run().status, dict(host.run().steps), len(host.runs())) == ("failed", {}, 1)
    assert (host.events(INVOKED), host.dead_letters) == ([], [])


def test_large_data_and_a_large_result_arrive_whole(app: App, host: Host, face: Face) -> None:
    data = {"text": random.Random(1).randbytes(400_000).hex()}

    async def pack(ctx: Context) -> list[str]:
        text: str = ctx.event.data["text"]
        return [text] * 5

    async def order(ctx: Context) -> list[bool]:
        result = await ctx.step.invoke("pack", function=packing, data=data)
        return [text == data["text"] for text in result]

    packing = app.create_function(fn_id="pack", trigger=NEVER)(face(pack))
    app.create_function(fn_id="order", trigger=PLACED)(face(order))
    host.send("placed")
    assert host.run("order").output == [True] * 5


def test_functions_that_invoke_functions_in_parallel_each_get_their_own(app: App, host: Host, face: Face) -> None:
    async def leaf(ctx: Context) -> Any:
        await ctx.step.sleep("rest", f"{ctx.event.data['n']}m")
        return ctx.event.data["n"]

    async def branch(ctx: Context) -> Any:
        low = ctx.event.data["n"]
        return await ctx.group.parallel([_leaf_call(ctx, number) for number in (low, low + 1)])

    async def root(ctx: Context) -> Any:
        return await ctx.group.parallel([_branch_call(ctx, number) for number in (5, 3, 1)])

    def _leaf_call(ctx: Context, number: int) -> Callable[[], Any]:
        return lambda: ctx.step.invoke("leaf", function=leaves, data={"n": number})

    def _branch_call(ctx: Context, number: int) -> Callable[[], Any]:
        return lambda: ctx.step.invoke_by_id("branch", function_id="branch", data={"n": number}, timeout="1h")

    leaves = app.create_function(fn_id="leaf", trigger=NEVER)(face(leaf))
    app.create_function(fn_id="branch", trigger=NEVER)(face(branch))
    app.create_function(fn_id="root", trigger=PLACED)(face(root))
    host.send("placed")
    host.advance("7m")
    assert host.run("root").output == [[5, 6], [3, 4], [1, 2]]
    assert (len(host.runs("branch")), len(host.runs("leaf"))) == (3, 6)
    assert (in_indexes(host.cloud), host.dead_letters) == (set(), [])


def test_what_the_function_sends_is_not_missed_by_a_wait_after_it(app: App, host: Host, face: Face) -> None:
    """The wait looks from where the invocation began."""

    async def pack(ctx: Context) -> None:
        await ctx.step.sleep("rest", "10m")
        await ctx.step.send_event("tell", Event("packed", id="p-1"))
        await ctx.step.sleep("rest", "10m")

    async def order(ctx: Context) -> str | None:
        await ctx.step.invoke("pack", function=packing)
        packed = await ctx.step.wait_for_event("packed", event="packed", timeout="1m")
        return packed.id if packed else None

    packing = app.create_function(fn_id="pack", trigger=NEVER)(face(pack))
    app.create_function(fn_id="order", trigger=PLACED)(face(order))
    host.send("placed")
    host.advance("21m")
    assert host.run("order").output == "p-1"


def test_a_function_that_hears_of_invocations_is_started_by_them_and_answers_nobody(app: App, host: Host) -> None:
    @app.create_function(fn_id="pack", trigger=NEVER)
    async def pack(ctx: Context) -> str:
        await ctx.step.sleep("rest", "1h")
        return "packed"

    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> Any:
        return await ctx.step.invoke("pack", function=pack)

    @app.create_function(fn_id="listener", trigger=TriggerEvent(event=INVOKED))
    async def listener(ctx: Context) -> str:
        return "heard"

    with host.cloud.dies(lambda call: call.operation == "SendMessageBatch", function="executor"):
        host.send("placed")
    assert (host.run("listener").output, host.run("order").status) == ("heard", "running")
    host.advance("1h")
    assert host.run("order").output == "packed"


def test_a_run_that_ends_without_awaiting_it_leaves_nothing_behind(app: App, host: Host) -> None:
    @app.create_function(fn_id="pack", trigger=NEVER)
    async def pack(ctx: Context) -> str:
        await ctx.step.sleep("rest", "1h")
        return "packed"

    @app.create_function(fn_id="order", trigger=PLACED)
    async def order(ctx: Context) -> str:
        task = asyncio.ensure_future(ctx.step.invoke("pack", function=pack, timeout="2h"))
        await ctx.step.run("ship", lambda: "shipped")
        task.cancel()
        return "placed"

    host.send("placed")
    run = host.run("order")
    assert (run.output, run.steps["pack"].status) == ("placed", "withdrawn")
    ended = repr(run)
    host.advance("3h")
    assert (host.run("pack").output, repr(run)) == ("packed", ended)
    assert (in_indexes(host.cloud), host.dead_letters) == (set(), [])

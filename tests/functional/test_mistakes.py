"""What a new user does wrong is said at once, with the line of their code and what to do."""

import asyncio
import functools
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest

import tarry as sdk
from tarry_dev.cloud.runs import NoResultError
from tarry_dev.pytest_plugin import MakeHost


def one() -> int:
    return 1


def too_much() -> str:
    return "x" * 5_000_000


class Approval:
    pass


def run_text(tarry: MakeHost, handler: Callable[[Any], Any]) -> str:
    app = sdk.App("shop")
    app.create_function(fn_id="order", trigger=sdk.TriggerEvent(event="order/placed"))(handler)
    host = tarry(app)
    host.send("order/placed", {"orderId": 7})
    return host.run("order").timeline


def line(handler: Callable[..., Any], number: int) -> str:
    """The line of a function, counted from its ``def``, as errors write it."""
    return f"({__file__}, line {handler.__code__.co_firstlineno + number})"


async def wrong_field(ctx: sdk.Context) -> None:
    await ctx.step.wait_for_event("paid", event="order/paid", match="data.oderId", timeout="1d")


def wrong_field_sync(ctx: sdk.ContextSync) -> None:
    ctx.step.wait_for_event("paid", event="order/paid", match="data.oderId", timeout="1d")


async def far_lookback(ctx: sdk.Context) -> None:
    await ctx.step.wait_for_event("paid", event="order/paid", timeout="1d", lookback="30d")


async def no_json(ctx: sdk.Context) -> None:
    await ctx.step.run("approve", Approval)


def no_json_sync(ctx: sdk.ContextSync) -> None:
    ctx.step.run("approve", Approval)


async def too_large(ctx: sdk.Context) -> None:
    await ctx.step.run("list", too_much)


async def in_a_branch(ctx: sdk.Context) -> None:
    await asyncio.gather(ctx.step.run("first", one), ctx.step.sleep("rest", "3q"))


def in_a_branch_sync(ctx: sdk.ContextSync) -> None:
    ctx.group.parallel([lambda: ctx.step.sleep("rest", "3q"), lambda: ctx.step.run("first", one)])


@pytest.mark.parametrize(
    ("handler", "said"),
    [
        (wrong_field, "event.data.oderId is missing in the event that started the run"),
        (wrong_field_sync, "event.data.oderId is missing in the event that started the run"),
        (far_lookback, "lookback reaches further back than the log"),
        (no_json, "which is not JSON; use strings, numbers, lists or dicts"),
        (no_json_sync, "which is not JSON; use strings, numbers, lists or dicts"),
        (too_large, "keep it in a bucket of yours, and return its key"),
        (in_a_branch, "'3q'"),
        (in_a_branch_sync, "'3q'"),
    ],
)
def test_a_step_that_can_never_work_names_the_line_that_called_it(
    tarry: MakeHost, handler: Callable[[Any], Any], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    text = run_text(tarry, handler)
    assert said in text
    assert text.endswith(line(handler, 1))
    logged = [each.getMessage() for each in caplog.records if each.levelno == logging.ERROR]
    assert any(each.endswith(line(handler, 1)) for each in logged)


async def returns_no_json(ctx: sdk.Context) -> object:
    return {1}


async def misspelt_key(ctx: sdk.Context) -> None:
    raise sdk.NonRetriableError(ctx.event.data["orderId"])


def test_an_output_of_the_function_that_is_not_json_names_the_function(tarry: MakeHost) -> None:
    assert run_text(tarry, returns_no_json).endswith(line(returns_no_json, 0))


def test_an_error_of_the_function_itself_names_its_line(tarry: MakeHost, caplog: pytest.LogCaptureFixture) -> None:
    where = f"({__file__} line {misspelt_key.__code__.co_firstlineno + 1}, in misspelt_key)"
    assert run_text(tarry, misspelt_key).endswith(where)
    assert any(each.getMessage().endswith(where) for each in caplog.records)


async def own_timeout(ctx: sdk.Context) -> str:
    try:
        await asyncio.wait_for(ctx.step.wait_for_event("paid", event="order/paid", timeout="1d"), timeout=0.6)
    except TimeoutError:
        return "too late"
    return "paid"


async def own_timeout_block(ctx: sdk.Context) -> str:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.6):
            await ctx.step.wait_for_event("paid", event="order/paid", timeout="1d")
    return "too late"


async def own_sleep(ctx: sdk.Context) -> str:
    await asyncio.sleep(0.6)
    return "rested"


@pytest.mark.parametrize(("handler", "number"), [(own_timeout, 2), (own_timeout_block, 3), (own_sleep, 1)])
def test_a_timer_of_the_functions_own_is_a_warning_that_names_its_line(
    tarry: MakeHost,
    handler: Callable[[Any], Any],
    number: int,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tarry_backend.replay.timer_watch._LONG", 0.05)  # a slow machine is there when little is left
    run_text(tarry, handler)
    [said] = [each.getMessage() for each in caplog.records if "a timer of its own" in each.getMessage()]
    assert line(handler, number) in said
    assert "Use ctx.step.sleep, give the wait a timeout=" in said


async def sleeps_in_a_step(ctx: sdk.Context) -> None:
    await ctx.step.run("wait for the printer", asyncio.sleep, 0.4)


async def yields(ctx: sdk.Context) -> None:
    await asyncio.sleep(0.1)


@pytest.mark.parametrize("handler", [sleeps_in_a_step, yields])
def test_a_timer_in_a_step_or_a_short_one_is_no_warning(
    tarry: MakeHost,
    handler: Callable[[Any], Any],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tarry_backend.replay.timer_watch._LONG", 0.3)
    run_text(tarry, handler)
    assert [each.getMessage() for each in caplog.records if "timer" in each.getMessage()] == []


def test_a_handler_that_takes_no_context_is_refused_where_it_is_created() -> None:
    async def order() -> None: ...

    where = re.escape(line(order, 0)) + "$"
    with pytest.raises(sdk.UsageError, match=f"function 'order': the handler takes nothing, not one argument.*{where}"):
        sdk.App("shop").create_function(fn_id="order")(order)  # type: ignore[arg-type]
    with pytest.raises(sdk.UsageError, match=f"function 'order': on_failure takes nothing, not one argument.*{where}"):
        sdk.App("shop").create_function(fn_id="order", on_failure=order)  # type: ignore[arg-type]


def test_a_handler_that_a_decorator_gives_more_than_the_context_is_accepted() -> None:
    def with_database(handler: Callable[..., Any]) -> Callable[[sdk.ContextSync], Any]:
        @functools.wraps(handler)
        def called(ctx: sdk.ContextSync) -> Any:
            return handler(ctx, "database")

        return called

    @with_database
    def order(ctx: sdk.ContextSync, database: str) -> str:
        return database

    assert sdk.App("shop").create_function(fn_id="order")(order).id == "order"


def test_two_functions_of_one_id_are_both_named_with_their_lines() -> None:
    app = sdk.App("shop")
    app.create_function(fn_id="order")(misspelt_key)
    with pytest.raises(sdk.UsageError) as raised:
        app.create_function(fn_id="order")(returns_no_json)
    assert line(misspelt_key, 0) in str(raised.value)
    assert str(raised.value).endswith(line(returns_no_json, 0))


def test_a_send_that_each_replay_repeats_is_a_warning_and_one_in_a_step_is_none(
    tarry: MakeHost, caplog: pytest.LogCaptureFixture
) -> None:
    app = sdk.App("shop")

    async def tell() -> None:
        await app.send(sdk.Event("order/told"))

    @app.create_function(fn_id="order", trigger=sdk.TriggerEvent(event="order/placed"))
    async def order(ctx: sdk.Context) -> None:
        await ctx.step.run("tell", tell)
        await app.send(sdk.Event("order/begun"))

    host = tarry(app)
    host.send("order/placed", {})
    [said] = [each.getMessage() for each in caplog.records if "app.send" in each.getMessage()]
    assert line(order.handler, 3) in said
    assert "Use ctx.step.send_event" in said
    assert [event.name for event in host.events()][1:3] == ["order/told", "order/begun"]


def test_a_name_that_no_bus_accepts_is_an_error_of_a_send_that_is_not_awaited(tarry: MakeHost) -> None:
    app = sdk.App("shop")

    async def tell() -> None:
        app.send(sdk.Event("tarry/told"))  # type: ignore[unused-awaitable]

    @app.create_function(fn_id="order", trigger=sdk.TriggerEvent(event="order/placed"))
    async def order(ctx: sdk.Context) -> None:
        await ctx.step.run("tell", tell)

    host = tarry(app)
    host.send("order/placed", {})
    run = host.run("order")
    assert run.error is not None
    assert run.error.name == "EventError"


def test_an_event_with_which_nothing_starts_is_named_with_the_name_meant(tarry: MakeHost) -> None:
    app = sdk.App("shop")
    app.create_function(fn_id="order", trigger=sdk.TriggerEvent(event="order/placed"))(own_sleep)
    host = tarry(app)
    host.send("order/placd", {})
    with pytest.raises(LookupError, match="no function starts with 'order/placd': did you mean 'order/placed'"):
        host.result()


def test_the_error_of_a_run_that_still_waits_says_why_the_last_events_did_not_end_it(tarry: MakeHost) -> None:
    app = sdk.App("shop")

    @app.create_function(fn_id="order", trigger=sdk.TriggerEvent(event="order/placed"))
    async def order(ctx: sdk.Context) -> None:
        await ctx.step.wait_for_event("paid", event="order/paid", match="data.orderId", timeout="1d")

    host = tarry(app)
    host.send("order/placed", {"orderId": 7})
    host.send([sdk.Event("order/paid", {"orderId": "7"}, id="p-1")])
    with pytest.raises(NoResultError) as raised:
        host.result()
    assert str(raised.value).endswith(
        "order/paid (p-1) did not end paid: async.data.orderId == event.data.orderId: '7' (string) and 7 (int)"
    )

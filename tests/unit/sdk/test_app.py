"""The app and the functions that it registers."""

import asyncio
import dataclasses
import functools
from datetime import timedelta

import pytest

from tarry import App, Context, ContextSync, Event, TriggerEvent, UsageError
from tarry.function import MAX_RETRIES, Retries
from tarry_backend.matching import trigger_holds

PAID = TriggerEvent("paid")


async def ship(ctx: Context) -> None: ...


def ship_sync(ctx: ContextSync) -> None: ...


def test_a_function_has_the_id_it_was_given_and_its_apps() -> None:
    app = App("shop")
    function = app.create_function(fn_id="ship", trigger=PAID)(ship)
    assert app.functions == {"ship": function}
    assert (function.id, function.app_id, function.handler, function.triggers) == ("ship", "shop", ship, (PAID,))


def test_several_triggers_may_start_a_function() -> None:
    triggers = [PAID, TriggerEvent("stock/*")]
    assert App("shop").create_function(fn_id="ship", trigger=triggers)(ship).triggers == tuple(triggers)


@pytest.mark.parametrize(
    ("handler", "is_async"),
    [
        (ship, True),
        (ship_sync, False),
        (functools.partial(ship), True),
        (functools.partial(ship_sync), False),
        (lambda ctx: asyncio.sleep(0), False),
    ],
)
def test_an_async_def_gets_a_context_and_a_def_gets_the_other(handler: object, is_async: bool) -> None:
    function = App("shop").create_function(fn_id="ship", trigger=PAID)(handler)  # type: ignore[call-overload]
    assert function.is_async == is_async


@pytest.mark.parametrize("app_id", ["shop", "Shop.eu-1_b", "7", "x" * 64])
def test_an_id_is_letters_digits_dots_dashes_and_underscores(app_id: str) -> None:
    assert App(app_id).id == app_id


@pytest.mark.parametrize("wrong", ["", "-shop", ".shop", "a b", "a/b", "ä", "x" * 65, "shop\n", None, 7], ids=repr)
def test_another_id_is_an_error_that_quotes_it(wrong: str) -> None:
    with pytest.raises(UsageError, match="use 1 to 64 letters") as caught:
        App(wrong)
    assert f"app id {wrong!r}" in str(caught.value)


@pytest.mark.parametrize("fn_id", ["ship", "Ship an order!", "a/b", "日本", "x" * 200, ' "quoted"\n', "#:-"], ids=repr)
def test_a_functions_id_is_any_text_of_up_to_200_characters(fn_id: str) -> None:
    assert App("shop").create_function(fn_id=fn_id, trigger=PAID)(ship).id == fn_id


@pytest.mark.parametrize("wrong", ["", "x" * 201, "\ud800", None, 7], ids=repr)
def test_another_function_id_is_an_error_that_quotes_it(wrong: str) -> None:
    with pytest.raises(UsageError, match="text of 1 to 200 characters") as caught:
        App("shop").create_function(fn_id=wrong, trigger=PAID)(ship)
    assert f"function id {wrong!r}" in str(caught.value)


def test_none_leaves_an_option_at_its_default() -> None:
    app = App("shop", middleware=None)
    plain = app.create_function(fn_id="plain")(ship)
    none = app.create_function(
        fn_id="none",
        trigger=None,
        name=None,
        retries=None,
        backoff=None,
        cancel=None,
        timeouts=None,
        idempotency=None,
        on_failure=None,
        middleware=None,
    )(ship)
    assert dataclasses.replace(none, id="plain", name="plain") == plain
    assert (none.retries, none.triggers, none.name) == (Retries(), (), "none")
    event = Event("paid", None, None, None, None, None)
    assert (event.data, event.id, event.source) == ({}, "", "")
    assert event.ts > 0


def test_a_function_has_a_name_for_people() -> None:
    assert App("shop").create_function(fn_id="ship", name="Ship an order")(ship).name == "Ship an order"
    with pytest.raises(UsageError, match="name is 7"):
        App("shop").create_function(fn_id="ship", name=7)(ship)  # type: ignore[arg-type]


def test_the_function_of_failures_finds_those_of_a_function_whose_id_has_quotes() -> None:
    app = App("shop")
    app.create_function(fn_id='a "b"\n\\c', on_failure=ship)(ship)
    [trigger] = app.functions['a "b"\n\\c-failure'].event_triggers
    assert trigger.expression is not None
    failed = Event("tarry/function.failed", {"function_id": 'a "b"\n\\c'}, "e", 1, None, "tarry.shop")
    assert trigger_holds(trigger.expression, failed, 1)
    assert not trigger_holds(trigger.expression, dataclasses.replace(failed, data={"function_id": "a"}), 1)


def test_a_second_function_of_the_same_id_is_an_error_and_the_first_stays() -> None:
    app = App("shop")
    first = app.create_function(fn_id="ship", trigger=PAID)(ship)
    with pytest.raises(UsageError, match="'shop' already has a function 'ship'"):
        app.create_function(fn_id="ship", trigger=PAID)(ship_sync)
    assert app.functions == {"ship": first}


def test_two_apps_may_have_functions_of_the_same_id() -> None:
    functions = [App(app_id).create_function(fn_id="ship", trigger=PAID)(ship) for app_id in ("shop", "depot")]
    assert [function.app_id for function in functions] == ["shop", "depot"]


@pytest.mark.parametrize("trigger", ["paid", [], ["paid"], [PAID, None]], ids=repr)
def test_what_is_no_trigger_is_an_error_that_names_the_function(trigger: TriggerEvent) -> None:
    with pytest.raises(UsageError, match=r"function 'ship'.*give a TriggerEvent"):
        App("shop").create_function(fn_id="ship", trigger=trigger)


@pytest.mark.parametrize("retries", [-1, MAX_RETRIES + 1])
def test_retries_are_from_0_to_20(retries: int) -> None:
    with pytest.raises(UsageError, match=f"retries={retries}: give a whole number from 0 to 20"):
        App("shop").create_function(fn_id="ship", trigger=PAID, retries=retries)(ship)


@pytest.mark.parametrize(
    ("backoff", "says"),
    [
        ([], "backoff is empty"),
        (["3q"], "'3q' is not a duration"),
        (["15s", "-1s"], "negative"),
        ("15s", "give a list"),
    ],
    ids=repr,
)
def test_a_backoff_that_cannot_be_is_an_error(backoff: list[str], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        App("shop").create_function(fn_id="ship", trigger=PAID, backoff=backoff)(ship)


def test_the_default_pauses_grow_from_15_s_to_2_h_and_the_last_repeats() -> None:
    retries = Retries()
    assert retries.limit == 4
    pauses = [retries.pause(attempt, 0) / 1000 for attempt in range(12)]
    assert pauses == [15, 30, 60, 120, 300, 600, 1200, 2400, 3600, 7200, 7200, 7200]


@pytest.mark.parametrize(("jitter", "pause"), [(0, 100_000), (0.5, 105_000), (1, 110_000)])
def test_jitter_adds_up_to_a_tenth(jitter: float, pause: int) -> None:
    assert Retries(backoff=["100s"]).pause(0, jitter) == pause


def test_pauses_may_be_written_in_any_way() -> None:
    retries = Retries(backoff=[1500, "1h30m", timedelta(days=1)])
    assert [retries.pause(attempt, 0) for attempt in range(3)] == [1_500, 5_400_000, 86_400_000]


def test_an_app_shows_what_it_is() -> None:
    app = App("shop")
    app.create_function(fn_id="ship", trigger=PAID)(ship)
    assert repr(app) == "App('shop', functions=['ship'])"


@pytest.mark.parametrize("handler", [ship, ship_sync], ids=["async", "def"])
def test_on_failure_is_a_function_of_its_own_with_the_same_retries(handler: object) -> None:
    app = App("shop")
    options = {"fn_id": "x" * 64, "trigger": PAID, "retries": 2, "backoff": ["1m"]}
    function = app.create_function(**options, on_failure=handler)(ship)  # type: ignore[arg-type]
    assert list(app.functions) == ["x" * 64, "x" * 64 + "-failure"]
    failure = app.functions["x" * 64 + "-failure"]
    assert (failure.handler, failure.app_id, failure.retries) == (handler, "shop", function.retries)
    [trigger] = failure.event_triggers
    assert trigger.event == "tarry/function.failed"
    assert trigger.expression == f'event.source == "tarry.shop" && event.data.function_id == "{"x" * 64}"'


def test_what_is_no_handler_for_failures_is_an_error_that_names_the_function() -> None:
    with pytest.raises(UsageError, match=r"function 'ship': on_failure is 'sorry', not a function; write a handler"):
        App("shop").create_function(fn_id="ship", trigger=PAID, on_failure="sorry")  # type: ignore[arg-type]


def test_of_a_function_whose_failures_id_is_taken_nothing_is_registered() -> None:
    app = App("shop")
    first = app.create_function(fn_id="ship-failure", trigger=PAID)(ship)
    with pytest.raises(UsageError, match="'shop' already has a function 'ship-failure'"):
        app.create_function(fn_id="ship", trigger=PAID, on_failure=ship)(ship)
    assert app.functions == {"ship-failure": first}


@pytest.mark.parametrize("bus", ["orders", "aws.partner/example.com/1", None])
def test_a_bus_is_a_name(bus: str | None) -> None:
    assert App("shop", bus=bus).bus.name == (bus or "tarry-shop")


@pytest.mark.parametrize(
    ("bus", "says"),
    [
        ("arn:aws:events:eu-central-1:210987654321:event-bus/orders", "a bus of another account needs a rule"),
        ("", "give the name of a bus"),
        ("a b", "give the name of a bus"),
        (7, "give the name of a bus"),
    ],
)
def test_a_bus_that_is_no_name_is_an_error_where_the_app_is_made(bus: object, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        App("shop", bus=bus)  # type: ignore[arg-type]


def test_a_trigger_on_an_event_of_inngests_own_is_refused_with_the_new_name() -> None:
    with pytest.raises(UsageError, match=r"Tarry's is 'tarry/function\.failed'"):
        TriggerEvent("inngest/function.failed")

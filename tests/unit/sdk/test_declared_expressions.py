"""What a function declares is compiled where it is created, not when its first event comes."""

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from tarry import App, Cancel, Context, ExpressionError, TriggerCron, TriggerEvent, UsageError, event_type


async def ship(ctx: Context) -> None: ...


@event_type("shop/paid")
@dataclass
class Paid:
    id: str
    total: float


@event_type("shop/refunded")
@dataclass
class Refunded:
    order: str


PAID = TriggerEvent("paid")
NIGHTLY = TriggerCron("0 3 * * *")


def refused(trigger: Any = PAID, **options: Any) -> ExpressionError:
    with pytest.raises(ExpressionError) as caught:
        App("shop").create_function(fn_id="ship", trigger=trigger, **options)
    return caught.value


@pytest.mark.parametrize(
    ("options", "owner", "position"),
    [
        ({"trigger": TriggerEvent("paid", "event.data.total >")}, "trigger on 'paid'", 18),
        ({"trigger": [PAID, TriggerEvent("due", "async.data.total > 1")]}, "trigger on 'due'", 0),
        ({"cancel": Cancel("gone", if_exp="async.data.id === 1")}, "cancel on 'gone'", 16),
        ({"cancel": [Cancel("gone"), Cancel("away", match="id.")]}, "cancel on 'away'", 2),
        ({"idempotency": "event.data.id +"}, "idempotency", 15),
    ],
)
def test_an_expression_that_does_not_compile_is_an_error_where_the_function_is_created(
    options: dict[str, Any], owner: str, position: int
) -> None:
    error = refused(**options)
    assert error.position == position
    assert error.owner.startswith("function 'ship' (")
    assert error.owner.endswith(f"): {owner}")
    assert str(error).startswith(f"{error.owner}: expression ")


def test_the_error_names_the_file_and_line_that_create_the_function() -> None:
    error = refused(TriggerEvent("paid", "event.data.total >"))
    line = refused.__code__.co_firstlineno + 2
    assert f"({__file__}, line {line})" in str(error)


@pytest.mark.parametrize("wrong", ["", " ", 5])
def test_an_expression_is_a_string_with_something_in_it(wrong: Any) -> None:
    with pytest.raises(UsageError, match=r"trigger 'paid': expression is .*: give a string"):
        TriggerEvent("paid", wrong)


def test_a_field_that_the_triggers_event_type_lacks_is_an_error() -> None:
    error = refused(TriggerEvent(Paid, "event.data.ID == '7'"))
    assert error.problem == "event.data is Paid, which has no field 'ID' (did you mean 'id'?); it has id, total"
    assert refused(TriggerEvent(Paid, "event.data.total > '7'")).problem.endswith("they are without an order")
    assert "'ID'" in refused(TriggerEvent(Paid), idempotency="event.data.ID").problem
    assert "'ID'" in refused(TriggerEvent(Paid), cancel=Cancel("gone", match="data.ID")).problem


@pytest.mark.parametrize(
    "triggers",
    [[TriggerEvent(Paid), TriggerEvent(Refunded)], [TriggerEvent(Paid), PAID], [TriggerEvent(Paid), NIGHTLY]],
)
def test_a_field_of_one_of_the_starting_events_is_none(triggers: Any) -> None:
    App("shop").create_function(fn_id="ship", trigger=triggers, idempotency="event.data.order")(ship)


def test_a_field_of_none_of_the_starting_events_is_an_error() -> None:
    both = [TriggerEvent(Paid), TriggerEvent(Refunded)]
    assert "no field 'orderId'" in refused(both, idempotency="event.data.orderId").problem


PROGRAM = """
import sys
from tarry import App, Cancel, TriggerEvent
app = App("shop")
register = app.create_function(
    fn_id="ship",
    trigger=TriggerEvent("paid", "event.data.total > 1"),
    cancel=Cancel("gone", match="data.id"),
    idempotency="event.data.id",
)
print(sorted({"celpy", "lark", "re2", "boto3"} & {name.partition(".")[0] for name in sys.modules}))
"""


@pytest.mark.parametrize(("place", "loaded"), [({}, ["lark"]), ({"AWS_LAMBDA_FUNCTION_NAME": "f"}, [])])
def test_a_lambda_loads_no_grammar_to_create_a_function(place: dict[str, str], loaded: list[str]) -> None:
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True, env={**os.environ, **place}
    )
    assert run.stdout.strip() == str(loaded)


def test_functions_without_expressions_load_no_grammar_anywhere() -> None:
    program = PROGRAM.replace(', "event.data.total > 1"', "").replace(', match="data.id"', "")
    program = program.replace('idempotency="event.data.id",', "")
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == "[]"

"""What a command knows of an app's functions without its code."""

from dataclasses import MISSING, fields

import pytest

from tarry import App, Cancel, Concurrency, Context, TriggerCron, TriggerEvent
from tarry_backend.deploy.function_facts import (
    MAX_FACTS,
    FunctionFacts,
    TriggerFacts,
    facts_of,
    read_facts,
    write_facts,
)
from tarry_backend.deploy.outputs import Deployment
from tarry_backend.deploy.settings import Settings
from tarry_backend.deploy.topology import QUEUES

ORDER = FunctionFacts("order", 3, (TriggerFacts("a/*"), TriggerFacts("b", "event.data.n > 1")), ("c", "d"))


async def handler(ctx: Context) -> None:
    pass


def test_they_are_those_of_the_app_and_go_through_json() -> None:
    app = App("shop")
    triggers: list[TriggerEvent | TriggerCron] = [
        TriggerEvent(event="a/*"),
        TriggerCron("0 9 * * *"),
        TriggerEvent("b", "event.data.n > 1"),
    ]
    cancels = [Cancel(event="c"), Cancel(event="d")]
    app.create_function(fn_id="order", trigger=triggers, cancel=cancels, retries=2)(handler)
    assert facts_of(app) == (ORDER,)
    assert read_facts(write_facts(facts_of(app))) == (ORDER,)


def test_limits_go_through_json_too_and_facts_of_an_older_version_have_none() -> None:
    limits = (Concurrency(3, key="event.data.n", scope="app", hold="run"), Concurrency(5))
    facts = FunctionFacts("order", 1, limits=limits)
    assert read_facts(write_facts([facts, ORDER])) == (facts, ORDER)
    assert read_facts('[["order",1,[],[]]]') == (FunctionFacts("order", 1),)


def test_more_than_an_output_holds_is_nothing() -> None:
    assert read_facts(write_facts([ORDER], most=20)) == ()


def test_a_prefix_names_no_event_of_tarrys_own() -> None:
    every = FunctionFacts("all", 1, (TriggerFacts("*"), TriggerFacts("tarry/function.failed")))
    assert every.triggers_on("a") == [("*", None)]
    assert every.triggers_on("tarry/function.failed") == [("tarry/function.failed", None)]
    assert ORDER.triggers_on("a/b") == [("a/*", None)]


@pytest.mark.parametrize("number", [0, 1, 200])
def test_no_output_of_a_stack_is_longer_than_4_000_characters_however_many_functions_it_has(number: int) -> None:
    ids = tuple(f"function-number-{place}-of-many-in-one-app" for place in range(number))
    facts = tuple(FunctionFacts(each, 4) for each in ids)
    texts = {field.name: "x" for field in fields(Settings) if field.default is MISSING}
    deployment = Deployment("shop", ids, Settings(**texts), {queue.name: "url" for queue in QUEUES}, facts)  # type: ignore[arg-type]
    outputs = deployment.outputs()
    assert max(map(len, outputs.values())) <= MAX_FACTS
    assert ("Functions2" in outputs) == (number == 200)
    assert Deployment.read(outputs) == deployment

"""What a command knows of an app's functions without its code."""

from tarry import App, Cancel, Concurrency, Context, TriggerCron, TriggerEvent
from tarry_backend.deploy.function_facts import FunctionFacts, TriggerFacts, facts_of, read_facts, write_facts

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

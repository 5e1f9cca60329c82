"""What a debounce may be: everything else is refused where the function is created, with the reason."""

from datetime import timedelta
from typing import Any

import pytest

from tarry import App, Context, Debounce, DurationError, ExpressionError, TriggerEvent, UsageError
from tarry_backend.deploy.function_facts import FunctionFacts, read_facts, write_facts
from tarry_backend.deploy.manifest import Manifest


async def handler(ctx: Context) -> None:
    pass


@pytest.mark.parametrize("period", ["1s", timedelta(days=6), 1_000])
def test_a_period_is_a_second_to_six_days(period: Any) -> None:
    assert Debounce(period, timeout=period).limits[0] == Debounce(period, timeout=period).limits[1]


@pytest.mark.parametrize("period", ["999ms", "0s", -5, "7d", "soon", None])
def test_another_period_or_timeout_is_refused(period: Any) -> None:
    with pytest.raises(DurationError, match="debounce: period"):
        Debounce(period)
    if period is not None:
        with pytest.raises(DurationError, match="debounce: timeout"):
            Debounce("1s", timeout=period)


def test_a_timeout_below_the_period_is_refused() -> None:
    with pytest.raises(UsageError, match=r"timeout='5s' is shorter than period='10s'"):
        Debounce("10s", timeout="5s")


@pytest.mark.parametrize("key", ["", " ", 7])
def test_a_key_is_an_expression(key: Any) -> None:
    with pytest.raises(UsageError, match="debounce: key is"):
        Debounce("10s", key=key)


def test_a_key_is_compiled_where_the_function_is_created() -> None:
    with pytest.raises(ExpressionError, match=r"'save' \(.*line \d+\): key of debounce: .*async"):
        App("shop").create_function(fn_id="save", trigger=TriggerEvent("typed"), debounce=Debounce("1s", "async.id"))


@pytest.mark.parametrize("given", ["10s", 10_000, True])
def test_something_else_is_refused(given: Any) -> None:
    with pytest.raises(UsageError, match=r"function 'save': debounce is .*; give a tarry.Debounce"):
        App("shop").create_function(fn_id="save", trigger=TriggerEvent("typed"), debounce=given)


def test_the_matcher_has_it_from_the_manifest_and_a_command_from_the_stacks_outputs() -> None:
    app = App("shop")
    given = Debounce(timedelta(seconds=10), key="event.data.doc", timeout="1m")
    app.create_function(fn_id="save", trigger=TriggerEvent("typed"), debounce=given)(handler)
    manifest = Manifest.parse(Manifest.of(app).text("shop:app"), "shop:app")
    for facts in (manifest.functions["save"], *read_facts(write_facts([FunctionFacts.of(app.functions["save"])]))):
        found = facts.flow.debounce
        assert found is not None
        assert (found.limits, found.key) == (given.limits, given.key)

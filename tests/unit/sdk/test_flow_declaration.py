"""What limits of starts may be: everything else is refused where the function is created, with the reason."""

from datetime import timedelta
from typing import Any

import pytest

from tarry import (
    App,
    Context,
    DurationError,
    ExpressionError,
    Priority,
    RateLimit,
    Singleton,
    Throttle,
    TriggerEvent,
    UsageError,
)
from tarry_backend.deploy.function_facts import FunctionFacts, read_facts, write_facts
from tarry_backend.deploy.manifest import Manifest


async def handler(ctx: Context) -> None:
    pass


def test_a_period_is_a_duration() -> None:
    assert [RateLimit(1, period).span for period in ("1m", timedelta(minutes=1), 60_000)] == [60_000] * 3


@pytest.mark.parametrize("limit", [0, -1, True, 1_001, "3", 1.5, None])
def test_a_limit_is_a_number_from_one_to_a_thousand(limit: Any) -> None:
    with pytest.raises(UsageError, match=r"rate_limit: limit is .*; give a whole number from 1 to 1,000"):
        RateLimit(limit, "1m")


@pytest.mark.parametrize("period", ["0s", "999ms", -5, "soon", "367d", None])
def test_a_period_is_a_second_to_366_days(period: Any) -> None:
    with pytest.raises(DurationError, match="rate_limit: period"):
        RateLimit(3, period)


@pytest.mark.parametrize("key", ["", " ", 7])
def test_a_key_is_an_expression(key: Any) -> None:
    with pytest.raises(UsageError, match="rate_limit: key is"):
        RateLimit(3, "1m", key=key)


def test_a_key_is_compiled_where_the_function_is_created() -> None:
    with pytest.raises(ExpressionError, match=r"'order' \(.*line \d+\): key of rate_limit: .*async"):
        App("shop").create_function(fn_id="order", rate_limit=RateLimit(3, "1m", key="async.data.n"))


def test_something_else_than_a_limit_is_refused() -> None:
    given: Any = 3
    with pytest.raises(UsageError, match=r"'order': rate_limit is 3; give a tarry.RateLimit"):
        App("shop").create_function(fn_id="order", rate_limit=given)


@pytest.mark.parametrize("mode", ["drop", None, "CANCEL"])
def test_a_mode_is_skip_or_cancel(mode: Any) -> None:
    with pytest.raises(UsageError, match=r"singleton: mode is .*; give 'skip' or 'cancel'"):
        Singleton(mode)


@pytest.mark.parametrize("given", [{"limit": 0}, {"burst": 0}, {"burst": 1_001}, {"period": "10ms"}, {"key": ""}])
def test_a_throttle_has_a_limit_a_period_and_a_burst(given: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"throttle: {next(iter(given))}"):
        Throttle(**{"limit": 3, "period": "1m", **given})


def test_flow_control_goes_through_json_into_manifest_and_facts() -> None:
    app = App("shop")
    pace, urgent = Throttle(3, "1m", burst=2), Priority("event.data.n")
    once = Singleton("skip", key="event.data.n")
    limit = RateLimit(3, timedelta(minutes=1), key="event.data.n")
    starts: dict[str, Any] = {"rate_limit": limit, "singleton": once, "throttle": pace}
    app.create_function(fn_id="order", trigger=TriggerEvent("placed"), concurrency=2, **starts)(handler)
    app.create_function(fn_id="ship", concurrency=2, priority=urgent)(handler)
    manifest = Manifest.parse(Manifest.of(app).text("shop:app"), "shop:app")
    facts, other = read_facts(write_facts(map(FunctionFacts.of, app.functions.values())))
    assert (other.flow.priority, manifest.functions["ship"].flow.priority) == (urgent, urgent)
    for found in (facts, manifest.functions["order"]):
        assert found.flow.rate_limit == RateLimit(3, 60_000, key="event.data.n")
        assert (found.flow.singleton, found.flow.throttle) == (once, pace)
        assert [each.limit for each in found.limits] == [2]

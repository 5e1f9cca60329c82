"""Of a page of waits, those that ask about the event alone have one answer; the others have each their own."""

from typing import Any

import pytest

from tarry import App, Context, TriggerEvent
from tarry_backend import matching
from tarry_backend.matching import residual_holds
from tarry_dev.cloud import Host
from tarry_dev.pytest_plugin import MakeHost


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The residuals that the matcher evaluates, as often as it does."""
    residuals: list[str] = []

    def noted(residual: str, *rest: Any) -> bool:
        residuals.append(residual)
        return residual_holds(residual, *rest)

    monkeypatch.setattr(matching, "residual_holds", noted)
    return residuals


def three_runs_that_wait(tarry: MakeHost, expression: str) -> Host:
    app = App("shop")

    @app.create_function(fn_id="ship", trigger=TriggerEvent(event="order/placed"))
    async def ship(ctx: Context) -> Any:
        event = await ctx.step.wait_for_event("wait", event="order/paid", if_exp=expression, timeout="1h")
        return event and event.data["sum"]

    host = tarry(app)
    for least in (100, 200, 300):
        host.send("order/placed", {"least": least})
    return host


def test_what_asks_about_the_event_alone_is_evaluated_once_for_all_waits(tarry: MakeHost, asked: list[str]) -> None:
    host = three_runs_that_wait(tarry, "async.data.sum > 100")
    host.send("order/paid", {"sum": 50})
    assert asked == ["(async.data.sum > 100)"]
    assert {run.status for run in host.runs()} == {"running"}
    host.send("order/paid", {"sum": 101})
    assert [run.output for run in host.runs()] == [101] * 3


def test_its_error_is_noted_on_every_wait(tarry: MakeHost, asked: list[str]) -> None:
    host = three_runs_that_wait(tarry, "async.data.sum > 100")
    host.send("order/paid", {"sum": "a lot"})
    assert len(asked) == 1
    assert all("could not be compared" in (run.steps["wait"].note or "") for run in host.runs())


def test_what_takes_a_value_from_the_trigger_has_an_answer_for_each_wait(tarry: MakeHost, asked: list[str]) -> None:
    host = three_runs_that_wait(tarry, "async.data.sum > event.data.least")
    host.send("order/paid", {"sum": 250})
    assert asked == ["(async.data.sum > b0)"] * 3
    host.send("order/paid", {"sum": 301})
    assert [run.output for run in host.runs()] == [250, 250, 301]

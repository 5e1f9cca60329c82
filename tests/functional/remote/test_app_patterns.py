"""What apps have beside steps, and what they meet that Tarry does not have: as someone moves an app over."""

from collections.abc import Iterator

import pytest

from tests.functional.remote.stage import Door, SdkApp, Shop, node_app, shop


@pytest.fixture(scope="module")
def app(door: Door) -> Iterator[SdkApp]:
    with node_app(door, 4, INNGEST_DEV=door.url, WITHOUT="nightly") as app:
        yield app


def test_a_function_has_several_triggers_and_sends_lists_of_events(shop_of: Shop) -> None:
    shop_of.send("one")
    shop_of.send("two", n=1)
    shop_of.send("two", n=2)
    runs = shop_of.host.runs(f"{shop_of.app.id}-both")
    assert [run.output for run in runs] == [{"sent": 2, "attempt": 0, "isRun": True}] * 2
    heard = sorted((event.data["by"], event.data["n"]) for event in shop_of.host.events("shop/heard"))
    assert heard == [("shop/one", 1), ("shop/one", 2), ("shop/two", 1), ("shop/two", 2)]


def test_a_wrapped_call_of_a_model_is_a_step(shop_of: Shop) -> None:
    """It uses what a middleware of the app injects."""
    shop_of.send("wraps")
    assert shop_of.result("wraps") == "hello!"
    assert list(shop_of.run("wraps").steps) == ["model"]


def test_a_group_of_steps_races(shop_of: Shop) -> None:
    shop_of.send("grouped")
    assert shop_of.result("grouped") in ("a", "b")
    assert shop_of.bodies("grouped") == {"a": 1, "b": 1}


def test_a_debounce_of_the_app_is_tarrys(shop_of: Shop) -> None:
    for n in (1, 2):
        shop_of.send("debounced", n=n)
    assert shop_of.host.runs(f"{shop_of.app.id}-debounced") == []
    shop_of.host.advance("2m")
    assert shop_of.result("debounced") == 2


def test_a_singleton_of_the_app_is_tarrys(shop_of: Shop) -> None:
    for n, k in ((1, "a"), (2, "a"), (3, "b")):
        shop_of.send("single", n=n, k=k)
    shop_of.host.advance("61m")
    assert [run.output for run in shop_of.host.runs(f"{shop_of.app.id}-single")] == [1, 3]


def test_the_idempotency_of_the_app_is_tarrys(shop_of: Shop) -> None:
    for n, order in ((1, "x"), (2, "x"), (3, "y")):
        shop_of.send("once", n=n, order=order)
    assert [run.output for run in shop_of.host.runs(f"{shop_of.app.id}-once")] == [1, 3]


def test_the_timeouts_of_the_app_are_tarrys(shop_of: Shop) -> None:
    shop_of.send("hurried")
    shop_of.host.advance("61m")
    assert shop_of.run("hurried").status == "cancelled"


def test_the_priority_of_the_app_is_tarrys(shop_of: Shop) -> None:
    assert "event.data.urgent" in str(shop_of.cloud.app.functions[f"{shop_of.app.id}-urgent"].flow.priority)
    for n in (1, 2):
        shop_of.send("urgent", n=n, urgent=n == 2)
    assert [run.output for run in shop_of.host.runs(f"{shop_of.app.id}-urgent")] == [1, 2]


def test_realtime_is_refused_where_it_is_used_and_the_log_says_so(
    shop_of: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    shop_of.send("published")
    assert shop_of.run("published").status == "failed"
    assert "404" in str(shop_of.run("published"))
    assert "Tarry does not have '/v1/realtime/publish'" in caplog.text


def test_a_deferred_function_is_refused_and_says_so(shop_of: Shop) -> None:
    shop_of.send("defers")
    assert shop_of.run("defers").status == "failed"
    assert "DeferAdd" in str(shop_of.run("defers"))


@pytest.mark.parametrize("adapter", ["edge", "next"])
def test_an_app_of_a_web_framework_runs_as_well(door: Door, adapter: str) -> None:
    """Adapters that take a ``Request``: Hono, Next.js, Bun, Cloudflare and others have this form."""
    with node_app(door, 4, INNGEST_DEV=door.url, ADAPTER=adapter) as app, shop(app) as opened:
        opened.send("invokes", box=1)
        assert opened.result("invokes") == {"packed": 2}

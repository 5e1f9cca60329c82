"""What events start: by name, by the beginning of a name, by an expression, and once whichever says so."""

import pytest

from tarry import App, Context, Event, TriggerEvent
from tarry_backend.telemetry import meter
from tarry_dev.cloud import Host


def add(app: App, *triggers: TriggerEvent) -> None:
    @app.create_function(fn_id="order", trigger=list(triggers))
    async def order(ctx: Context) -> str:
        return ctx.event.id


def started(host: Host) -> list[str]:
    assert host.dead_letters == []
    return [run.event.id for run in host.runs("order")]


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the Lambdas count."""
    names: list[str] = []
    monkeypatch.setattr(meter, "count", lambda name, by=1: names.extend([name] * by))
    return names


def test_an_event_that_satisfies_several_triggers_of_a_function_starts_it_once(
    app: App, host: Host, counted: list[str]
) -> None:
    add(
        app, TriggerEvent("placed"), TriggerEvent("pl*"), TriggerEvent("*"), TriggerEvent("placed", "event.data.n == 1")
    )
    host.send([Event("placed", {"n": 1}, id="a")])
    host.advance("1h")
    assert (started(host), counted.count("Started")) == (["a"], 1)


def test_one_trigger_that_holds_is_enough(app: App, host: Host) -> None:
    add(app, TriggerEvent("placed", "event.data.n == 1"), TriggerEvent("placed", "event.data.missing == 1"))
    host.send([Event("placed", {"n": 2}, id="neither")])
    host.send([Event("placed", {"n": 1}, id="first")])
    host.send([Event("placed", {"missing": 1}, id="second")])
    assert started(host) == ["first", "second"]


@pytest.mark.parametrize(
    ("data", "starts"),
    [
        ({"total": 100.01, "vip": True}, True),
        ({"total": 101, "vip": True}, True),
        ({"total": 100, "vip": True}, False),
        ({"total": "101", "vip": True}, False),
        ({"total": 101, "vip": False}, False),
        ({"total": 101, "vip": "true"}, False),
        ({"total": 101, "vip": 1}, False),
        ({"total": 101}, False),
        ({"Total": 101, "vip": True}, False),
        ({"order": {"total": 101, "vip": True}}, False),
        ({}, False),
    ],
)
def test_near_misses_of_an_expression_start_nothing(
    app: App, host: Host, data: dict[str, object], starts: bool
) -> None:
    add(app, TriggerEvent("placed", "event.data.total > 100 && event.data.vip == true"))
    host.send([Event("placed", data, id="a")])
    assert started(host) == (["a"] if starts else [])


def test_an_expression_that_fails_is_counted_and_one_that_is_false_is_not(
    app: App, host: Host, counted: list[str]
) -> None:
    add(app, TriggerEvent("placed", "event.data.total > 100"))
    for data in ({"total": 1}, {}, {"total": "1"}):
        host.send("placed", data)
    assert (started(host), counted.count("MatchErrors")) == ([], 2)


@pytest.mark.parametrize(
    ("name", "starts"),
    [
        ("shop/order.placed", True),
        ("shop/", True),
        ("shop", False),
        ("shopping/order", False),
        ("Shop/order", False),
        ("my/shop/order", False),
    ],
)
def test_a_star_means_all_that_begins_so(app: App, host: Host, name: str, starts: bool) -> None:
    add(app, TriggerEvent("shop/*"))
    host.send([Event(name, id="a")])
    assert started(host) == (["a"] if starts else [])


def test_a_star_alone_means_the_users_events_and_not_the_ends_of_runs(app: App, host: Host) -> None:
    add(app, TriggerEvent("*"))
    host.send([Event("placed", id="a"), Event("paid", id="b")])
    host.advance("1h")
    assert sorted(started(host)) == ["a", "b"]
    assert len(host.events("tarry/function.finished")) == 2


def test_what_begins_as_the_internal_events_do_is_started_by_them(app: App, host: Host) -> None:
    add(app, TriggerEvent("tarry/function.*", "event.data.function_id == 'other'"))

    @app.create_function(fn_id="other", trigger=TriggerEvent("placed"))
    async def other(ctx: Context) -> None:
        """Ends at once."""

    host.send("placed")
    assert [run.event.name for run in host.runs("order")] == ["tarry/function.finished"]

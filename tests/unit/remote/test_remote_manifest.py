"""What an app's sync brings: functions of Tarry, or a refusal with every reason."""

from typing import Any

import pytest

from tarry import Concurrency, TriggerCron, TriggerEvent
from tarry.batch import Batch
from tarry.debounce import Debounce
from tarry.flow import Priority, RateLimit, Singleton, Throttle
from tarry.function import Function
from tarry_backend.remote.handler import RemoteHandler
from tarry_backend.remote.manifest import AppManifest, SyncError, read_manifest

DAY = 86_400_000
HANDLER = RemoteHandler("shop", "http://x", lambda: None, is_go=False)


def described(fn_id: str = "shop-fn", **options: Any) -> dict[str, Any]:
    return {"id": fn_id, "name": "Fn", "triggers": [{"event": "a/b"}], "steps": {"step": {"runtime": {}}}, **options}


def read(*functions: dict[str, Any]) -> dict[str, Function]:
    manifest = read_manifest({"app_id": "shop", "functions": list(functions)}, "http://x", "js:v4")
    assert AppManifest.parse(manifest.text()) == manifest
    return manifest.tarry_functions("stack", HANDLER)


def one(**options: Any) -> Function:
    [function] = read(described(**options)).values()
    return function


def reasons(*functions: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(SyncError) as refused:
        read(*functions)
    return refused.value.reasons


def test_a_function_has_its_name_its_trigger_and_the_servers_number_of_retries() -> None:
    function = one()
    assert (function.id, function.name, function.app_id, function.retries.limit) == ("shop-fn", "Fn", "stack", 4)
    assert function.triggers == (TriggerEvent("a/b"),)
    assert function.dialect == "inngest"


def test_its_options_are_tarrys() -> None:
    function = one(
        triggers=[
            {"event": "a/*", "expression": "event.data.n > 1"},
            {"cron": "TZ=Europe/Berlin 0 9 * * 1", "jitter": "5m"},
        ],
        steps={"step": {"retries": {"attempts": 2}}},
        cancel=[{"event": "a/stop", "if": "async.data.id == event.data.id", "timeout": "2d"}],
        timeouts={"start": "1m", "finish": "1h"},
        idempotency="event.data.id",
        concurrency=[{"limit": 5}, {"limit": 2, "key": "event.data.customer", "scope": "env"}],
        rateLimit={"limit": 3, "period": "1h", "key": "event.data.customer"},
        debounce={"period": "10s", "timeout": "1m"},
    )
    assert function.triggers == (
        TriggerEvent("a/*", "event.data.n > 1"),
        TriggerCron("0 9 * * 1", "Europe/Berlin", 300_000),
    )
    assert function.retries.limit == 2
    [cancel] = function.cancels
    assert (cancel.event, cancel.if_exp, cancel.timeout) == ("a/stop", "async.data.id == event.data.id", 2 * DAY)
    assert (function.timeouts.start, function.timeouts.finish) == (60_000, 3_600_000)
    assert function.idempotency == "event.data.id"
    assert function.concurrency == (Concurrency(5), Concurrency(2, "event.data.customer", scope="app"))
    assert function.flow.rate_limit == RateLimit(3, 3_600_000, "event.data.customer")
    assert function.flow.debounce == Debounce(10_000, None, 60_000)


def test_a_batch_is_tarrys() -> None:
    given = {"maxSize": 10, "timeout": "5s", "key": "event.data.id", "if": "event.data.n > 1"}
    assert one(batchEvents=given).flow.batch_events == Batch(10, 5_000, "event.data.id", "event.data.n > 1")


def test_options_that_do_not_go_together_are_refused() -> None:
    [reason] = reasons(described(batchEvents={"maxSize": 2, "timeout": "1s"}, singleton={"mode": "skip"}))
    assert "do not go together" in reason


def test_a_priority_is_tarrys_and_needs_a_limit() -> None:
    given = {"run": "event.data.urgent ? 60 : 0"}
    assert one(priority=given, concurrency=1).flow.priority == Priority("event.data.urgent ? 60 : 0")
    [reason] = reasons(described(priority=given))
    assert "priority needs concurrency" in reason


def test_a_throttle_has_a_burst_of_one_unless_it_says_more() -> None:
    assert one(throttle={"limit": 5, "period": "1m"}).flow.throttle == Throttle(5, 60_000, 1)
    given = {"limit": 5, "period": "1m", "burst": 3, "key": "event.data.id"}
    assert one(throttle=given).flow.throttle == Throttle(5, 60_000, 3, "event.data.id")


def test_a_singleton_skips_unless_it_is_to_cancel() -> None:
    assert one(singleton={"key": "event.data.id"}).flow.singleton == Singleton("skip", "event.data.id")
    assert one(singleton={"mode": "cancel"}).flow.singleton == Singleton("cancel")


@pytest.mark.parametrize(
    ("given", "limits"),
    [
        (7, (Concurrency(7),)),
        ({"limit": 3}, (Concurrency(3),)),
        ({"limit": 0}, ()),
        ({"fn": [{"limit": 4}], "step": []}, (Concurrency(4),)),
        (None, ()),
    ],
)
def test_concurrency_comes_in_the_forms_of_each_sdk(given: Any, limits: tuple[Concurrency, ...]) -> None:
    assert one(concurrency=given).concurrency == limits


def test_inngests_own_events_have_tarrys_names() -> None:
    function = one(triggers=[{"event": "inngest/function.failed", "expression": "event.data.function_id == 'shop-fn'"}])
    assert function.event_triggers[0].event == "tarry/function.failed"


def test_gos_option_without_a_value_is_none() -> None:
    assert one(Singleton=None, throttle=None).id == "shop-fn"


def test_a_sync_is_refused_with_every_reason() -> None:
    found = reasons(
        described("shop-a", Priority={"run": "1"}),
        described("shop-b", triggers=[{"event": "a", "expression": "1 +"}]),
        described("shop-c", cancel=[{"event": f"a/{n}"} for n in range(6)]),
        described("shop-d", steps={"step": {"retries": {"attempts": 21}}}),
        described("shop-e", rateLimit={"limit": 0, "period": "1h"}),
        described("x" * 201),
        described("shop-f", triggers=[{"cron": "61 * * * *"}]),
        described("shop-g", timeouts={"finish": "soon"}),
        described("shop-h", triggers=7),
    )
    for fn in "abcdefgh":
        assert any(f"shop-{fn}" in each for each in found), fn
    assert any("priority" in each for each in found)


def test_a_function_that_is_there_twice_is_refused() -> None:
    assert reasons(described(), described()) == ("function 'shop-fn' is there twice",)


@pytest.mark.parametrize(
    "report", [None, [], {}, {"app_id": "x"}, {"app_id": "", "functions": []}, {"app_id": "x", "functions": [1]}]
)
def test_what_is_no_report_is_refused(report: Any) -> None:
    with pytest.raises(SyncError):
        read_manifest(report, "http://x", "")


@pytest.mark.parametrize("name", ["app_id", "appName", "appname"])
def test_an_app_names_itself_as_its_sdk_does(name: str) -> None:
    assert read_manifest({name: "shop", "functions": []}, "http://x", "py:v0").id == "shop"


@pytest.mark.parametrize(
    ("sdk", "is_go"), [("inngest-js:v4", False), ("py:v0", False), ("go:v0", True), ("inngest-go:v0", True)]
)
def test_gos_sdk_is_known(sdk: str, is_go: bool) -> None:
    assert read_manifest({"app_id": "a", "functions": []}, "http://x", sdk).is_go is is_go

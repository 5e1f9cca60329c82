"""Each run and each failure says which version of the code it had."""

from collections.abc import Iterator
from typing import Any

import pytest

from tarry import App, Context, StepError, TriggerEvent
from tarry_backend.api.documents import run_document, run_page
from tarry_backend.executor.attempt_report import ATTEMPTS
from tarry_backend.runtime import host as deploy
from tarry_backend.runtime import runtime
from tarry_dev.cli.runs import _runs_table
from tarry_dev.cli.screen import Screen
from tarry_dev.cli.sources import version_of
from tarry_dev.cli.timeline import timeline
from tarry_dev.cli.times import Calendar
from tarry_dev.cloud import Call, Cloud, Host


def shop() -> App:
    app = App("shop")

    @app.create_function(fn_id="order", trigger=TriggerEvent(event="placed"), retries=1, backoff=["1m"])
    async def order(ctx: Context) -> None:
        def charge() -> None:
            raise ConnectionError("no line")

        await ctx.step.wait_for_event("paid", event="paid", timeout="1d")
        try:
            await ctx.step.run("charge", charge)
        except StepError:
            raise ValueError("not charged") from None

    return app


@pytest.fixture
def host() -> Iterator[Host]:
    with Cloud(shop(), version="v1") as cloud:
        yield Host(cloud)


def redeploy(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setenv("TARRY_VERSION", version)
    deploy(shop())


def shown_text(what: Any) -> str:
    console = Screen(width=200)
    with console.capture() as capture:
        console.print(what)
    return capture.get()


def page(run_id: str) -> dict[str, Any]:
    snapshot = runtime().store.runs.load(run_id)
    assert snapshot is not None
    assert run_document(snapshot)["version"] == run_page(snapshot)["version"]
    return run_page(snapshot)


def test_a_run_has_the_version_with_which_it_began_and_each_failure_that_with_which_it_failed(
    host: Host, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    host.send("placed")
    run = host.run()
    assert run.version == "v1"
    redeploy(monkeypatch, "v2")
    host.send("paid")
    assert page(run.id)["steps"][1]["error"]["version"] == "v2"
    [record] = [record for record in caplog.records if record.name == ATTEMPTS]
    assert vars(record)["version"] == "v2"
    redeploy(monkeypatch, "v3")
    host.advance("70s")
    redeploy(monkeypatch, "v4")
    host.advance("10m")
    told = page(run.id)
    assert (told["status"], told["version"], told["error"]["version"]) == ("failed", "v1", "v4")
    assert told["steps"][1]["error"]["version"] == "v3"
    snapshot = runtime().store.runs.load(run.id)
    assert snapshot is not None
    shown = shown_text(timeline(snapshot, Calendar(host.cloud.clock.now())))
    assert "· version v1" in shown, "the run's"
    assert "with version v3" in shown, "the step's failure"
    assert "with version v4" in shown, "the run's failure"
    assert "v1" in shown_text(_runs_table([snapshot], Calendar(host.cloud.clock.now()), None))
    assert "v1" not in shown_text(_runs_table([snapshot], Calendar(host.cloud.clock.now()), 8))


def test_a_stack_whose_deploy_has_no_name_stores_none() -> None:
    with Cloud(shop()) as cloud:
        host = Host(cloud)
        host.send("placed")
        host.send("paid")
        told = page(host.run().id)
        assert told["version"] is None
        assert told["steps"][1]["error"]["version"] is None


def test_it_costs_no_request() -> None:
    def calls(**settings: Any) -> list[str]:
        seen: list[str] = []

        def note(call: Call) -> bool:
            seen.append(call.operation)
            return False

        with Cloud(shop(), **settings) as cloud, cloud.dies(note):
            Host(cloud).send("placed")
            Host(cloud).send("paid")
        return seen

    assert calls(version="v1") == calls()


def test_in_tarry_dev_it_is_a_digest_of_the_apps_file() -> None:
    assert len(version_of(f"{__name__}:app")) == 12
    assert version_of(f"{__name__}:app") != version_of("tests.functional.contract.diary:app")
    assert version_of("builtins:app") == version_of("no.such:app") == ""

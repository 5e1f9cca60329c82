"""A list of runs has each run once, whatever happens between its queries."""

import pytest

from tarry import App, Context, TriggerEvent
from tarry_backend.runtime import runtime
from tarry_backend.store.run_index import StartedRuns
from tarry_dev.cloud import Host


def test_a_run_that_ends_between_the_queries_of_two_statuses_is_listed_once(
    app: App, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    @app.create_function(fn_id="ship", trigger=TriggerEvent("placed"))
    async def ship(ctx: Context) -> str:
        return "shipped"

    host.send("placed")
    run, newest = host.run(), StartedRuns.newest

    def both(self: StartedRuns, *asked: object) -> object:
        return (start for each in newest(self, *asked) for start in (each, each))  # type: ignore[arg-type]

    monkeypatch.setattr(StartedRuns, "newest", both)
    assert [each.run.id for each in runtime().store.queries.newest_runs(["ship"])] == [run.id]

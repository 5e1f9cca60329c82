"""A list of runs has each run once, whatever happens between its queries."""

from collections.abc import Iterator
from typing import Any

import pytest

from tarry import App, Context, TriggerEvent
from tarry_backend.model.run import RunStatus
from tarry_backend.runtime import runtime
from tarry_backend.store.run_index import StartedRuns, _Entry
from tarry_dev.cloud import Host


def test_a_run_that_ends_between_the_queries_of_two_statuses_is_listed_once(
    app: App, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    @app.create_function(fn_id="ship", trigger=TriggerEvent("placed"))
    async def ship(ctx: Context) -> str:
        return "shipped"

    host.send("placed")
    run, shard = host.run(), StartedRuns._shard

    def both(self: StartedRuns, *asked: Any, **how: Any) -> Iterator[_Entry]:
        return (entry for each in shard(self, *asked, **how) for entry in (each, each))

    monkeypatch.setattr(StartedRuns, "_shard", both)
    queries = runtime().store.queries
    assert [each.run.id for each in queries.newest_runs(["ship"])] == [run.id]
    assert [run_id for (_, run_id), _ in queries.run_keys(["ship"], tuple(RunStatus), 10, None)] == [run.id]

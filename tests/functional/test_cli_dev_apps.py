"""``tarry dev`` with several apps: a process for each, one bus, one set of commands.

The tests share one ``tarry dev``. Each has an order of its own, and leaves no run behind that waits for a timer.
"""

import json
import signal
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.functional.serving import Dev, ask, document, eventually, succeed
from tests.functional.two_apps import both, outputs, runs_of, urls


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """Both apps, served in the folder in which this process stands meanwhile."""
    with pytest.MonkeyPatch.context() as patch, both(tmp_path_factory.mktemp("apps"), patch) as served:
        yield served
        assert served.stop() == 0
        assert "Traceback" not in served.output


def _rows(*command: str) -> list[list[Any]]:
    """The rows that a query prints; none if it fails, as before the first event."""
    try:
        rows = json.loads(succeed(*command))["rows"]
    except AssertionError:
        return []
    return [list(row.values()) if isinstance(row, dict) else row for row in rows]


def test_an_event_of_one_apps_step_wakes_a_wait_of_the_other(dev: Dev) -> None:
    succeed("send", "shop/ordered", '{"id": 1}', "--no-wait")
    assert eventually(lambda: outputs(2)) == {"shop": "tarry.billing 7", "billing": "billed"}

    # Each app has had each event once, with its source and id; lists have it once. Its own runs' ends stay with it.
    events = _events_of(1)
    sent = {each["name"]: each for each in events if not each["name"].startswith("tarry/")}
    assert {name: each["source"] for name, each in sent.items()} == {
        "shop/ordered": "tarry.shop",
        "billing/paid": "tarry.billing",
    }
    assert len(events) == 4
    for app in ("shop", "billing"):
        of_app = _events_of(1, "--app", app)
        assert sorted(each["id"] for each in of_app if each["source"] != f"tarry.{app}") == [
            each["id"] for each in sent.values() if each["source"] != f"tarry.{app}"
        ]
        assert len(of_app) == 3
    paid = f"name = 'billing/paid' and id = '{sent['billing/paid']['id']}'"
    query = ("events", "--sql", f"select count(*) from events where {paid}", "--json")
    eventually(lambda: _rows(*query) == [[1]], pause=0.2)  # the trail is written a moment later

    shown = succeed("runs")
    assert "shop: order" in shown
    assert "billing: bill" in shown
    assert {run["function"] for run in document("runs", "--app", "billing")["runs"]} == {"bill"}
    assert [run["function"] for run in runs_of(1, "--app", "billing")] == ["bill"]
    billed, ordered = (next(run["id"] for run in runs_of(1) if run["app"] == app) for app in ("billing", "shop"))
    assert "app billing" in succeed("run", billed[:8])
    assert document("run", billed)["app"] == "billing"

    receipt = document("event", sent["shop/ordered"]["id"])
    assert {each["function"] for each in receipt["started"]} == {"order", "bill"}
    lines = dev.output.splitlines()
    assert any(line.startswith("shop ") and ordered[:8] in line and "resumed by billing/paid" in line for line in lines)
    assert any(line.startswith("billing ") and billed[:8] in line and "finished" in line for line in lines)


def test_an_event_put_at_any_address_reaches_both_with_its_id_and_time(dev: Dev) -> None:
    entry = {"Source": "till", "DetailType": "till/closed", "Detail": "{}", "Time": "2026-01-05T12:00:00Z"}
    Path("till.jsonl").write_text(json.dumps(entry))
    succeed("send", "--file", "till.jsonl", "--no-wait")
    shop, billing = (eventually(partial(_closed, app)) for app in ("shop", "billing"))
    assert shop == billing
    assert shop is not None
    assert shop[::2] == ("till", "2026-01-05T12:00:00.000Z")

    _post(urls(Path.cwd())["billing"], "/events", {"name": "shop/ordered", "data": {"id": 2}})
    assert eventually(lambda: outputs(2, 2)) == {"shop": "tarry.billing 7", "billing": "billed"}

    billed = next(run["id"] for run in runs_of(2) if run["app"] == "billing")
    succeed("rerun", billed)  # the app that has the run starts it again
    assert eventually(lambda: outputs(3, 2))
    assert sorted(run["app"] for run in runs_of(2)) == ["billing", "billing", "shop"]


def test_what_is_of_one_app_asks_for_which(dev: Dev) -> None:
    for command in (["signal", "approval/1"], ["dlq", "ls"]):
        assert "--app" in ask(*command).stderr
        assert "--app" not in ask(*command, "--app", "billing").stderr
    assert "serves no app 'depot' now; it serves shop, billing" in ask("runs", "--app", "depot").stderr
    assert ask("runs", "--app", "shop", "--stack", "x").exit_code == 2

    succeed("send", "shop/ordered", '{"id": 3, "terms": "1h"}', "--no-wait")
    [waiting] = eventually(lambda: _waits_of(3))
    assert waiting["app"] == "shop"
    assert document("cancel", waiting["run"])["status"] == "cancelled"

    again = Dev("shop:app", Path.cwd(), wait=False)
    assert again.stop(signal.SIGCONT) == 1
    assert "a tarry dev already runs in this folder, app shop" in again.output


def test_time_moves_for_all_apps_in_step(dev: Dev) -> None:
    succeed("send", "shop/ordered", '{"id": 4, "terms": "1d"}', "--no-wait")
    eventually(lambda: _waits_of(4) and len(runs_of(4)) == 2)
    # billing pays after a day, and shop waits for two: were shop moved first, its wait would time out.
    assert "shop, billing: moved 3 d;" in succeed("advance", "3d")
    assert outputs(2, 4) == {"shop": "tarry.billing 7", "billing": "billed"}

    assert "there is no next timer in shop, billing" in ask("advance", "--next").stderr
    succeed("send", "shop/ordered", '{"id": 5, "terms": "1d"}', "--no-wait")
    eventually(lambda: _waits_of(5) and len(runs_of(5)) == 2)
    assert document("advance", "--next")["moved"] > 80_000_000  # billing's: shop's is a day later
    assert outputs(2, 5)


def _waits_of(order: int) -> list[dict[str, Any]]:
    runs = {run["id"] for run in runs_of(order)}
    return [wait for wait in document("waits")["waits"] if wait["run"] in runs]


def _events_of(order: int, *options: str) -> list[dict[str, Any]]:
    """The events about an order: it, its payment, and the ends of the runs that it started."""
    events: list[dict[str, Any]] = document("events", "--limit", "200", *options)["events"]
    return [each for each in events if order in (each["data"].get("id"), _cause(each).get("id"))]


def _cause(event: dict[str, Any]) -> dict[str, Any]:
    cause: dict[str, Any] = event["data"].get("event", {}).get("data", {})
    return cause


def _closed(app: str) -> tuple[str, str, str] | None:
    events = document("events", "till/closed", "--app", app)["events"]
    return next(((each["source"], each["id"], each["ts"]) for each in events), None)


def _post(url: str, path: str, body: object) -> None:
    with urllib.request.urlopen(f"{url}{path}", json.dumps(body).encode()) as answer:
        assert answer.status == 200

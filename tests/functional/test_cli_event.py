"""``tarry event``: against a ``tarry dev`` to which events have come that did something, and one that missed."""

import json
from collections.abc import Iterator

import pytest

from tests.functional.serving import Dev, ask, document, eventually, served

pytestmark = [pytest.mark.xdist_group("cli-event"), pytest.mark.usefixtures("dev")]

APP = """
import tarry

app = tarry.App("mine")


@app.create_function(
    fn_id="order", trigger=tarry.TriggerEvent(event="placed"), cancel=[tarry.Cancel(event="recalled", match="data.id")]
)
async def order(ctx: tarry.Context):
    await ctx.step.wait_for_event(
        "paid", event="paid", if_exp="async.data.id == event.data.id && async.data.sum > 99", timeout="1d"
    )
    await ctx.step.sleep("rest", "1d")


@app.create_function(
    fn_id="remind", trigger=tarry.TriggerEvent(event="forgotten"), rate_limit=tarry.RateLimit(1, "1h")
)
async def remind(ctx: tarry.Context):
    pass
"""


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    with served(tmp_path_factory.mktemp("served"), APP) as dev:
        for event_id in ("o-1", "o-2"):
            assert ask("send", "placed", json.dumps({"id": event_id}), "--id", event_id).exit_code == 0
        eventually(lambda: len(document("waits")["waits"]) == 2)
        ask("send", "paid", '{"id": "o-1", "sum": 100}', "--id", "p-1")
        ask("send", "paid", '{"id": "o-2", "sum": 1}', "--id", "p-2")
        ask("send", "recalled", '{"id": "o-2"}', "--id", "r-2")
        eventually(lambda: document("runs", "--status", "cancelled")["runs"])
        eventually(lambda: not document("waits")["waits"])
        yield dev


def page(*arguments: str) -> list[str]:
    """The words of each line that says what the event did or missed."""
    return [" ".join(line.split()) for line in ask("event", *arguments).stdout.splitlines()[4:]]


def run_of(event_id: str) -> str:
    [run] = [run["id"] for run in document("runs")["runs"] if run["event"]["id"] == event_id]
    return str(run)


def test_it_shows_the_run_that_the_event_started() -> None:
    shown = ask("event", "o-1").stdout
    assert shown.startswith("placed  event o-1\nreceived ")
    assert '{"id": "o-1"}' in shown
    assert page("o-1") == [f"started {run_of('o-1')[:8]} order now running"]


def test_it_shows_why_an_event_started_no_run() -> None:
    ask("send", "forgotten", "{}", "--id", "f-1")
    ask("send", "forgotten", "{}", "--id", "f-2")
    eventually(lambda: document("event", "f-2")["unstarted"])
    [row] = page("f-2")
    assert row.startswith(
        "started none remind rate_limit: as many events as it allows had started runs; there was room"
    )
    [unstarted] = document("event", "f-2")["unstarted"]
    assert (unstarted["function"], unstarted["reason"], unstarted["by"]) == ("remind", "rate_limit", None)
    assert unstarted["decided"] < unstarted["free"]


def test_it_shows_what_the_event_resumed_and_cancelled() -> None:
    assert page("p-1") == [f"resumed {run_of('o-1')[:8]} order, paid now running"]
    assert page("r-2") == [
        f"cancelled {run_of('o-2')[:8]} order, tarry/cancel.0 now cancelled",
        "1 more open wait does not match it: tarry event r-2 --all",
    ]
    assert page("r-2", "--all")[1:] == [
        f"not matched {run_of('o-1')[:8]} order, tarry/cancel.0 ✗ async.data.id == event.data.id: "
        "'o-2' (string) and 'o-1' (string)"
    ]


def test_it_shows_what_the_event_missed_and_why() -> None:
    assert page("p-2", "--name", "paid") == [
        f"missed {run_of('o-2')[:8]} order, paid the expression is false for it",
        "if async.data.id == event.data.id && async.data.sum > 99",
        "✓ async.data.id == event.data.id: 'o-2' (string) and 'o-2' (string)",
        "✗ async.data.sum > 99: 1 (int) and 99 (int)",
    ]


def test_the_document_has_all_of_it() -> None:
    found = document("event", "p-2")
    assert found["event"]["data"] == {"id": "o-2", "sum": 1}
    assert {key: value for key, value in found.items() if key not in ("event", "missed", "near")} == {
        "started": [],
        "unstarted": [],
        "resumed": [],
        "cancelled": [],
        "pending": [],
        "misses": 1,
        "whole": True,
    }
    conjuncts = found["missed"][0].pop("conjuncts")
    assert [(each["text"], each["holds"]) for each in conjuncts] == [
        ("async.data.id == event.data.id", True),
        ("async.data.sum > 99", False),
    ]
    assert found["missed"] == [
        {
            "run": run_of("o-2"),
            "function": "order",
            "step": "paid",
            "reason": "expression",
            "expression": "async.data.id == event.data.id && async.data.sum > 99",
            "apart": 0,
            "detail": "",
        }
    ]


def test_an_event_that_did_nothing_says_so() -> None:
    ask("send", "ping", "--id", "nothing")
    eventually(lambda: document("events", "ping")["events"])
    assert "it started no run, and no wait was near it" in ask("event", "nothing").stdout


def test_an_id_that_is_not_there_is_an_error_that_says_where_it_was_looked_for() -> None:
    result = ask("event", "p-3", "--name", "paid", "--since", "1h")
    assert result.exit_code == 1
    assert "no event paid in the last 1h has the id p-3" in result.stderr.replace("\n", " ")


def test_w27_an_id_that_names_two_events_is_asked_for_by_name_and_source() -> None:
    for name in ("ping", "pong"):
        ask("send", name, "--id", "twice")
        eventually(lambda name=name: document("events", name)["events"])  # type: ignore[misc]
    result = ask("event", "twice")
    assert result.exit_code == 1
    said = " ".join(result.stderr.split())
    assert "2 events have the id 'twice': ping from tarry.mine, pong from tarry.mine" in said
    assert "--name and --source" in said
    for chosen in (["--name", "pong"], ["--name", "pong", "--source", "tarry.mine"]):
        assert document("event", "twice", *chosen)["event"]["name"] == "pong"
    assert ask("event", "twice", "--name", "pong", "--source", "shop").exit_code == 1


def test_a_reserved_name_is_not_sent() -> None:
    result = ask("send", "tarry/run.cancel", '{"run_id": "x"}')
    assert (result.exit_code, "are Tarry's own" in " ".join(result.stderr.split())) == (1, True)


def test_a_span_that_is_none_is_refused() -> None:
    result = ask("event", "p-1", "--since", "soon")
    assert (result.exit_code, "soon" in result.stderr) == (1, True)


def test_the_page_of_an_event_and_the_console_are_named(dev: Dev) -> None:
    assert f"page {dev.url}/events/p-1?name=paid&source=tarry.mine\n" in ask("event", "p-1").stderr
    assert ask("console", "--no-browse").stdout == f"the console of mine: {dev.url}\n"

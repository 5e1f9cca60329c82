"""The commands that ask: against one ``tarry dev`` that all of these tests share."""

import json
import random
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.functional.serving import ask, eventually, served

APP = """
import tarry

app = tarry.App("mine")


def refuse(why: str) -> None:
    raise tarry.NonRetriableError(why)


@app.create_function(fn_id="waiter", trigger=tarry.TriggerEvent(event="app/begun"))
async def waiter(ctx: tarry.Context):
    await ctx.step.run("greet", lambda: {"hello": ctx.event.data["id"]})
    done = await ctx.step.wait_for_event("wait", event="app/done", match="data.id", timeout="2d")
    return done.data["result"] if done else None


@app.create_function(fn_id="sulker", trigger=tarry.TriggerEvent(event="app/sulked"))
async def sulker(ctx: tarry.Context):
    await ctx.step.run("refuse", refuse, "not today")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which tarry dev runs, with three runs: w-1 has finished, w-2 waits, s-1 has failed."""
    folder = tmp_path_factory.mktemp("served")
    with served(folder, APP):
        for name, number in [("app/begun", "w-1"), ("app/begun", "w-2"), ("app/sulked", "s-1")]:
            succeed("send", name, json.dumps({"id": number}), "--id", number)
            eventually(partial(has_begun, number))
        eventually(lambda: len(document("waits")["waits"]) == 2)
        succeed("send", "app/done", '{"id": "w-1", "result": [1, "two"]}', "--id", "d-1", "--user", '{"id": 7}')
        eventually(lambda: document("runs", "--status", "finished")["runs"])
        eventually(lambda: document("runs", "--status", "failed")["runs"])
        yield folder


@pytest.fixture(autouse=True)
def _in_a_folder_below(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """tarry dev is found from there, and whatever profile the person uses for AWS is left aside."""
    (folder / "below").mkdir(exist_ok=True)
    monkeypatch.chdir(folder / "below")
    monkeypatch.setenv("AWS_PROFILE", "of-another-account")
    monkeypatch.setenv("COLUMNS", "120")


def succeed(*arguments: str, stdin: str | None = None) -> str:
    result = ask(*arguments, stdin=stdin)
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


def document(*arguments: str) -> Any:
    return json.loads(succeed(*arguments, "--json"))


def has_begun(event_id: str) -> bool:
    return any(run["event"]["id"] == event_id for run in document("runs")["runs"])


def run_of(event_id: str) -> Any:
    return next(run for run in document("runs")["runs"] if run["event"]["id"] == event_id)


def test_runs_lists_the_newest_first_with_what_they_came_to() -> None:
    assert [run["event"]["id"] for run in document("runs")["runs"]] == ["s-1", "w-2", "w-1"]
    assert [run["event"]["id"] for run in document("runs", "--limit", "1")["runs"]] == ["s-1"]
    shown = succeed("runs")
    for text in ('[1, "two"]', "NonRetriableError: not today", "waits for app/done until "):
        assert text in shown


def test_runs_can_be_narrowed_to_a_function_and_a_status() -> None:
    narrowed = document("runs", "--function", "waiter", "--status", "running")["runs"]
    assert [run["event"]["id"] for run in narrowed] == ["w-2"]
    assert document("runs", "--function", "sulker", "--status", "running") == {"runs": []}
    assert succeed("runs", "--function", "sulker", "--status", "running").startswith("no runs")


def test_a_runs_document_has_the_keys_that_are_promised() -> None:
    run = run_of("w-2")
    assert list(run) == [
        "id",
        "function",
        "status",
        "started",
        "version",
        "due",
        "ended",
        "event",
        "output",
        "error",
        "cancelled",
        "open",
        "life",
        "rerun_of",
        "continues",
        "continued_as",
    ]
    assert (run["function"], run["status"], run["ended"], run["output"]) == ("waiter", "running", None, None)
    assert [(step["id"], step["kind"], step["status"]) for step in run["open"]] == [("wait", "wait", "waiting")]


def test_run_shows_the_time_line_of_the_one_whose_id_begins_so() -> None:
    run_id = run_of("w-1")["id"]
    shown = succeed("run", run_id[:10].lower())
    for text in (run_id, "app/begun", "greet", '{"hello": "w-1"}', "app/done came", "event d-1", "finished"):
        assert text in shown
    assert "if async.data.id == event.data.id" in shown


def test_runs_steps_are_in_its_document() -> None:
    run = document("run", run_of("w-1")["id"])
    greet, wait = run["steps"]
    assert (greet["id"], greet["output"], greet["wait"]) == ("greet", {"hello": "w-1"}, None)
    assert wait["wait"]["event"] == "app/done"
    assert wait["wait"]["expression"] == "async.data.id == event.data.id"
    assert wait["wait"]["resolved_by"]["id"] == "d-1"
    assert wait["wait"]["resolved_by"]["user"] == {"id": 7}
    assert (wait["wait"]["timed_out"], wait["wait"]["note"]) == (False, None)
    assert run["output"] == [1, "two"]


def test_a_failed_run_says_why_and_where() -> None:
    run = run_of("s-1")
    assert (run["error"]["name"], run["error"]["message"]) == ("NonRetriableError", "not today")
    shown = succeed("run", run["id"])
    assert "NonRetriableError: not today" in shown
    assert "in refuse" in shown


def test_waits_lists_what_is_open() -> None:
    (wait,) = document("waits")["waits"]
    assert (wait["run"], wait["function"], wait["step"]) == (run_of("w-2")["id"], "waiter", "wait")
    assert wait["deadline"] > wait["since"]
    shown = succeed("waits")
    assert "if async.data.id == event.data.id" in shown
    assert "1 d 23 h" in shown


def test_events_lists_what_came_of_one_name_or_of_all() -> None:
    events = document("events", "app/done")["events"]
    assert [(event["id"], event["data"], event["source"]) for event in events] == [
        ("d-1", {"id": "w-1", "result": [1, "two"]}, "tarry.mine")
    ]
    names = {event["name"] for event in document("events")["events"]}
    assert names >= {"app/begun", "app/sulked", "app/done", "tarry/function.failed"}
    assert [event["id"] for event in document("events", "app/begun", "--limit", "1")["events"]] == ["w-2"]
    assert succeed("events", "app/never", "--since", "2h") == "no events app/never in the last 2h\n"


def test_a_file_is_sent_line_by_line() -> None:
    lines = [{"name": "note/a", "data": {"n": 1}}, {"name": "note/a", "id": "n-2", "user": {"id": 1}}]
    text = "\n\n".join(json.dumps(line) for line in lines)
    ids = json.loads(succeed("send", "--file", "-", "--json", stdin=text))["ids"]
    assert len(ids) == 2
    assert ids[1] == "n-2"
    found = eventually(lambda: document("events", "note/a")["events"])
    assert found[0]["data"] == {"n": 1}


def test_of_a_file_with_wrong_lines_nothing_is_sent(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text('{"name": "note/b"}\n{"name": "note/b", "dta": {}}\nnonsense\n{"name": "note/b", "data": 1}\n')
    result = ask("send", "--file", str(file))
    assert result.exit_code == 1
    for text in (":2: an event has no field 'dta'", ":3: this is not JSON", ":4: data must be an object, not 1"):
        assert f"{file}{text}" in result.stderr
    assert document("events", "note/b") == {"events": []}


def test_a_file_of_the_demo_is_sent_too_and_time_that_is_to_pass_is_a_wrong_line(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    entry = {"Source": "crm", "DetailType": "note/crm", "Detail": {"n": 3}}
    file.write_text('{"name": "note/c"}\n' + json.dumps(entry) + "\n")
    assert succeed("send", "--no-wait", "--file", str(file)) == "sent 2 events\n"
    (found,) = eventually(lambda: document("events", "note/crm")["events"])
    [receipt] = json.loads(succeed("send", "--file", "-", "--json", stdin=json.dumps(entry)))["receipts"]
    assert receipt["event"]["source"] == "crm"
    assert (found["source"], found["data"]) == ("crm", {"n": 3})
    file.write_text('{"name": "note/c"}\n{"advance": "1h"}\n{"Source": "crm", "DetailType": "note/crm"}\n')
    result = ask("send", "--file", str(file))
    assert result.exit_code == 1
    assert f"{file}:2: only tarry demo and tests can let time pass; remove this line" in result.stderr
    assert f"{file}:3: Detail is missing" in result.stderr


def test_full_cuts_neither_ids_nor_values() -> None:
    succeed("send", "--no-wait", "note/long", json.dumps({"text": "x" * 300 + "end"}))
    eventually(lambda: document("events", "note/long")["events"])
    cut, whole = ("".join(succeed("events", "note/long", *more).split()) for more in ([], ["--full"]))
    assert ("xend" in cut, "xend" in whole) == (False, True)
    run = document("runs", "--limit", "1")["runs"][0]["id"]
    cut, whole = (succeed("runs", "--limit", "1", *more) for more in ([], ["--full"]))
    assert (run in cut, run in whole) == (False, True)
    succeed("run", run, "--full")


def test_an_event_too_large_for_the_table_comes_back_whole() -> None:
    text = random.Random(7).randbytes(400_000).hex()  # does not get small by compression
    succeed("send", "note/large", json.dumps({"text": text}))
    (event,) = eventually(lambda: document("events", "note/large")["events"])
    assert event["data"]["text"] == text


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["run", "XYZ"], 1, "no run has an id that begins with XYZ"),
        (["runs", "--function", "nobody"], 1, "there is no function 'nobody': the app has waiter, sulker"),
        (["events", "--since", "3q"], 1, "'3q' is not a duration"),
        (["send", "x" * 129], 1, "EventBridge allows at most 128"),
        (["send"], 2, "give either the NAME of an event or a --file"),
        (["send", "a", "--file", "b"], 2, "give either the NAME of an event or a --file"),
        (["send", "a", "{oops"], 2, "'{oops' is not JSON"),
        (["send", "a", "[1]"], 2, "'[1]' is not a JSON object"),
        (["send", "a", "--user", "7"], 2, "--user"),
        (["runs", "--status", "asleep"], 2, "asleep"),
        (["dance"], 2, "dance"),
    ],
)
def test_what_cannot_be_done_is_said_on_stderr(arguments: list[str], code: int, says: str) -> None:
    result = ask(*arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert says in " ".join(result.stderr.split())


def test_a_beginning_that_several_ids_share_is_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    result = ask("run", "")
    assert result.exit_code == 1
    assert "3 runs have an id that begins with" in result.stderr


def test_where_no_tarry_dev_runs_the_error_says_how_to_start_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = ask("runs")
    assert result.exit_code == 1
    assert f"no tarry dev runs in {tmp_path}" in result.stderr
    assert "tarry dev MODULE:app" in result.stderr


def test_a_tarry_dev_that_was_killed_is_told_from_one_that_runs(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    left = json.loads((folder / ".tarry/dev.json").read_text()) | {"url": "http://localhost:1"}
    (tmp_path / ".tarry").mkdir()
    (tmp_path / ".tarry/dev.json").write_text(json.dumps(left))
    assert "nothing answers at http://localhost:1" in ask("runs").stderr
    (tmp_path / ".tarry/dev.json").write_text("{")
    assert "dev.json is damaged" in ask("runs").stderr


@pytest.mark.parametrize(
    ("command", "also", "inside"),
    [
        (("runs",), (), ("runs",)),
        (("run", "RUN"), ("runs",), ()),
        (("run", "RUN"), (), ("steps",)),
        (("waits",), (), ("waits",)),
        (("events",), (), ("events",)),
        (("event", "d-1"), (), ()),
        (("functions",), (), ("functions",)),
        (("dlq", "ls"), (), ("queues",)),
    ],
    ids=str,
)
def test_the_help_of_a_command_names_each_field_that_json_has(
    command: tuple[str, ...], also: tuple[str, ...], inside: tuple[str, ...]
) -> None:
    written = document(*(run_of("w-1")["id"] if each == "RUN" else each for each in command))
    for each in inside:
        written = written[each][0]
    names = [*command[:1], *(each for each in command[1:] if each == "ls")]
    shown = set(re.findall(r"\w+", " ".join(succeed(*each, "--help") for each in (names, also) if each)))
    assert set(written) - shown == set()

"""What a stranger writes into names, ids, sources, errors and data reaches no terminal as a control character."""

import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tarry_dev.dead_letters import DeadLetters
from tests.functional.serving import Dev, ask, document, eventually, served, succeed

EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202egnp\u2066\x7f\u2028\r\nforged ✓\u200b"

APP = f"""
import tarry

EVIL = {EVIL!r}
app = tarry.App("mine")


@app.create_function(fn_id="waits", trigger=tarry.TriggerEvent(event="*"), retries=0)
async def waits(ctx: tarry.Context):
    if not ctx.event.name.startswith("begin"):
        return EVIL
    ctx.logger.warning(EVIL)
    await ctx.step.run("note " + EVIL, lambda: {{EVIL: [EVIL]}})
    expression = "async.data.a == 'x' ||\\n async.data.b == 'y'"
    waits = [
        ctx.step.wait_for_event("event " + EVIL, event="e" + EVIL, if_exp=expression, timeout="1d"),
        ctx.step.wait_for_signal("signal " + EVIL, signal=ctx.event.data.get("signal", ctx.run_id), timeout="1d"),
    ]
    await __import__("asyncio").gather(*waits)


@app.create_function(fn_id="fails", trigger=tarry.TriggerEvent(event="begin*"), retries=0)
async def fails(ctx: tarry.Context):
    raise type("Error" + EVIL, (Exception,), {{}})(EVIL)
"""


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    with served(tmp_path_factory.mktemp("served"), APP) as dev:
        yield dev


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Dev]:
    """One of its own, for a test that counts."""
    with served(tmp_path, APP) as dev:
        yield dev


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """moto sleeps where SQS asks all of its servers."""
    monkeypatch.setitem(DeadLetters.__init__.__kwdefaults__, "wait", 0)  # type: ignore[arg-type]


def client(service: Any, dev: Dev) -> Any:
    return boto3.Session("any", "any", region_name="us-east-1").client(service, endpoint_url=dev.url)


def controls(text: str) -> set[str]:
    """The characters that a terminal would obey, or not show."""
    return {each for each in text if each != "\n" and unicodedata.category(each) in ("Cc", "Cf", "Zl", "Zp", "Cs")}


def shown(*arguments: str, exit_code: int = 0) -> str:
    result = ask(*arguments)
    assert result.exit_code == exit_code, result.stderr
    text = result.stdout + result.stderr
    assert controls(text) == set(), arguments
    return text


def test_e11_control_characters_in_names_ids_sources_errors_and_data_are_signs_in_each_command(fresh: Dev) -> None:
    put = {"Source": "shop" + EVIL, "DetailType": "begin" + EVIL, "Detail": json.dumps({EVIL: EVIL})}
    bus = fresh.endpoint["settings"]["bus"]
    client("events", fresh).put_events(Entries=[{**put, "EventBusName": bus}])
    event_id = "id" + EVIL
    assert "sent begin␛]0;owned" in shown("send", "begin" + EVIL, json.dumps({"signal": "s" + EVIL}), "--id", event_id)
    eventually(lambda: len(document("waits")["waits"]) == 4)
    eventually(lambda: len(document("runs", "--status", "failed")["runs"]) == 2)
    run = next(run for run in document("runs")["runs"] if run["event"]["id"] == event_id and run["open"])
    for arguments in (
        ["runs"],
        ["run", run["id"]],
        *(["run", each["id"]] for each in document("runs", "--status", "failed")["runs"]),
        ["waits"],
        ["events"],
        ["event", event_id],
    ):
        assert "␛" in shown(*arguments)
        exact = succeed(*arguments, "--json")
        assert controls(exact) == set()
    assert run["event"]["data"] == {"signal": "s" + EVIL}
    assert run["event"]["name"] == "begin" + EVIL
    for arguments in (["run", "x" + EVIL], ["event", "x" + EVIL, "--name", "n" + EVIL], ["send", "n" + EVIL * 9]):
        shown(*arguments, exit_code=1)
    shown("signal", "s" + EVIL, json.dumps(EVIL), "--id", event_id)
    shown("signal", "t" + EVIL, exit_code=1)
    shown("cancel", run["id"])


def test_e11_a_dead_letter_is_shown_harmlessly_with_the_reason(dev: Dev) -> None:
    queue = client("sqs", dev)
    url = dev.endpoint["dead_letters"]["events"]
    deep = '{"detail-type": "n", "id": "i", "source": "s", "time": "2026-01-05T12:00:00Z", "detail": {"a": '
    bodies = [EVIL, deep + "[" * 486 + "]" * 486 + "}}", deep + "[" * 940 + "]" * 940 + "}}", "[" * 99_999]
    for body in bodies:
        queue.send_message(QueueUrl=url, MessageBody=body.replace("\x1b", "").replace("\x07", ""))
    text = shown("dlq", "ls", "--show", "9")
    letters = next(each for each in document("dlq", "ls", "--show", "9")["queues"] if each["name"] == "events")[
        "letters"
    ]
    assert sum("data is nested deeper than 200 levels" in each["refused"] for each in letters) >= 1
    assert sum("not JSON" in each["refused"] for each in letters) >= 2
    assert "is nested deeper than 200" in " ".join(text.split())
    succeed("dlq", "redrive")


@pytest.mark.parametrize("year", [33_715, 10**7, -5])
def test_e11_a_time_that_no_calendar_has_breaks_no_listing(dev: Dev, year: int) -> None:
    succeed("send", "begin/time", "{}", "--id", f"time {year}")
    run = eventually(
        lambda: [
            run for run in document("runs")["runs"] if run["event"]["id"] == f"time {year}" and len(run["open"]) == 2
        ]
    )[0]
    table = client("dynamodb", dev)
    due = str((year - 1970) * 31_556_952_000)
    key = {"pk": {"S": f"run#{run['id']}"}, "sk": {"S": "run"}}
    table.update_item(
        TableName=dev.endpoint["settings"]["table"],
        Key=key,
        UpdateExpression="SET #due = :due",
        ExpressionAttributeNames={"#due": "due"},
        ExpressionAttributeValues={":due": {"N": due}},
    )
    shown("runs", "--limit", "50")
    assert "begins at" in shown("run", run["id"])
    for arguments in (["runs", "--limit", "50"], ["run", run["id"]]):
        assert f'"due": "{year:+07d}-' in succeed(*arguments, "--json")


def test_e11_the_lines_of_tarry_dev_are_harmless_and_cannot_be_forged(tmp_path: Path) -> None:
    with served(tmp_path, APP) as dev:
        succeed("send", "begin" + EVIL, json.dumps({"a": EVIL}), "--id", "id" + EVIL)
        eventually(lambda: len(document("waits")["waits"]) == 2)
        client("sqs", dev).send_message(QueueUrl=dev.endpoint["settings"]["events_queue"], MessageBody="\u202e{")
        dev.stop()
        assert controls(dev.output) == set()
        assert "begin␛]0;owned" in dev.output
        # A log line's own breaks stay: those lines are the function's, which the user has written.
        forged = [line for line in dev.output.splitlines() if line.startswith("forged")]
        assert len(forged) <= dev.output.count("log: ")

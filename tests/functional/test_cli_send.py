"""``tarry send`` says what the event did; ``tarry dev`` shows failed attempts, and code that blocks, at once."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.serving import Dev, ask, document, eventually, served, succeed

pytestmark = [pytest.mark.xdist_group("cli-send"), pytest.mark.usefixtures("dev")]

APP = """
import asyncio
import time

import tarry

app = tarry.App("mine")


@app.create_function(
    fn_id="expense",
    trigger=tarry.TriggerEvent(event="expense/submitted", expression="event.data.total > 10"),
    cancel=[tarry.Cancel(event="expense/recalled", match="data.id")],
)
async def expense(ctx: tarry.Context):
    await ctx.step.wait_for_event(
        "approval",
        event="expense/approved",
        if_exp="async.data.id == event.data.id && async.data.by != ''",
        timeout="1d",
    )


def charge():
    raise ConnectionError("the bank is shut")


@app.create_function(fn_id="pay", trigger=tarry.TriggerEvent(event="pay"), retries=4, backoff=["1h"])
async def pay(ctx: tarry.Context):
    async with asyncio.TaskGroup() as both:
        both.create_task(ctx.step.run("charge", charge))
        both.create_task(ctx.step.run("pack", asyncio.sleep, 15))


@app.create_function(fn_id="odd", trigger=tarry.TriggerEvent(event="odd"), retries=2, backoff=["1h"])
async def odd(ctx: tarry.Context):
    {}["nothing"]


@app.create_function(fn_id="block", trigger=tarry.TriggerEvent(event="block"))
async def block(ctx: tarry.Context):
    time.sleep(1.6)
    ctx.logger.info("is through")
"""


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    with served(tmp_path_factory.mktemp("served"), APP) as dev:
        succeed("send", "expense/submitted", '{"id": 7, "total": 20}', "--id", "e-7")
        eventually(lambda: document("waits")["waits"])
        yield dev


def sent(*arguments: str) -> list[str]:
    """The words of each line."""
    return [" ".join(line.split()) for line in succeed("send", *arguments).splitlines()]


def short() -> str:
    return str(document("waits")["waits"][0]["run"][:8])


def test_it_says_that_the_event_has_started_a_run() -> None:
    first, second = sent("expense/submitted", '{"id": 8, "total": 11}', "--id", "e-8")
    assert first == "sent expense/submitted as e-8"
    assert second.startswith("started ")
    assert second.endswith(" expense now running")
    assert sent("expense/recalled", '{"id": 8}', "--id", "r-8")[1].startswith("cancelled ")


def test_it_says_why_an_event_has_done_nothing() -> None:
    assert sent("expense/approved", '{"id": "7", "by": "ada"}', "--id", "a-1")[1:] == [
        f"not matched {short()} expense, approval ✗ async.data.id == event.data.id: '7' (string) and 7 (int)",
        "✓ async.data.by != '': 'ada' (string) and '' (string)",
    ]
    assert sent("expense/recalled", '{"id": "7"}')[1:] == [
        f"not matched {short()} expense, tarry/cancel.0 ✗ async.data.id == event.data.id: '7' (string) and 7 (int)"
    ]
    assert sent("expense/submitted", '{"id": 9, "total": 5}')[1:] == [
        "not started expense ✗ event.data.total > 10: 5 (int) and 10 (int)"
    ]
    assert sent("expense/submitted", '{"id": 9}')[1:] == [
        "not started expense ? event.data.total > 10: event.data.total is missing"
    ]


def test_a_name_that_nothing_listens_to_is_said_with_the_name_that_was_meant() -> None:
    assert sent("expense/submited")[1:] == [
        "it started no run, and no wait was near it; nothing listens to expense/submited; did you mean "
        "expense/submitted?"
    ]
    assert "did you mean expense/approved?" in " ".join(sent("expense/aproved"))


def test_the_document_has_the_receipt() -> None:
    made = document("send", "expense/submited", "--id", "m-1")
    assert made["ids"] == ["m-1"]
    [receipt] = made["receipts"]
    assert (receipt["near"]["listened"], receipt["near"]["similar"]) == (False, ["expense/submitted"])
    assert document("send", "expense/submited", "--no-wait", "--id", "m-2") == {"ids": ["m-2"]}


def test_of_a_file_each_event_is_told_up_to_ten() -> None:
    lines = "\n".join(json.dumps({"name": "unheard", "id": f"f-{number}"}) for number in range(2))
    made = json.loads(succeed("send", "--file", "-", "--json", stdin=lines))
    assert [receipt["event"]["id"] for receipt in made["receipts"]] == made["ids"] == ["f-0", "f-1"]
    many = "\n".join(json.dumps({"name": "unheard"}) for _ in range(11))
    assert ask("send", "--file", "-", stdin=many).stdout == "sent 11 events\n"


def test_failed_attempts_and_blocked_loops_show_in_tarry_dev_at_once_and_in_tarry_run(tmp_path: Path) -> None:
    with served(tmp_path, APP) as own:
        succeed("send", "pay", "--no-wait")
        succeed("send", "odd", "--no-wait")
        succeed("send", "block", "--no-wait")
        run = eventually(lambda: [run for run in document("runs", "--function", "pay")["runs"] if run["open"]])[0]
        failed = "attempt 1 of 5 failed: ConnectionError: the bank is shut ("
        shown = eventually(lambda: shown if failed in (shown := " ".join(succeed("run", run["id"]).split())) else "")
        assert "mine.py line 25, in charge); attempt 2 at " in shown
        eventually(lambda: document("runs", "--function", "block", "--status", "finished")["runs"])
        notices = ["↻ charge: ", "↻ attempt 1 of 3 failed: ", " has blocked function 'block'", "log: is through"]
        output = eventually(lambda: own.output if all(each in own.output for each in notices) else "")
        assert document("runs", "--function", "pay")["runs"][0]["open"]  # the step beside has not ended
        own.stop(signal.SIGKILL)
    assert output.count("↻ charge: attempt 1 of 5 failed: ConnectionError: the bank is shut (mine.py line 25, in") == 1
    assert output.count("↻ attempt 1 of 3 failed: KeyError: 'nothing' (mine.py line 37, in odd); attempt 2 at ") == 1
    assert output.count("mine.py line 42, in block, has blocked function 'block', run ") == 1
    assert output.count("log: is through") == 1
    assert output.index("▶ started by pay") < output.index("↻ charge")

"""Cancelling runs and redriving dead letters, and all commands on a stack: the same on ``tarry dev`` and on AWS.

The AWS is that of a ``tarry dev``, on which CloudFormation is told of the stack's outputs.
"""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tarry_backend.deploy.outputs import Deployment
from tarry_backend.deploy.settings import Settings
from tarry_backend.queues.messages import Wake, encode
from tarry_dev.dead_letters import DeadLetters
from tests.functional.serving import ROOT, Dev, ask, document, eventually, served, succeed

REGION = "us-east-1"
STACK = "tarry-mine"

APP = """
import tarry

app = tarry.App("mine")


@app.create_function(fn_id="waiter", trigger=tarry.TriggerEvent(event="app/begun"))
async def waiter(ctx: tarry.Context):
    await ctx.step.wait_for_event("wait", event="app/done", match="data.id", timeout="2d")
    return "done"


@app.create_function(
    fn_id="fragile",
    trigger=tarry.TriggerEvent(event="app/fragile"),
    cancel=tarry.Cancel("app/broken", match="data.id"),
    timeouts=tarry.Timeouts(finish="9d"),
)
async def fragile(ctx: tarry.Context):
    await ctx.step.sleep("rest", "30d")


@app.create_function(fn_id="quick", trigger=tarry.TriggerEvent(event="app/quick"))
async def quick(ctx: tarry.Context):
    return "at once"
"""


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    with served(tmp_path_factory.mktemp("served"), APP) as dev:
        yield dev


def outputs(dev: Dev) -> dict[str, str]:
    told = dev.endpoint
    settings = Settings(**told["settings"])
    return Deployment(told["app"], tuple(told["functions"]), settings, told["dead_letters"]).outputs()


def deploy(dev: Dev, name: str, told: dict[str, str]) -> None:
    """Has CloudFormation know a stack of that name with these outputs."""
    template = {
        "Resources": {"Nothing": {"Type": "AWS::CloudFormation::WaitConditionHandle"}},
        "Outputs": {key: {"Value": value} for key, value in told.items()},
    }
    client("cloudformation", dev).create_stack(StackName=name, TemplateBody=json.dumps(template))


@pytest.fixture(scope="module")
def stack(dev: Dev) -> str:
    deploy(dev, STACK, outputs(dev))
    return STACK


def client(service: Any, dev: Dev) -> Any:
    return boto3.Session("any", "any", region_name=REGION).client(service, endpoint_url=dev.url)


@pytest.fixture
def aws(dev: Dev, stack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The person's own way to AWS, from a folder without a tarry dev."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", dev.url)
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """moto sleeps where SQS asks all of its servers."""
    monkeypatch.setitem(DeadLetters.__init__.__kwdefaults__, "wait", 0)  # type: ignore[arg-type]


@pytest.fixture(params=["tarry dev", "a stack"])
def somewhere(request: pytest.FixtureRequest, dev: Dev, monkeypatch: pytest.MonkeyPatch) -> str:
    """The commands find the app there, without being told at each call."""
    where: str = request.param
    if where == "a stack":
        request.getfixturevalue("aws")
        monkeypatch.setenv("TARRY_STACK", STACK)
    return where


def fails(*arguments: str) -> str:
    """What is said; on one line."""
    result = ask(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def started(event_id: str, name: str = "app/begun", status: str = "running") -> Any:
    """A run that this event starts, once it has that status, and waits if it is to run."""
    succeed("send", name, json.dumps({"id": event_id}), "--id", event_id)

    def found() -> Any:
        runs = document("runs", "--status", status)["runs"]
        return [run for run in runs if run["event"]["id"] == event_id and (run["open"] or status != "running")]

    return eventually(found)[0]


def test_a_run_is_sent_listed_shown_and_resumed(somewhere: str) -> None:
    run = started(f"r {somewhere}")
    assert run["id"] in {wait["run"] for wait in document("waits")["waits"]}
    assert document("run", run["id"])["steps"][0]["wait"]["event"] == "app/done"
    succeed("send", "app/done", json.dumps({"id": f"r {somewhere}"}))
    ended = eventually(
        lambda: [each for each in document("runs", "--status", "finished")["runs"] if each["id"] == run["id"]]
    )
    assert ended[0]["output"] == "done"
    names = {event["name"] for event in document("events")["events"]}
    assert names >= {"app/begun", "app/done"}
    assert document("events", "app/done")["events"][-1]["data"] == {"id": f"r {somewhere}"}


def test_a_run_is_cancelled_by_the_beginning_of_its_id(somewhere: str) -> None:
    run = started(f"c {somewhere}")
    assert succeed("cancel", run["id"][:12].lower()) == f"run {run['id']} of waiter is cancelled\n"
    assert document("cancel", run["id"]) == {"id": run["id"], "status": "cancelled"}
    assert run["id"] not in {wait["run"] for wait in document("waits")["waits"]}
    listed = document("runs", "--status", "cancelled")["runs"]
    assert run["id"] in {each["id"] for each in listed}
    shown = succeed("run", run["id"])
    assert "⊘" in shown
    assert "still open when its run ended" in shown
    assert eventually(
        lambda: [
            each
            for each in document("events", "tarry/function.cancelled")["events"]
            if each["data"]["run_id"] == run["id"]
        ]
    )


def test_a_run_that_has_ended_or_is_not_there_cannot_be_cancelled(somewhere: str) -> None:
    run = started(f"q {somewhere}", "app/quick", "finished")
    assert f"run {run['id']} of quick is already finished: there is nothing to cancel" in fails("cancel", run["id"])
    assert "no run has an id that begins with XYZ" in fails("cancel", "xyz")


def test_a_run_shows_what_may_cancel_it_and_what_has(somewhere: str) -> None:
    run = started(f"f {somewhere}", "app/fragile")
    shown = succeed("run", run["id"])
    assert "is cancelled by app/broken if async.data.id == event.data.id" in " ".join(shown.split())
    assert "if it has not ended" in shown
    assert run["id"] not in {wait["run"] for wait in document("waits")["waits"]}
    page = document("run", run["id"])
    assert {guard["kind"]: guard["status"] for guard in page["guards"]} == {"timeout": "sleeping", "cancel": "waiting"}
    assert [step["id"] for step in page["steps"]] == ["rest"]
    assert page["cancelled"] is None
    succeed("send", "app/broken", json.dumps({"id": f"f {somewhere}"}), "--id", f"b {somewhere}")
    ended = eventually(lambda: [each for each in document("runs")["runs"] if each["id"] == run["id"] and each["ended"]])
    assert ended[0]["cancelled"] == {
        "reason": "event",
        "by": {"name": "app/broken", "id": f"b {somewhere}", "source": "tarry.mine"},
    }
    assert f"by event app/broken b {somewhere}" in succeed("run", run["id"])


def test_the_runs_of_a_function_are_cancelled_by_their_start_and_their_event(somewhere: str) -> None:
    document("cancel", "--function", "waiter", "--yes")
    eventually(lambda: not document("runs", "--function", "waiter", "--status", "running")["runs"])
    runs = [started(f"{letter} many {somewhere}") for letter in "ab"]
    middle = runs[1]["started"]
    ids = [run["id"] for run in runs]
    many = ("cancel", "--function", "waiter")
    expression = f'event.data.id == "a many {somewhere}"'
    assert document(*many, "--dry-run") == {"function": "waiter", "runs": ids, "cancelled": 0}
    assert document(*many, "--dry-run", "--since", middle)["runs"] == ids[1:]
    assert document(*many, "--dry-run", "--until", "1h")["runs"] == []
    assert document(*many, "--dry-run", "--since", "1h", "--if", expression)["runs"] == ids[:1]
    assert document(*many, "--dry-run", "--if", "event.data.none == 1")["runs"] == []
    assert succeed(*many, "--dry-run") == "2 running runs of waiter would be cancelled\n"
    assert "there is no terminal to confirm it; give --yes" in fails(*many)
    assert "give --yes or --dry-run" in fails(*many, "--json")
    assert {run["status"] for run in document("runs", "--function", "waiter", "--limit", "2")["runs"]} == {"running"}
    assert document(*many, "--yes", "--if", expression) == {"function": "waiter", "runs": ids[:1], "cancelled": 1}
    eventually(lambda: document("run", ids[0])["cancelled"] == {"reason": "by hand", "by": None})
    assert document("run", ids[1])["status"] == "running"
    assert "1 running run of waiter will be cancelled" in succeed(*many, "--yes")
    eventually(lambda: document("run", ids[1])["status"] == "cancelled")
    assert succeed(*many, "--yes") == "0 running runs of waiter: there is nothing to cancel\n"


def test_many_runs_are_not_cancelled_by_mistake(somewhere: str) -> None:
    for wrong in (["cancel"], ["cancel", "X", "--function", "waiter"], ["cancel", "X", "--since", "1h"]):
        assert ask(*wrong).exit_code == 2
    assert "there is no function 'nobody'" in fails("cancel", "--function", "nobody", "--yes")
    assert "'soon' is not a time" in fails("cancel", "--function", "waiter", "--since", "soon")
    assert "is later than --until" in fails("cancel", "--function", "waiter", "--since", "1h", "--until", "2h")
    assert "expression" in fails("cancel", "--function", "waiter", "--if", "event.data.id ==", "--yes")


def begun(event_id: str) -> str:
    """An event as EventBridge puts it into the queue."""
    detail = {"v": 1, "id": event_id, "ts": 0, "data": {"id": event_id}}
    return json.dumps({"detail-type": "app/begun", "source": "tarry.mine", "detail": detail})


def bury(dev: Dev, queue: str, body: str, **fifo: str) -> None:
    client("sqs", dev).send_message(QueueUrl=dev.endpoint["dead_letters"][queue], MessageBody=body, **fifo)


def test_dead_letters_are_counted_shown_and_put_back(dev: Dev, somewhere: str) -> None:
    event_id = f"d {somewhere}"
    bury(dev, "events", begun(event_id))
    wakes = [encode(Wake("RUN1", due)) for due in (1, 2)]
    for wake in wakes:
        bury(dev, "runs", wake, MessageGroupId="RUN1", MessageDeduplicationId=f"{wake} {somewhere}")
    shown = succeed("dlq", "ls", "--show", "5")
    for text in ("app/begun", "wake", "RUN1"):
        assert text in shown
    for receives in (2, 3):  # looking hides nothing
        queues = {queue["name"]: queue for queue in document("dlq", "ls", "--show", "5")["queues"]}
        assert {name: queue["count"] for name, queue in queues.items()} == {"events": 1, "runs": 2, "timers": 0}
        [event] = queues["events"]["letters"]
        assert (event["kind"], event["event"], event["run"]) == ("event", "app/begun", None)
        assert (event["receives"], event["sent"][:2]) == (receives, "20")
        assert [(each["kind"], each["run"]) for each in queues["runs"]["letters"]] == [("wake", "RUN1")] * 2
        assert [each["body"]["due"] for each in queues["runs"]["letters"]] == [1, 2]
    assert document("dlq", "ls")["queues"][0]["letters"] == []

    assert succeed("dlq", "redrive", "runs") == "runs: 2 put back\n"
    result = ask("dlq", "redrive")
    assert result.stdout == "events: 1 put back\nruns: no dead letters\ntimers: no dead letters\n"
    assert "from when it came first" in result.stderr
    assert eventually(lambda: [run for run in document("runs")["runs"] if run["event"]["id"] == event_id])
    assert document("dlq", "redrive", "runs") == {"redriven": {"runs": 0}}


def test_a_letter_that_nobody_can_read_is_shown_all_the_same(dev: Dev, somewhere: str) -> None:
    bury(dev, "timers", "nonsense")
    [letter] = document("dlq", "ls", "--show", "1")["queues"][2]["letters"]
    assert (letter["kind"], letter["event"], letter["run"], letter["body"]) == ("unreadable", None, None, "nonsense")
    assert "nonsense" in succeed("dlq", "ls", "--show", "1")
    sqs, url = client("sqs", dev), dev.endpoint["dead_letters"]["timers"]
    [message] = sqs.receive_message(QueueUrl=url)["Messages"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


@pytest.mark.usefixtures("aws")
class TestOnAws:
    def test_the_stack_may_be_named_at_each_call(self, stack: str) -> None:
        assert "runs" in document("runs", "--stack", stack)

    def test_the_runs_of_a_function_that_is_gone_are_listed_by_its_id(self, dev: Dev, stack: str) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TARRY_STACK", stack)
            run = started("gone")
        deploy(dev, "tarry-newer", outputs(dev) | {"Functions": '["quick"]'})
        listed = document("runs", "--function", "waiter", "--stack", "tarry-newer")["runs"]
        assert run["id"] in {each["id"] for each in listed}
        assert "there is no function 'nobody': the app has quick" in fails(
            "runs", "--function", "nobody", "--stack", "tarry-newer"
        )

    def test_the_console_of_a_stack_is_served_until_it_is_ended(self, stack: str) -> None:
        with subprocess.Popen(
            [sys.executable, "-m", "tarry_dev.cli", "console", "--stack", stack, "--no-browse", "--read-only"],
            env=os.environ | {"PYTHONPATH": f"{ROOT}/sdk:{ROOT}/functions", "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            said, _, url = process.stdout.readline().strip().partition(": ")
            with urllib.request.build_opener(urllib.request.HTTPCookieProcessor()).open(url, timeout=60) as page:
                text = page.read().decode()
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
        assert said == f"the console of stack {stack}"
        assert f"stack {stack} · read-only" in text
        assert "token" not in page.url

    def test_a_stack_that_is_not_there(self) -> None:
        said = fails("runs", "--stack", "tarry-other")
        assert f"there is no stack 'tarry-other' in {REGION}" in said
        assert "AWS_REGION" in said

    def test_a_stack_that_is_none_of_tarrys(self, dev: Dev) -> None:
        deploy(dev, "shop-website", {"AppId": "shop"})
        said = fails("runs", "--stack", "shop-website")
        assert "this version of Tarry did not deploy stack 'shop-website': it has no output Functions, " in said

    def test_a_stack_without_an_audit_trail(self, stack: str) -> None:
        assert "has no audit trail" in fails("events", "--sql", "select 1", "--stack", stack)

    def test_no_region(self, stack: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("AWS_REGION")
        assert "set AWS_REGION" in fails("runs", "--stack", stack)

    def test_no_credentials(self, stack: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        said = fails("runs", "--stack", stack)
        assert "there are no usable AWS credentials" in said
        assert "AWS_PROFILE" in said

    def test_a_profile_that_is_not_there(self, stack: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_PROFILE", "nobody")
        assert "(nobody) could not be found: AWS_PROFILE names it" in fails("runs", "--stack", stack)

    def test_an_endpoint_at_which_nothing_answers(self, stack: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:1")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        assert "http://localhost:1" in fails("runs", "--stack", stack)

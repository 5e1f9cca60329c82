"""Each command on a stack says in one line what AWS refuses, and what to do: whichever call it is."""

import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)
from werkzeug.test import Client

from tarry_backend.deploy.function_facts import facts_of
from tarry_backend.deploy.outputs import Deployment
from tarry_dev.cloud import Cloud, Host
from tarry_dev.console import create_console
from tarry_dev.console.stack import stack_source
from tarry_dev.pytest_plugin import MakeHost
from tests.functional.console_site import make_app, text_of
from tests.functional.serving import ask

REST = time.sleep

Failure = Callable[[str, str], Exception]


def answer(code: str, message: str) -> Failure:
    return lambda service, operation: ClientError(
        {"Error": {"Code": code, "Message": message.replace("ACTION", f"{service}:{operation}")}}, operation
    )


FAILURES: dict[str, tuple[Failure, str]] = {
    "throttled": (answer("ThrottlingException", "Rate exceeded"), "throttl.*again"),
    "table throttled": (answer("ProvisionedThroughputExceededException", "exceeded"), "throttl.*again"),
    "denied": (
        answer("AccessDeniedException", "User: arn:x is not authorized to perform: ACTION on resource: r"),
        "denied.*not authorized to perform: ACTION.*get that permission",
    ),
    "denied without a word": (answer("AccessDenied", "Access Denied"), "denied OPERATION.*get that permission"),
    "expired": (answer("ExpiredTokenException", "The security token is expired"), "credentials.*expired.*sign in"),
    "skewed": (
        answer("InvalidSignatureException", "Signature expired: 20260105T1200Z is now earlier than 20260105T1300Z"),
        "clock",
    ),
    "early": (answer("RequestTimeTooSkewed", "The difference is too large"), "clock"),
    "region off": (answer("OptInRequired", "You are not subscribed to this service"), "AWS_REGION"),
    "gone": (answer("ResourceNotFoundException", "Requested resource not found"), "gone|does not exist|not found"),
    "broken": (answer("InternalServerError", "Internal error"), "AWS failed.*again"),
    "unreachable": (lambda *_: EndpointConnectionError(endpoint_url="https://x"), "AWS_REGION.*AWS_ENDPOINT_URL"),
    "no connection": (lambda *_: ConnectTimeoutError(endpoint_url="https://x"), "network"),
    "no answer": (lambda *_: ReadTimeoutError(endpoint_url="https://x"), "network|again"),
    "cut off": (lambda *_: ConnectionClosedError(endpoint_url="https://x"), "network|again"),
    "certificate": (
        lambda *_: SSLError(endpoint_url="https://x", error=Exception("self-signed")),
        "certificate|AWS_CA_BUNDLE",
    ),
}

FEW = ("table throttled", "denied", "no answer")
"""The kinds that each command meets at each of its calls. A few commands meet all."""

ALL_KINDS = ("runs", "send", "pause", "console")

COMMANDS: dict[str, list[str]] = {
    "send": ["send", "order/paid", "{}", "--no-wait"],
    "send and wait": ["send", "order/paid", "{}"],
    "send --file": ["send", "--file", "FILE", "--no-wait"],
    "signal": ["signal", "nobody", "{}"],
    "runs": ["runs"],
    "runs --json": ["runs", "--json"],
    "run": ["run", "RUN"],
    "cancel": ["cancel", "RUN"],
    "cancel many": ["cancel", "--function", "order", "--yes"],
    "retry": ["retry", "FAILED"],
    "retry many": ["retry", "--function", "order", "--yes"],
    "rerun many": ["rerun", "--function", "order", "--yes"],
    "rerun": ["rerun", "RUN"],
    "functions": ["functions"],
    "pause": ["pause", "order"],
    "resume": ["resume", "order"],
    "drain": ["drain", "order"],
    "limit": ["limit", "order", "3"],
    "check": ["check", "mine:app"],
    "waits": ["waits"],
    "events": ["events"],
    "events --sql": ["events", "--sql", "select 1"],
    "event": ["event", "EVENT"],
    "dlq ls": ["dlq", "ls"],
    "dlq redrive": ["dlq", "redrive", "events"],
    "apps": ["apps"],
    "console": ["console", "--no-browse"],
}


@dataclass
class Person:
    """Who types the commands. AWS answers with a failure where the test says so."""

    cloud: Cloud
    call: Any
    fails_at: tuple[str, str] | None = None
    failure: Failure | None = None
    calls: dict[tuple[str, str], None] = field(default_factory=dict)
    hit: bool = False
    is_delivering: bool = False

    def asks(self, client: Any, operation: str, parameters: Any) -> Any:
        service = client.meta.service_model.signing_name
        if not self.is_delivering:
            self.calls[service, operation] = None
            if (service, operation) == self.fails_at and self.failure is not None:
                self.hit = True
                raise self.failure(service, operation)
        return self.call(client, operation, parameters)

    def waits(self, seconds: float) -> None:
        """While a command waits, the Lambdas work. A thread that an earlier test has left behind just rests."""
        if threading.current_thread() is not threading.main_thread():
            REST(seconds)
            return
        self.is_delivering = True
        try:
            self.cloud.pump()
        finally:
            self.is_delivering = False


@pytest.fixture
def host(tarry_host: MakeHost, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Host:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    host = tarry_host(make_app())
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("TARRY_STACK", "tarry-shop")
    host.send("order/placed", {"id": 1, "total": 5})
    host.send("order/placed", {"id": 2, "total": 1_000})
    cloud = host.cloud
    dead = {name: queue.dead_url for name, queue in cloud.queues.items()}
    deployment = Deployment(cloud.app.id, tuple(cloud.app.functions), cloud.settings, dead, facts_of(cloud.app))
    told = {"SignalsFunction": cloud.functions["signals"].function_name, "AuditWorkgroup": "w", "AuditDatabase": "d"}
    outputs = {name: {"Value": value} for name, value in {**deployment.outputs(), **told}.items()}
    template = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}, "Outputs": outputs}
    cloud.clients.session.client("cloudformation").create_stack(
        StackName="tarry-shop", TemplateBody=json.dumps(template)
    )
    return host


@pytest.fixture
def person(host: Host, monkeypatch: pytest.MonkeyPatch) -> Person:
    person = Person(host.cloud, BaseClient._make_api_call)  # type: ignore[attr-defined]
    monkeypatch.setattr(BaseClient, "_make_api_call", lambda *given: person.asks(*given))
    monkeypatch.setattr("time.sleep", person.waits)
    monkeypatch.setattr("tarry_dev.cli.send._PATIENCE", 0.0)
    monkeypatch.setattr("tarry_dev.cli.send._EFFECT", 0.0)
    monkeypatch.setattr("tarry_dev.cli.send._START", 0.0)
    return person


def typed(command: str, host: Host, tmp_path: Path) -> list[str]:
    running, failed = sorted(host.runs(), key=lambda run: run.status != "running")
    (tmp_path / "mine.py").write_text("from tests.functional.console_site import make_app\napp = make_app()\n")
    file = tmp_path / "events.jsonl"
    file.write_text('{"name": "a"}\n{"Source": "s", "DetailType": "b", "Detail": {}}\n')
    values = {"RUN": running.id, "FAILED": failed.id, "EVENT": running.event.id, "FILE": str(file)}
    return [values.get(word, word) for word in COMMANDS[command]]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_says_in_one_line_what_aws_refuses_and_what_to_do(
    command: str, host: Host, person: Person, tmp_path: Path
) -> None:
    words = typed(command, host, tmp_path)
    person.calls.clear()
    if command != "console":
        ask(*words)
    else:
        person.calls["cloudformation", "DescribeStacks"] = None
    calls, wrong = list(person.calls), []
    assert ("cloudformation", "DescribeStacks") in calls
    for called in calls:
        if command == "signal" and called[0] == "dynamodb":
            continue  # that is the signals Lambda, in this process
        if called == ("cloudformation", "DescribeStacks") and command not in ALL_KINDS:
            continue  # it is the same call for each command
        for kind, (failure, says) in FAILURES.items():
            if kind not in FEW and command not in ALL_KINDS:
                continue
            person.fails_at, person.failure, person.hit = called, failure, False
            try:
                done = ask(*words)
            except Exception as error:
                wrong.append((called, kind, f"{type(error).__name__}: {error}"))
                continue
            if not person.hit:
                continue
            *notes, said = done.stderr.splitlines() or [""]
            pattern = says.replace("ACTION", ":".join(called)).replace("OPERATION", called[1])
            one_line = said.startswith("error: ") and all(note.startswith("note: ") for note in notes)
            if done.exit_code != 1 or not one_line or re.search(pattern, said, re.IGNORECASE) is None:
                wrong.append((called, kind, f"exit code {done.exit_code}: {said[:250]!r}"))
    assert not wrong, "\n".join(map(str, wrong))


PAGES = ["/runs", "/runs/RUN", "/runs/RUN/rerun", "/functions", "/waits", "/events", "/dead-letters"]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_says_what_aws_refuses_and_what_to_do(path: str, host: Host, person: Person) -> None:
    client = Client(create_console(stack_source("tarry-shop")))
    run = next(run for run in host.runs() if run.status == "running")
    path = path.replace("RUN", run.id)
    person.calls.clear()
    assert client.get(path, base_url="http://localhost").status_code == 200
    calls, wrong = list(person.calls), []
    for called in calls:
        for kind, (failure, says) in FAILURES.items():
            if kind not in FEW and path != "/runs":
                continue
            person.fails_at, person.failure, person.hit = called, failure, False
            page = client.get(path, base_url="http://localhost")
            pattern = says.replace("ACTION", ":".join(called)).replace("OPERATION", called[1])
            pattern = f"your role lacks {':'.join(called)}" if kind == "denied" else pattern
            if person.hit and re.search(pattern, text_of(page), re.IGNORECASE) is None:
                wrong.append((called, kind, page.status_code, text_of(page)[:200]))
    assert calls
    assert not wrong, "\n".join(map(str, wrong))

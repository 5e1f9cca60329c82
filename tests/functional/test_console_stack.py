"""The console of a deployed stack: found by its name, asked by index alone, and by the role's own permissions."""

import json
from collections import Counter
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from werkzeug.test import Client

from tarry.errors import UsageError
from tarry_backend.deploy.function_facts import facts_of
from tarry_backend.deploy.outputs import Deployment
from tarry_dev.cloud import Cloud
from tarry_dev.cloud.host import Host
from tarry_dev.console import create_console
from tarry_dev.console.permissions import Permissions, missing_permission
from tarry_dev.console.stack import stack_source
from tarry_dev.console.stack_log import StackLog
from tarry_dev.console.visit import path_of
from tarry_dev.pytest_plugin import MakeHost
from tests.functional.console_site import Site, make_app, text_of
from tests.functional.contract.wire import Ask, Json, Tamper, tamper


@pytest.fixture(autouse=True)
def _session_of_this_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.setenv("AWS_REGION", "us-east-1")


@pytest.fixture
def host(tarry_host: MakeHost) -> Host:
    host = tarry_host(make_app())
    deploy(host.cloud)
    return host


def deploy(cloud: Cloud) -> None:
    """A stack whose outputs lead to the cloud's resources."""
    dead = {name: queue.dead_url for name, queue in cloud.queues.items()}
    deployment = Deployment(cloud.app.id, tuple(cloud.app.functions), cloud.settings, dead, facts_of(cloud.app))
    signals = {"SignalsFunction": cloud.functions["signals"].function_name}
    outputs = {name: {"Value": value} for name, value in {**deployment.outputs(), **signals}.items()}
    template = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}, "Outputs": outputs}
    boto3.client("cloudformation").create_stack(StackName="tarry-shop", TemplateBody=json.dumps(template))


@pytest.fixture
def site(host: Host) -> Site:
    source = stack_source("tarry-shop")
    return Site(host, Client(create_console(source)), source)


def test_a_stack_that_is_none_of_tarrys_is_named(host: Host) -> None:
    with pytest.raises(UsageError, match="there is no stack 'tarry-other'"):
        stack_source("tarry-other")


def test_the_pages_of_a_stack_show_its_runs_waits_events_and_functions(site: Site) -> None:
    site.host.send("order/placed", {"id": 7, "total": 100})
    run = site.host.run("order").id
    assert f"order {run[:8]}" in site.page("/runs")
    assert "Waits for order/paid where data.id = 7" in site.page(f"/runs/{run}")
    assert "order/paid" in site.page("/waits")
    assert "starts with order/placed" in site.page("/functions")
    assert '{"id": 7, "total": 100}' in site.page("/events?name=order/placed")
    assert "This stack has no audit trail" in site.page("/sql")
    assert "events none runs none timers none" in site.page("/dead-letters")
    assert site.get("/clock").status_code == 404
    assert "stack tarry-shop" in site.get("/runs").text


def test_a_run_of_a_stack_is_cancelled_and_its_event_is_sent(site: Site) -> None:
    for number in (7, 8):
        site.host.send("order/placed", {"id": number, "total": 1})
    first, second = (run.id for run in site.host.runs())
    site.post(f"/runs/{first}/cancel", f"/runs/{first}")
    site.post(
        "/send", path_of("send", run=second, step="wait-for-payment"), name="order/paid", data='{"id":8,"amount":1}'
    )
    site.host.cloud.pump()
    assert [run.status for run in site.host.runs()] == ["cancelled", "finished"]


COSTS: dict[str, dict[str, int]] = {
    # A function has four keys in the index of runs, over four shards each. A request reads 100 runs. The steps of each
    # run that runs, and that the page shows, are one query.
    "/runs": {"Query": 2 * 4 * 4 + 5, "BatchGetItem": 1},
    "/runs?function=order": {"Query": 4 * 4 + 5, "BatchGetItem": 1},
    "/runs?status=failed": {"Query": 2 * 4 * 4 + 2 * 4, "BatchGetItem": 1},
    # The run with its steps, and its place at the function's limit.
    "/runs/{run}": {"Query": 1, "GetItem": 1},
    # Four shards of what is due, and the run of each wait.
    "/waits": {"Query": 4 + 5},
    # One more for the line of runs that a function's limit holds back, its gate, and its control.
    "/functions": {"Query": 2 * 4 * 4 + 1, "BatchGetItem": 1, "GetItem": 2},
    # The log of the name by days, and the names of open waits for the list of names.
    "/events?name=order/placed": {"Query": 2 + 4 + 5, "GetItem": 1},
    "/dead-letters": {},
    "/sql": {},
}
"""What each page of a stack with two functions, and five runs that wait, asks DynamoDB."""


@pytest.mark.parametrize("page", COSTS)
def test_a_page_of_a_stack_reads_indexes_and_keys_and_never_scans(
    site: Site, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        site.host.send("order/placed", {"id": number, "total": 1})
    address = page.format(run=site.host.run("order").id)
    wire = wire_from_now_on(monkeypatch)
    site.page(address)
    assert dict(wire) == COSTS[page]


def wire_from_now_on(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the requests of this process to DynamoDB, by their operations. Each takes several times as long then."""
    counted: Counter[str] = Counter()

    def counter(operation: str) -> Tamper:
        def count(body: Json, ask: Ask) -> Json:
            counted[operation] += 1
            return ask(body)

        return count

    for operation in ("Query", "GetItem", "BatchGetItem", "Scan"):
        tamper(monkeypatch, [f"DynamoDB.{operation}"], counter(operation))
    return counted


class _Iam:
    """IAM that denies one action."""

    def __init__(self, arn: str, denied: str) -> None:
        self._arn, self._denied = arn, denied
        self.asked: list[Any] = []

    def client(self, service: str) -> Any:
        return self

    def get_caller_identity(self) -> dict[str, str]:
        return {"Arn": self._arn}

    def get_role(self, RoleName: str) -> Any:  # noqa: N803 - IAM's name
        return {"Role": {"Arn": f"arn:aws:iam::1:role/path/{RoleName}"}}

    def simulate_principal_policy(self, **asked: Any) -> Any:
        self.asked.append(asked)
        decided = [
            {"EvalActionName": each, "EvalDecision": "implicitDeny" if each == self._denied else "allowed"}
            for each in asked["ActionNames"]
        ]
        return {"EvaluationResults": decided}


def test_iam_says_what_the_role_of_a_session_may_do() -> None:
    iam: Any = _Iam("arn:aws:sts::1:assumed-role/ops/ada", "events:PutEvents")
    permissions = Permissions(iam, {"arn:bus": ["events:PutEvents"], "arn:queue": ["sqs:SendMessage"]})
    assert permissions.permitted("sqs:SendMessage") is None
    permissions.ask().join(10)
    assert permissions.permitted("sqs:SendMessage") is True
    assert permissions.permitted("events:PutEvents") is False
    assert {each["PolicySourceArn"] for each in iam.asked} == {"arn:aws:iam::1:role/path/ops"}


def test_the_root_of_an_account_is_not_asked_for() -> None:
    iam: Any = _Iam("arn:aws:iam::1:root", "")
    permissions = Permissions(iam, {"arn:bus": ["events:PutEvents"]})
    permissions.ask().join(10)
    assert (permissions.permitted("events:PutEvents"), iam.asked) == (None, [])


def test_a_refusal_of_aws_names_the_permission_and_disables_what_needs_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = "User: arn:aws:sts::1:assumed-role/ops/ada is not authorized to perform: sqs:SendMessage on resource: x"
    error = ClientError({"Error": {"Code": "AccessDenied", "Message": refusal}}, "SendMessage")
    assert missing_permission(error) == "sqs:SendMessage"
    site.host.send("order/placed", {"id": 7, "total": 1})
    run = site.host.run("order").id

    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(type(site.source.lookups), "cancel", refuse)
    answer = site.post(f"/runs/{run}/cancel", f"/runs/{run}")
    assert answer.status_code == 403
    assert "your role lacks sqs:SendMessage" in text_of(answer)
    assert "your role lacks sqs:SendMessage" in site.page(f"/runs/{run}")


class _Logs:
    """CloudFormation and CloudWatch Logs of a stack with an executor."""

    region_name = "eu-west-1"

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self.asked: Any = None

    def client(self, service: str) -> Any:
        return self

    def get_paginator(self, operation: str) -> Any:
        self._operation = operation
        return self

    def paginate(self, **asked: Any) -> Any:
        if self._operation == "list_stack_resources":
            kinds = (("AWS::Logs::LogGroup", "MatcherLog1"), ("AWS::Logs::LogGroup", "ExecutorLog2"))
            rows = [
                {"ResourceType": kind, "LogicalResourceId": name, "PhysicalResourceId": f"/g/{name}"}
                for kind, name in kinds
            ]
            return [{"StackResourceSummaries": rows}]
        self.asked = asked
        return [{"events": [{"timestamp": place, "message": line} for place, line in enumerate(self._lines)]}]


def test_the_lines_of_a_run_are_read_from_the_executors_log() -> None:
    line = {"level": "WARNING", "message": "the stock is low", "location": "order:12", "run_id": "R"}
    failed = {"level": "ERROR", "message": "no", "exception_name": "ValueError", "exception": "Trace\nValueError: x"}
    session: Any = _Logs([json.dumps(line), json.dumps(failed), "plain"])
    log = StackLog(session, "tarry-shop")
    lines = log.read("R", 5, 9)
    assert [(each.level, each.text, each.place) for each in lines] == [
        ("WARNING", "the stock is low", "order:12"),
        ("ERROR", "no: ValueError: x", ""),
        ("INFO", "plain", ""),
    ]
    assert session.asked["logGroupName"] == "/g/ExecutorLog2"
    assert session.asked["filterPattern"] == '{ $.run_id = "R" }'
    link = log.link("R")
    assert link is not None
    assert link.startswith("https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:")


@pytest.mark.parametrize(
    ("region", "console"),
    [
        ("cn-north-1", "cn-north-1.console.amazonaws.cn"),
        ("us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
    ],
)
def test_a_partition_with_a_console_of_its_own_is_linked_there(region: str, console: str) -> None:
    session: Any = _Logs([])
    session.region_name = region
    link = StackLog(session, "tarry-shop").link("R")
    assert link is not None
    assert link.startswith(f"https://{console}/cloudwatch/home?region={region}#logsV2:")

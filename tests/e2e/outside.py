"""A deployed stack as anybody sees it who has an AWS account and none of Tarry's code: by boto3."""

import json
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session

from tests.e2e.cloud import Cloud

T = TypeVar("T")

_PATIENCE = 120.0
"""In seconds. A real cloud starts Lambdas cold, and a new account has ten of them at a time."""

TEST_PART, TEST_RULE = "-test-", "test-"
"""How the names of the tests' own queues go on after the stack's name, and how those of their rules begin."""

_PROBE = "tests/probe"


@dataclass(frozen=True)
class Step:
    """A step as the table has it. Times are Unix milliseconds."""

    key: str
    status: str
    began: int
    ended: int | None
    deadline: int | None
    output: Any


@dataclass(frozen=True)
class Run:
    """A run as the table has it."""

    id: str
    status: str
    started: int
    ended: int | None
    event: dict[str, Any]
    output: Any
    error: Any
    steps: dict[str, Step]


class Stack:
    """What a stack's outputs lead to."""

    def __init__(self, cloud: Cloud, name: str) -> None:
        self.name = name
        self._cloud = cloud
        described = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        self.outputs: dict[str, str] = {each["OutputKey"]: each["OutputValue"] for each in described["Outputs"]}
        self._table = self.client("dynamodb")
        self._events = self.client("events")

    def client(self, service: str) -> Any:
        """A boto3 client."""
        return self._cloud.client(service)

    def resources(self, kind: str) -> list[str]:
        """The resources of that CloudFormation type."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=self.name)
        found = [each for page in pages for each in page["StackResourceSummaries"]]
        return [str(each["PhysicalResourceId"]) for each in found if each["ResourceType"] == kind]

    def resource(self, kind: str, part: str = "") -> str:
        """The one resource of that CloudFormation type whose name has this part."""
        [name] = [each for each in self.resources(kind) if part in each]
        return name

    def ask(self, method: str, path: str, *, signed: bool = True) -> tuple[int, Any]:
        """The status and the JSON with which the stack's HTTP API answers: signed as any HTTP client would."""
        request = AWSRequest(method, self._cloud.function_url(self.outputs["ApiUrl"], path))
        credentials = self._cloud.session.get_credentials()
        if signed and credentials is not None:
            SigV4Auth(credentials.get_frozen_credentials(), "lambda", self._cloud.region).add_auth(request)
        answer = URLLib3Session(verify=self._cloud.certificate or True).send(request.prepare())  # type: ignore[arg-type]
        return answer.status_code, json.loads(answer.content)

    def put(self, name: str, *datas: dict[str, Any], source: str = "tests") -> None:
        """Puts events of one name on the bus."""
        entries = [
            {"EventBusName": self.outputs["Bus"], "Source": source, "DetailType": name, "Detail": json.dumps(data)}
            for data in datas
        ]
        for start in range(0, len(entries), 10):
            answer = self._events.put_events(Entries=entries[start : start + 10])
            assert answer["FailedEntryCount"] == 0, answer

    def runs(self, function: str, *statuses: str) -> list[Run]:
        """A function's runs, with their steps, of these statuses or of all."""
        return [
            self._load(key) for key, status in self._statuses(function, *statuses) if status in (statuses or (status,))
        ]

    def count(self, function: str, status: str) -> int:
        """How many runs of a function are of this status."""
        return sum(found == status for _, found in self._statuses(function, status))

    def _statuses(self, function: str, *statuses: str) -> list[tuple[str, str]]:
        """The keys of a function's runs under the index's keys for these statuses, each with the run's own status."""
        paginator, table = self._table.get_paginator("query"), self.outputs["Table"]
        pages = (
            page
            for key in _keys(function, *statuses)
            for page in paginator.paginate(
                TableName=table,
                IndexName="runs",
                KeyConditionExpression="fn_status = :key",
                ExpressionAttributeValues={":key": {"S": key}},
            )
        )
        ids = dict.fromkeys(
            item["pk"]["S"] for page in pages for item in page["Items"]
        )  # one that moves is there twice
        keys = [{"pk": {"S": each}, "sk": {"S": "run"}} for each in ids]
        found = []
        for at in range(0, len(keys), 100):
            asked = {table: {"Keys": keys[at : at + 100], "ConsistentRead": True}}
            found += self._table.batch_get_item(RequestItems=asked)["Responses"][table]
        return [(item["pk"]["S"], item["status"]["S"]) for item in found]

    def open_waits(self, event: str) -> int:
        """How many waits an event of that name could resume."""
        pages = self._table.get_paginator("scan").paginate(
            TableName=self.outputs["Table"],
            IndexName="waits",
            Select="COUNT",
            FilterExpression="begins_with(match_key, :event) AND NOT contains(match_key, :ended)",
            ExpressionAttributeValues={":event": {"S": f"{event}#"}, ":ended": {"S": "#ended"}},
        )
        return sum(page["Count"] for page in pages)

    def run_of(self, function: str, **data: Any) -> Run | None:
        """The run that an event with such data started."""
        return next((run for run in self.runs(function) if data.items() <= run.event["data"].items()), None)

    def ended(self, function: str, **data: Any) -> Run:
        """The run that an event with such data started, when it has ended."""
        return eventually(lambda: _if(self.run_of(function, **data), lambda run: run.status != "running"))

    def waiting(self, function: str, step: str, **data: Any) -> Run:
        """The run that an event with such data started, when it waits at that step."""
        return eventually(
            lambda: _if(
                self.run_of(function, **data), lambda run: step in run.steps and run.steps[step].status == "waiting"
            )
        )

    def listen(self, name: str) -> Callable[[str], dict[str, Any] | None]:
        """Has events of a name come to a queue of the test's own; gives what takes from there the one about a run.

        A new rule takes effect in its own time. So it also lets probes pass, and one has to come through.
        """
        sqs = self.client("sqs")
        label = name.replace("/", "-").replace(".", "-")
        queue = sqs.create_queue(QueueName=f"{self.name}{TEST_PART}{label}")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
        place = {"EventBusName": self.outputs["Bus"]}
        pattern = json.dumps({"detail-type": [name, _PROBE]})
        self._events.put_rule(Name=f"{TEST_RULE}{label}", EventPattern=pattern, **place)
        self._events.put_targets(Rule=f"{TEST_RULE}{label}", Targets=[{"Id": "queue", "Arn": arn}], **place)
        eventually(lambda: self._probed(sqs, queue))

        def take(run_id: str) -> dict[str, Any] | None:
            taken = [event for event in self._taken(sqs, queue) if event["detail-type"] == name]
            return next((event for event in taken if run_id in json.dumps(event["detail"])), None)

        return take

    def _probed(self, sqs: Any, queue: str) -> bool:
        self.put(_PROBE, {})
        return bool(self._taken(sqs, queue))

    def _taken(self, sqs: Any, queue: str) -> list[dict[str, Any]]:
        messages = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in messages]

    def _load(self, key: str) -> Run:
        items = self._table.query(
            TableName=self.outputs["Table"],
            ConsistentRead=True,
            KeyConditionExpression="pk = :key",
            ExpressionAttributeValues={":key": {"S": key}},
        )["Items"]
        steps = {
            step.key: step
            for item in items
            if item["sk"]["S"].startswith("step#")
            for step in [
                Step(
                    item["sk"]["S"].removeprefix("step#"),
                    item["status"]["S"],
                    int(item["began"]["N"]),
                    _number(item, "ended"),
                    _number(item, "deadline"),
                    _value(item, "output"),
                )
            ]
        }
        run = next(item for item in items if item["sk"]["S"] == "run")
        return Run(
            key.removeprefix("run#"),
            run["status"]["S"],
            int(run["started"]["N"]),
            _number(run, "ended"),
            _value(run, "event"),
            _value(run, "output"),
            _value(run, "error"),
            steps,
        )


def eventually(get: Callable[[], T | None], patience: float = _PATIENCE, pause: float = 0.1) -> T:
    """The first value that is true: the cloud does its work in its own time."""
    end = time.monotonic() + patience
    while not (value := get()):
        assert time.monotonic() < end, f"it did not happen in {patience:.0f} s"
        time.sleep(pause)
    return value


def _if(value: T | None, holds: Callable[[T], bool]) -> T | None:
    return value if value is not None and holds(value) else None


def _number(item: dict[str, Any], name: str) -> int | None:
    return int(item[name]["N"]) if name in item else None


def _value(item: dict[str, Any], name: str) -> Any:
    """JSON, behind a ``j``, or compressed behind a ``z``; none of the tests has values that go to the bucket."""
    if name not in item:
        return None
    packed: bytes = item[name]["B"]
    form, body = packed[:1], packed[1:]
    assert form in (b"j", b"z"), form
    return json.loads(zlib.decompress(body) if form == b"z" else body)


def _keys(function: str, *statuses: str) -> list[str]:
    """The keys of the runs index for these statuses, or for all, in four shards. Finished runs stay where they ran."""
    groups = {"running" if status == "finished" else status for status in statuses}
    return [
        f"{function}#{group}#{shard}" for group in groups or ("running", "failed", "cancelled") for shard in range(4)
    ]

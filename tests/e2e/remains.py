"""The end of a stack that the scenarios made: it is removed, and what still is there is listed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tests.e2e.deployment import TAG
from tests.e2e.outside import TEST_PART, TEST_RULE

if TYPE_CHECKING:
    from tests.e2e.cloud import Cloud

__all__ = [
    "BOOTSTRAP",
    "Remainder",
    "Resource",
    "Standing",
    "describe",
    "inventory",
    "remains",
    "remove",
    "standing_of",
]

BOOTSTRAP = "CDKToolkit"
"""The stack that ``cdk bootstrap`` makes, once for an account and region."""

_TRIES = 4
"""Firehose may still write a file while the stack is being deleted, and CloudFormation deletes no bucket with files."""

_PATIENCE, _PAUSE = 1_800.0, 5.0

Resource = tuple[str, str]
"""A resource's CloudFormation type, and its physical name."""

Description = dict[str, Any]


class Standing(StrEnum):
    """What a stack of that name is to the scenarios."""

    ABSENT = "absent"
    OURS = "ours"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Remainder:
    """A thing that is still there, and the command that deletes it."""

    what: str
    command: str


def describe(cloud: Cloud, name: str) -> Description | None:
    """CloudFormation's description of a stack; ``None`` if there is none."""
    try:
        found: Description = cloud.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        return None
    return None if found["StackStatus"] == "DELETE_COMPLETE" else found


def standing_of(description: Description | None, name: str) -> Standing:
    """Whether a stack is absent, made by the scenarios (its tag says so), or somebody else's."""
    if description is None:
        return Standing.ABSENT
    tags = {each["Key"]: each["Value"] for each in description.get("Tags", [])}
    return Standing.OURS if tags.get(TAG) == name else Standing.FOREIGN


def inventory(cloud: Cloud, name: str) -> list[Resource]:
    """What is in the stack."""
    pages = cloud.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=name)
    found = [each for page in pages for each in page["StackResourceSummaries"]]
    return [(each["ResourceType"], each["PhysicalResourceId"]) for each in found if each.get("PhysicalResourceId")]


def remove(cloud: Cloud, name: str, resources: list[Resource]) -> None:
    """Delete the stack, with the files in its buckets, and what the scenarios made beside it.

    A rule that the scenarios put on the bus keeps CloudFormation from deleting the bus. So it goes first.
    """
    for bus in _of("AWS::Events::EventBus", resources):
        _remove_rules(cloud.client("events"), bus)
    for queue in _test_queues(cloud, name):
        cloud.client("sqs").delete_queue(QueueUrl=queue)
    for _ in range(_TRIES):
        for bucket in _of("AWS::S3::Bucket", resources):
            _empty(cloud, bucket)
        cloud.client("cloudformation").delete_stack(StackName=name)
        if _is_gone(cloud, name):
            break
    for group in _log_groups(cloud, resources):  # a Lambda that ends last may write its line last
        cloud.client("logs").delete_log_group(logGroupName=group)


def remains(cloud: Cloud, name: str, resources: list[Resource]) -> list[Remainder]:
    """What of the stack, or beside it, is still there."""
    return [
        *([Remainder(f"stack {name}", _command(name))] if describe(cloud, name) else []),
        *_tables(cloud, resources),
        *_buckets(cloud, resources),
        *(
            Remainder(f"log group {group}", f"aws logs delete-log-group --log-group-name {group}")
            for group in _log_groups(cloud, resources)
        ),
        *(Remainder(f"queue {url}", f"aws sqs delete-queue --queue-url {url}") for url in _test_queues(cloud, name)),
    ]


def _command(name: str) -> str:
    return f"aws cloudformation delete-stack --stack-name {name}"


def _of(kind: str, resources: list[Resource]) -> list[str]:
    return [name for each, name in resources if each == kind]


def _remove_rules(events: Any, bus: str) -> None:
    with suppress(events.exceptions.ResourceNotFoundException):
        for rule in events.list_rules(EventBusName=bus, NamePrefix=TEST_RULE)["Rules"]:
            targets = events.list_targets_by_rule(Rule=rule["Name"], EventBusName=bus)["Targets"]
            if ids := [each["Id"] for each in targets]:
                events.remove_targets(Rule=rule["Name"], EventBusName=bus, Ids=ids)
            events.delete_rule(Name=rule["Name"], EventBusName=bus)


def _test_queues(cloud: Cloud, name: str) -> list[str]:
    return list(cloud.client("sqs").list_queues(QueueNamePrefix=f"{name}{TEST_PART}").get("QueueUrls", []))


def _empty(cloud: Cloud, bucket: str) -> None:
    s3 = cloud.client("s3")
    with suppress(s3.exceptions.NoSuchBucket):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            if keys := [{"Key": each["Key"]} for each in page.get("Contents", [])]:
                s3.delete_objects(Bucket=bucket, Delete={"Objects": keys})


def _is_gone(cloud: Cloud, name: str) -> bool:
    """Waits until the stack is deleted, or until CloudFormation gives up."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        found = describe(cloud, name)
        if found is None:
            return True
        if found["StackStatus"].endswith("_FAILED"):
            return False
        time.sleep(0.2 if cloud.is_emulated else _PAUSE)
    return False


def _tables(cloud: Cloud, resources: list[Resource]) -> Iterator[Remainder]:
    dynamodb = cloud.client("dynamodb")
    for name in _of("AWS::DynamoDB::Table", resources):
        if _is_there(partial(dynamodb.describe_table, TableName=name)):
            yield Remainder(
                f"table {name}",
                f"aws dynamodb update-table --table-name {name} --no-deletion-protection-enabled; "
                f"aws dynamodb delete-table --table-name {name}",
            )


def _buckets(cloud: Cloud, resources: list[Resource]) -> Iterator[Remainder]:
    s3 = cloud.client("s3")
    for name in _of("AWS::S3::Bucket", resources):
        if _is_there(partial(s3.head_bucket, Bucket=name)):
            yield Remainder(f"bucket {name}", f"aws s3 rb --force s3://{name}")


def _log_groups(cloud: Cloud, resources: list[Resource]) -> Iterator[str]:
    """Those of the stack, and those that Lambda makes by itself where a function has none."""
    names = _of("AWS::Logs::LogGroup", resources)
    names += [f"/aws/lambda/{function}" for function in _of("AWS::Lambda::Function", resources)]
    logs = cloud.client("logs")
    for name in names:
        found = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        if name in [each["logGroupName"] for each in found]:
            yield name


def _is_there(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except ClientError as error:
        if error.response["Error"]["Code"] in {"ResourceNotFoundException", "NoSuchBucket", "404"}:
            return False
        raise
    return True

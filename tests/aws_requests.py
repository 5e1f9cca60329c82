"""What IAM is asked about each AWS call of a Lambda: the action, the resource, and what conditions look at.

No emulator asks IAM. So a test has to compare the calls with the grants.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from tarry_dev.cloud import crash

__all__ = ["AwsRequest", "Bystander", "requests_of", "table_requests"]

TABLE = "tarry"
"""The name of the embedded cloud's table and bucket."""

_TOP_LEVEL = re.compile(r"(?<![.\w])#\w+")
"""A placeholder of an attribute's name in an expression, but not of a member inside of an attribute."""

_SERVICES = {
    "sqs": {
        "SendMessage": "SendMessage",
        "SendMessageBatch": "SendMessage",
        "DeleteMessage": "DeleteMessage",
        "DeleteMessageBatch": "DeleteMessage",
        "ChangeMessageVisibility": "ChangeMessageVisibility",
    },
    "s3": {each: each for each in ("GetObject", "PutObject", "DeleteObject")} | {"ListObjectsV2": "ListBucket"},
    "events": {"PutEvents": "PutEvents"},
    "firehose": {"PutRecord": "PutRecord"},
    "secretsmanager": {"GetSecretValue": "GetSecretValue"},
    "lambda": {"Invoke": "InvokeFunction"},
    "kms": {each: each for each in ("GenerateDataKey", "Decrypt", "Encrypt")},
}
"""IAM's action for each operation, where that is not DynamoDB's."""


@dataclass(frozen=True)
class AwsRequest:
    """What IAM decides on: one call may be several of them.

    Attributes:
        function: The Lambda that calls, by its entry point.
        action: Such as ``dynamodb:PutItem``.
        resource: ``table``, ``table/index/NAME``, ``queue/NAME``, ``bucket``, ``bucket/NAME``, ``bus``, or the name
            that the call gives.
        keys: The partition keys (``dynamodb:LeadingKeys``).
        attributes: The attributes' names (``dynamodb:Attributes``): of items, keys, and expressions.
        prefix: That of a list of objects (``s3:prefix``).
    """

    function: str
    action: str
    resource: str
    keys: tuple[str, ...] = ()
    attributes: frozenset[str] = frozenset()
    prefix: str | None = None

    def __str__(self) -> str:
        keys = f" of {', '.join(sorted(set(self.keys)))}" if self.keys else ""
        prefix = f" under {self.prefix}" if self.prefix is not None else ""
        attributes = f" with the attributes {', '.join(sorted(self.attributes))}" if self.attributes else ""
        return f"{self.action} on {self.resource}{keys}{prefix}{attributes}"


class Client(Protocol):
    """A boto3 client."""

    @property
    def meta(self) -> Any:
        """What it is a client of."""


class Bystander:
    """The surroundings of a Lambda that the embedded cloud does not invoke itself, such as the API: nothing happens."""

    is_timed_out = False
    takes_turns = False

    def enter(self) -> None:
        """Do nothing."""

    def leave(self) -> None:
        """Do nothing."""

    def let_others_move(self) -> None:
        """Do nothing."""

    def check(self, operation: str) -> None:
        """Refuse nothing."""


def requests_of(client: Client, operation: str, params: Mapping[str, Any]) -> Iterator[AwsRequest]:
    """Yield what IAM is asked about a call, if a Lambda makes it, and if it goes to a resource of the stack."""
    if (invocation := crash.caller()) is not None:
        function, service = invocation.function, client.meta.service_model.service_name
        if service == "dynamodb":
            yield from table_requests(function, operation, params)
        elif action := _SERVICES.get(service, {}).get(operation):
            yield from _of_service(function, service, action, params)


def _of_service(function: str, service: str, action: str, params: Mapping[str, Any]) -> Iterator[AwsRequest]:
    name = f"{service}:{action}"
    match service:
        case "sqs":
            queue = params["QueueUrl"].rpartition("/")[2].removeprefix(f"{TABLE}-").removesuffix(".fifo")
            yield AwsRequest(function, name, f"queue/{queue}")
        case "s3" if params["Bucket"] == TABLE and "Key" in params:
            yield AwsRequest(function, name, f"bucket/{params['Key']}")
        case "s3" if params["Bucket"] == TABLE:
            yield AwsRequest(function, name, "bucket", prefix=params.get("Prefix", ""))
        case "events":
            yield AwsRequest(function, name, "bus")
        case "firehose":
            yield AwsRequest(function, name, "stream")
        case "secretsmanager":
            yield AwsRequest(function, name, f"secret/{params['SecretId']}")
        case "lambda":
            yield AwsRequest(function, name, f"function/{params['FunctionName'].rpartition(':')[2]}")
        case "kms":
            yield AwsRequest(function, name, "key")


def table_requests(function: str, operation: str, body: Mapping[str, Any]) -> Iterator[AwsRequest]:
    """Yield what IAM is asked about a call to DynamoDB."""

    def asked(keys: list[str], attributes: set[str], resource: str = "table") -> AwsRequest:
        return AwsRequest(function, f"dynamodb:{operation}", resource, tuple(keys), frozenset(attributes))

    if body.get("TableName", TABLE) != TABLE:
        return  # a table of the user's own
    match operation:
        case "BatchWriteItem":
            [requests] = body["RequestItems"].values()
            items = [each.get("PutRequest", {}).get("Item") or each["DeleteRequest"]["Key"] for each in requests]
            yield asked([_key(item) for item in items], {name for item in items for name in item})
        case "BatchGetItem":
            [wanted] = body["RequestItems"].values()
            yield asked([_key(key) for key in wanted["Keys"]], {"pk", "sk", *_named(wanted)})
        case "TransactWriteItems" | "TransactGetItems":
            for each in body["TransactItems"]:
                [(action, request)] = each.items()
                yield from table_requests(function, action if action == "ConditionCheck" else f"{action}Item", request)
        case "Query":
            index = body.get("IndexName")
            yield asked([_queried(body)], _named(body), f"table/index/{index}" if index else "table")
        case "Scan":
            yield asked([], _named(body))
        case _:
            written: Mapping[str, Any] = body.get("Item") or body["Key"]
            yield asked([_key(written)], {*written, *_named(body)})


def _named(body: Mapping[str, Any]) -> set[str]:
    """The attributes that the expressions of a request name."""
    names = body.get("ExpressionAttributeNames", {})
    found = {names[each] for part, text in body.items() if part.endswith("Expression") for each in _found(text)}
    return {name.partition(".")[0] for name in found}


def _found(text: str) -> list[str]:
    return _TOP_LEVEL.findall(text)


def _queried(body: Mapping[str, Any]) -> str:
    """The partition key of a query, of the table or of an index."""
    _, _, value = body["KeyConditionExpression"].replace("(", "").split()[:3]
    [key] = body["ExpressionAttributeValues"][value.rstrip(")")].values()
    return str(key)


def _key(item: Mapping[str, Any]) -> str:
    key: str = item["pk"]["S"]
    return key

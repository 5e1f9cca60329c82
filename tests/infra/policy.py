"""IAM's answer to one request, by the statements of a synthesised policy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from tests.aws_requests import AwsRequest
from tests.infra.template import listed, shorn, text

__all__ = ["Grant", "allows", "grants_of"]

Statement = Mapping[str, Any]

_PLACES = {
    "StateTable.Arn": "table",
    "StateValues.Arn": "bucket",
    "IngestEventsQueue.Arn": "queue/events",
    "RunsQueue.Arn": "queue/runs",
    "TimersQueue.Arn": "queue/timers",
    "IngestBus.Arn": "bus",
    "AuditDeliveryStream.Arn": "stream",
    "RemoteSigningKey.Id": "secret/signing",
    "RemoteEventKey.Id": "secret/events",
    "Shop.Arn": "function/shop",
    "Payloads.Arn": "key",
}
"""The resources of the stack as ``AwsRequest`` names them."""


@dataclass(frozen=True)
class Grant:
    """One action on one resource, as a statement allows it."""

    action: str
    resource: str
    condition: Mapping[str, Mapping[str, Any]]

    def __str__(self) -> str:
        return f"{self.action} on {self.resource}"

    def covers(self, request: AwsRequest) -> bool:
        """Whether it allows the request."""
        is_it = self.action == request.action and fnmatchcase(request.resource, self.resource)
        return is_it and _holds(self.condition, request)

    def idle(self, requests: Iterable[AwsRequest]) -> list[str]:
        """What of it none of the requests needs: itself, a pattern of keys, or an attribute."""
        covered = [each for each in requests if self.covers(each)]
        if not covered:
            return [str(self)]
        keys = {key for each in covered for key in each.keys}
        named = {name for each in covered for name in each.attributes}
        patterns = [
            each for each in self._values("dynamodb:LeadingKeys") if not any(fnmatchcase(k, each) for k in keys)
        ]
        attributes = [each for each in self._values("dynamodb:Attributes") if each not in named]
        return [f"{self} of {each}" for each in patterns] + [f"{self} with {each}" for each in attributes]

    def _values(self, key: str) -> list[str]:
        return [each for wanted in self.condition.values() for each in listed(wanted.get(key, []))]


def grants_of(statements: Iterable[Statement]) -> Iterator[Grant]:
    """Yield what the statements allow."""
    for statement in statements:
        assert statement["Effect"] == "Allow"
        for action in listed(statement["Action"]):
            for resource in listed(statement["Resource"]):
                place, slash, rest = shorn(text(resource)).partition("/")
                yield Grant(action, _PLACES.get(place, place) + slash + rest, statement.get("Condition", {}))


def allows(
    statements: Iterable[Statement],
    action: str,
    resource: str,
    keys: Iterable[str] = (),
    attributes: Iterable[str] = (),
) -> bool:
    """Whether the statements allow the action on the resource whose logical id begins so, not on what it holds.

    Args:
        statements: Those of an identity's policies.
        action: Such as ``dynamodb:PutItem``.
        resource: The beginning of the logical id, such as ``RunsQueue``.
        keys: The partition keys of the request (``dynamodb:LeadingKeys``).
        attributes: The names of the attributes in the request (``dynamodb:Attributes``).
    """
    request = AwsRequest("", action, resource, tuple(keys), frozenset(attributes))
    return any(
        statement["Effect"] == "Allow"
        and action in listed(statement["Action"])
        and any(text(each).startswith(resource) and "/" not in text(each) for each in listed(statement["Resource"]))
        and _holds(statement.get("Condition", {}), request)
        for statement in statements
    )


def _holds(condition: Mapping[str, Mapping[str, Any]], request: AwsRequest) -> bool:
    """Each key must hold. ``ForAllValues`` holds of nothing, too, as it does in IAM."""
    said = {
        "dynamodb:LeadingKeys": request.keys,
        "dynamodb:Attributes": tuple(request.attributes),
        "s3:prefix": (request.prefix,),
    }
    for operator, wanted in condition.items():
        assert operator in ("ForAllValues:StringLike", "ForAllValues:StringEquals", "StringLike"), operator
        for key, patterns in wanted.items():
            if not all(_matches(operator, value, listed(patterns)) for value in said[key]):
                return False
    return True


def _matches(operator: str, value: str | None, patterns: Iterable[str]) -> bool:
    if value is None:
        return False
    return any(fnmatchcase(value, each) if operator.endswith("Like") else value == each for each in patterns)

"""IAM's answer to one request, by the statements of a synthesised policy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from tests.infra.template import listed, text

__all__ = ["allows"]

Statement = Mapping[str, Any]


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
    said = {"dynamodb:LeadingKeys": list(keys), "dynamodb:Attributes": list(attributes)}
    return any(
        statement["Effect"] == "Allow"
        and action in listed(statement["Action"])
        and any(text(each).startswith(resource) and "/" not in text(each) for each in listed(statement["Resource"]))
        and _holds(statement.get("Condition", {}), said)
        for statement in statements
    )


def _holds(condition: Mapping[str, Mapping[str, Any]], said: Mapping[str, list[str]]) -> bool:
    """Each key must hold. ``ForAllValues`` holds of nothing, too, as it does in IAM."""
    for operator, wanted in condition.items():
        assert operator in ("ForAllValues:StringLike", "ForAllValues:StringEquals"), operator
        match = fnmatchcase if operator.endswith("Like") else str.__eq__
        for key, patterns in wanted.items():
            if not all(any(match(value, each) for each in listed(patterns)) for value in said[key]):
                return False
    return True

"""A synthesised template, read by what its resources are for instead of by their logical ids."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Properties = Mapping[str, Any]


@dataclass(frozen=True)
class Template:
    """``resources`` as CloudFormation takes them, by logical id; ``shared`` are those of the stack that has made what
    ours is given."""

    resources: Mapping[str, Mapping[str, Any]]
    shared: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def of(self, kind: str) -> dict[str, Properties]:
        """The properties of each ``AWS::<kind>``, by logical id."""
        return {
            logical_id: resource.get("Properties", {})
            for logical_id, resource in self.resources.items()
            if resource["Type"] == f"AWS::{kind}"
        }

    def one(self, kind: str) -> Properties:
        """The properties of the only ``AWS::<kind>``."""
        (properties,) = self.of(kind).values()
        return properties

    def refusals_of_plain_http(self, statements: Iterable[Properties]) -> list[Properties]:
        """What denies everything to everybody who does not come by TLS."""
        return [
            statement
            for statement in statements
            if statement["Effect"] == "Deny"
            and statement["Principal"] in ("*", {"AWS": "*"})
            and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
        ]

    def named(self, kind: str, construct: str) -> tuple[str, Properties]:
        """The only ``AWS::<kind>`` whose logical id begins like this: with the names of the constructs it stands in."""
        (found,) = ((name, each) for name, each in self.of(kind).items() if name.startswith(construct))
        return found

    def policy_of(self, kind: str, member: str, logical_id: str) -> list[Properties]:
        """The statements of the ``AWS::<kind>`` that names the resource in its ``member``."""
        return [
            statement
            for policy in self.of(kind).values()
            if logical_id in text(policy[member])
            for statement in policy["PolicyDocument"]["Statement"]
        ]

    def function(self, handler: str) -> tuple[str, Properties]:
        """The Lambda whose entry point is that handler of ``tarry_backend``."""
        (found,) = (
            (logical_id, properties)
            for logical_id, properties in self.of("Lambda::Function").items()
            if properties["Handler"] == f"tarry_backend.handlers.{handler}.handler"
        )
        return found

    def mapping(self, handler: str) -> Properties:
        """How the Lambda reads its queue."""
        logical_id, _ = self.function(handler)
        (found,) = (
            properties
            for properties in self.of("Lambda::EventSourceMapping").values()
            if properties["FunctionName"] == {"Ref": logical_id}
        )
        return found

    def rule_to(self, logical_id: str) -> tuple[str, Properties]:
        """The rule whose only target is that resource."""
        arns = [{"Fn::GetAtt": [logical_id, "Arn"]}]
        (found,) = (
            (name, rule)
            for name, rule in self.of("Events::Rule").items()
            if [target["Arn"] for target in rule["Targets"]] == arns
        )
        return found

    def queue_read_by(self, handler: str) -> tuple[str, Properties]:
        """The queue that the Lambda reads."""
        logical_id, attribute = self.mapping(handler)["EventSourceArn"]["Fn::GetAtt"]
        assert attribute == "Arn"
        return logical_id, self.of("SQS::Queue")[logical_id]

    def statements(self, handler: str) -> list[Properties]:
        """The statements of the Lambda's role."""
        role, _ = self.function(handler)[1]["Role"]["Fn::GetAtt"]
        return self.policy_of("IAM::Policy", "Roles", role)

    def may(self, handler: str) -> set[tuple[str, str]]:
        """Each action that the Lambda's role allows, with the resource; logical ids without their hash."""
        _, function = self.function(handler)
        role, _ = function["Role"]["Fn::GetAtt"]
        assert "ManagedPolicyArns" not in self.resources[role]["Properties"]
        assert "Policies" not in self.resources[role]["Properties"]
        return {
            (action, shorn(text(resource)))
            for statement in self.policy_of("IAM::Policy", "Roles", role)
            if statement["Effect"] == "Allow"
            for action in listed(statement["Action"])
            for resource in listed(statement["Resource"])
        }


def listed(value: Any) -> list[Any]:
    """What a policy writes as one or as several."""
    return value if isinstance(value, list) else [value]


def shorn(name: str) -> str:
    """A logical id, or a resource as text, without the hash that the CDK adds to the names of constructs."""
    return re.sub(r"[0-9A-F]{8}(?=\.|$)", "", name)


def text(value: Any) -> str:
    """An expression as text: ``Ref`` as the logical id, ``GetAtt`` with a dot, ``Join`` joined."""
    return "".join(_parts(value))


def _parts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for each in value:
                yield from _parts(each)
        case {"Ref": name}:
            yield name
        case {"Fn::GetAtt": [name, attribute]}:
            yield f"{name}.{attribute}"
        case {"Fn::Join": [separator, parts]}:
            yield separator.join(text(part) for part in parts)
        case {"Fn::ImportValue": name}:
            yield name
        case _:
            raise AssertionError(f"cannot read {value!r}")

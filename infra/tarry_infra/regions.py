"""What Lambda does not have in some regions.

A property of something that a region's Lambda does not have makes CloudFormation refuse the stack.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import Annotations, Stack, Token

if TYPE_CHECKING:
    from constructs import IConstruct

__all__ = ["FUNCTION_URLS", "JSON_LOGS", "LOOP_DETECTION", "SNAP_START", "Feature", "region_of"]

_CHINA, _GOVCLOUD = "cn-", "us-gov-"


@dataclass(frozen=True, slots=True)
class Feature:
    """Something of Lambda's. ``missing`` are the regions without it, or how their names begin."""

    name: str
    missing: tuple[str, ...]

    def is_in(self, region: str | None) -> bool:
        """Whether the region has it. One that is not known is taken for a region with everything."""
        return region is None or not region.startswith(self.missing)

    def is_at(self, scope: IConstruct) -> bool:
        """Whether the region of the construct's stack has it."""
        return self.is_in(region_of(scope))

    def warn(self, scope: IConstruct, asked: str) -> None:
        """Warn, where the region lacks it, that AWS will probably refuse what was asked for.

        It is no error: the regions get more, and this list learns of it later.
        """
        region = region_of(scope)
        if not self.is_in(region):
            text = f"{asked} needs {self.name}, which {region} did not have when this release of Tarry was made"
            Annotations.of(scope).add_warning_v2(f"tarry:{self.name}", text)


LOOP_DETECTION = Feature("Lambda's recursive loop detection", (_CHINA, _GOVCLOUD, "mx-central-1", "ap-southeast-6"))
"""Where it is missing, no loop is stopped, and there is nothing to allow.

Sources: "Amazon Lambda" in AWS's guide to its services in China; issue 18 of Lambda's public roadmap, for the others.
"""

JSON_LOGS = Feature("Lambda's log format JSON", (_GOVCLOUD,))
"""Source: "AWS Lambda in AWS GovCloud (US)" in the GovCloud guide. Tarry's lines are JSON in the text format, too."""

FUNCTION_URLS = Feature(
    "Lambda's function URLs",
    (
        _CHINA,
        _GOVCLOUD,
        "ap-east-2",
        "ap-south-2",
        "ap-southeast-4",
        "ap-southeast-5",
        "ap-southeast-6",
        "ap-southeast-7",
        "ca-west-1",
        "eu-central-2",
        "eu-south-2",
        "il-central-1",
        "me-central-1",
    ),
)
"""Sources: Lambda's developer guide, "Creating and managing Lambda function URLs", and the two guides above."""

SNAP_START = Feature("SnapStart for Python", (_CHINA, _GOVCLOUD, "ap-southeast-6", "ap-east-2"))
"""Sources: Lambda's developer guide, "Lambda SnapStart", and the two guides above."""


def region_of(scope: IConstruct) -> str | None:
    """Return the region of the construct's stack, as far as it is known.

    A stack without ``env`` goes where the CDK's command line deploys it. That sets ``CDK_DEFAULT_REGION``.
    """
    region = Stack.of(scope).region
    return os.environ.get("CDK_DEFAULT_REGION") if Token.is_unresolved(region) else region

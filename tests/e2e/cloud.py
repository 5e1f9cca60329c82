"""The seam between the scenarios and the cloud on which they run: MiniStack, or a real AWS account.

The scenarios are the same on both. This module says how a scenario reaches the cloud, and what the cloud cannot do.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

import boto3

from tarry.errors import UsageError

__all__ = ["ATHENA", "CRON", "Cloud", "others"]

CRON = "cron"
ATHENA = "athena"

_EMULATOR_LACKS = {
    CRON: "MiniStack's Scheduler puts no event on a bus",
    ATHENA: "MiniStack's Athena is DuckDB, which does not know Athena's functions for JSON",
}
_EMULATOR_SUBSTITUTES = (
    "EventBridge's rule to Firehose: the audit scenarios put the records on the stream themselves",
    "SQS's metric of dead letters: the outage scenario publishes it, and the alarm reads it",
    "sqs:SendMessage covers batches: the policies name the action sqs:SendMessageBatch, too",
    "arm64, Python 3.14 and the default capacities: the Lambdas have this machine's processor and Python",
)


@dataclass(frozen=True)
class Cloud:
    """An AWS account, or an emulator of one.

    Attributes:
        title: Its name for people.
        environment: The variables with which the AWS CLI, the CDK and the command ``tarry`` use it.
        session: boto3's session with its credentials and region.
        endpoint: The emulator's URL; ``None`` for AWS.
        certificate: The file with the certificate of the emulator's endpoint, if it has one of its own.
        lacks: What it cannot do, with the reason. A scenario that needs it is left out, and named at the end.
        substitutes: What the scenarios do in the cloud's place.
    """

    title: str
    environment: Mapping[str, str]
    session: boto3.Session
    endpoint: str | None = None
    certificate: str | None = None

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> Self:
        """The cloud that these variables lead to, by the chain of credentials of boto3 and of the AWS CLI.

        Raises:
            UsageError: There is no region, or no credentials.
        """
        endpoint = variables.get("AWS_ENDPOINT_URL")
        session = boto3.Session(
            variables.get("AWS_ACCESS_KEY_ID"),
            variables.get("AWS_SECRET_ACCESS_KEY"),
            variables.get("AWS_SESSION_TOKEN"),
            region_name=variables.get("AWS_REGION") or variables.get("AWS_DEFAULT_REGION"),
            # As in the AWS CLI, keys in the environment come before a profile.
            profile_name=None if "AWS_ACCESS_KEY_ID" in variables else variables.get("AWS_PROFILE"),
        )
        if not session.region_name:
            raise UsageError("no AWS region: set AWS_REGION, or the profile's region")
        if session.get_credentials() is None:
            raise UsageError("no AWS credentials: set AWS_PROFILE, or log in as for the AWS CLI")
        kept = {name: value for name, value in variables.items() if not name.startswith("TARRY_")}
        region = {"AWS_REGION": session.region_name, "AWS_DEFAULT_REGION": session.region_name}
        title = f"MiniStack at {endpoint}" if endpoint else "AWS"
        return cls(title, kept | region, session, endpoint, variables.get("AWS_CA_BUNDLE"))

    @property
    def is_emulated(self) -> bool:
        """Whether it is MiniStack, not AWS."""
        return self.endpoint is not None

    @property
    def lacks(self) -> Mapping[str, str]:
        """See the class."""
        return _EMULATOR_LACKS if self.is_emulated else {}

    @property
    def substitutes(self) -> tuple[str, ...]:
        """See the class."""
        return _EMULATOR_SUBSTITUTES if self.is_emulated else ()

    @property
    def region(self) -> str:
        """The region."""
        return str(self.session.region_name)

    @property
    def account(self) -> str:
        """The account's number, from STS."""
        return str(self.client("sts").get_caller_identity()["Account"])

    @property
    def propagation(self) -> float:
        """For how many seconds a changed Lambda may still run as it was, after AWS says that the change is done."""
        return 0.0 if self.is_emulated else 10.0

    def client(self, service: str) -> Any:
        """A boto3 client."""
        return self.session.client(service, endpoint_url=self.endpoint, verify=self.certificate)  # type: ignore[call-overload]

    def function_url(self, url: str, path: str) -> str:
        """Where a path of a function's URL is reached. The host names of the emulator's URLs lead to no machine."""
        if self.endpoint is None:
            return f"{url.rstrip('/')}{path}"
        host = urlsplit(url).hostname or ""
        return f"{self.endpoint}/_aws/lambda-url/{host.partition('.')[0]}{path}"


def others(variables: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables that lead to no cloud."""
    return {name: value for name, value in variables.items() if not name.startswith(("AWS_", "TARRY_"))}

"""A stack on AWS, found by its name: CloudFormation's outputs say how to reach it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError

from tarry import UsageError
from tarry_backend.deploy.outputs import SIGNALS_FUNCTION, Deployment
from tarry_backend.store import open_store
from tarry_dev.cli.connection import Connection
from tarry_dev.cli.errors import CommandError
from tarry_dev.lookups import StoreLookups

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["connect_stack"]


@contextmanager
def connect_stack(stack: str) -> Iterator[Connection]:
    """Connect to the app of the stack, with the person's own credentials, profile, region and endpoint.

    Raises:
        CommandError: There is no such stack, or it is not Tarry's.
    """
    session = boto3.Session(region_name=os.environ.get("AWS_REGION"))  # the AWS CLI reads it, boto3 does not
    with _default(session):
        outputs = _outputs(session, stack)
        try:
            deployment = Deployment.read(outputs)
        except (UsageError, ValueError) as error:
            raise CommandError(
                f"this version of Tarry did not deploy stack {stack!r}: {error}; deploy it again (cdk deploy)"
            ) from error
        store = open_store(deployment.settings, region=session.region_name)
        yield Connection(deployment, StoreLookups(deployment, store, outputs.get(SIGNALS_FUNCTION)), outputs)


def _outputs(session: boto3.Session, stack: str) -> dict[str, str]:
    try:
        described = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError" or "does not exist" not in str(error):
            raise
        raise CommandError(
            f"there is no stack {stack!r} in {session.region_name}, in the account of these credentials; for another "
            "region set AWS_REGION=..., for another account AWS_PROFILE=..."
        ) from error
    return {each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", [])}


@contextmanager
def _default(session: boto3.Session) -> Iterator[None]:
    """Within it, this session makes the clients of this process."""
    before = boto3.DEFAULT_SESSION
    boto3.DEFAULT_SESSION = session
    try:
        yield
    finally:
        boto3.DEFAULT_SESSION = before

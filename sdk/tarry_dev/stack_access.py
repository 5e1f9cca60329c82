"""A stack on AWS, found by its name: CloudFormation's outputs say how to reach it."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError, NoRegionError

from tarry.errors import UsageError
from tarry_backend.deploy.function_facts import FunctionFacts
from tarry_backend.deploy.outputs import SIGNALS_FUNCTION, Deployment
from tarry_backend.store import open_store
from tarry_dev.lookups import StoreLookups

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tarry_backend.store import Store

__all__ = ["OpenStack", "open_stack", "person_session"]


@dataclass(frozen=True)
class OpenStack:
    """A stack: its outputs, and the lookups of its app."""

    outputs: Mapping[str, str]
    lookups: StoreLookups


def person_session() -> boto3.Session:
    """Return a session with the person's own credentials, profile, region and endpoint.

    Raises:
        NoRegionError: The region is empty, such as from a variable that a script does not have.
    """
    session = boto3.Session(region_name=os.environ.get("AWS_REGION") or None)  # the AWS CLI reads it, boto3 does not
    if session.region_name == "":
        raise NoRegionError
    return session


def open_stack(stack: str, session: boto3.Session) -> OpenStack:
    """Open the app of a stack. The lookups make clients of boto3's default session, which has to be this one.

    Raises:
        UsageError: There is no such stack, or it is not Tarry's.
    """
    outputs = _outputs(session, stack)
    try:
        deployment = Deployment.read(outputs)
    except (UsageError, ValueError) as error:
        raise UsageError(
            f"this version of Tarry did not deploy stack {stack!r}: {error}; deploy it again (cdk deploy)"
        ) from error
    store = open_store(deployment.settings, region=session.region_name)
    return OpenStack(outputs, StoreLookups(_with_remote(deployment, store), store, outputs.get(SIGNALS_FUNCTION)))


def _with_remote(deployment: Deployment, store: Store) -> Deployment:
    """Return the deployment with the functions of remote apps, if the stack hosts some."""
    if not deployment.settings.signing_secret:
        return deployment
    from tarry_backend.remote.directory import Directory

    facts = [FunctionFacts.of(each) for each in Directory("", store.remote_apps.all, lambda: None).functions().values()]
    functions = (*deployment.functions, *(each.id for each in facts))
    return replace(deployment, functions=functions, facts=(*deployment.facts, *facts))


def _outputs(session: boto3.Session, stack: str) -> dict[str, str]:
    try:
        described = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError" or "does not exist" not in str(error):
            raise
        raise UsageError(
            f"there is no stack {stack!r} in {session.region_name}, in the account of these credentials; for another "
            "region set AWS_REGION=..., for another account AWS_PROFILE=..."
        ) from error
    return {each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", [])}

"""A Lambda of Tarry's: its own role and log group, its share of the account, the bundle it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct

    from tarry_infra.wheels import Target

__all__ = ["Capacity", "Function", "Host"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What one Lambda may take.

    ``memory`` is in MB, and the share of CPU goes with it: 1,769 are one core. ``timeout`` is in seconds.
    ``concurrency`` is the most invocations that its queue starts side by side (2 to 1,000). ``reserved`` sets
    that many of the account's aside for this Lambda alone; without it the Lambda draws on what is free.
    """

    memory: int
    timeout: int
    concurrency: int | None = None
    reserved: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What the Lambdas of one stack have in common."""

    code: lambda_.Code
    target: Target
    log_retention: logs.RetentionDays


class Function(lambda_.Function):
    """A Lambda that may write its own log, and nothing else until it is granted more.

    ``loops`` says that it takes part in a loop through SQS on purpose. Lambda would otherwise stop it after
    some sixteen turns; no emulator does.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        handler: str,
        host: Host,
        capacity: Capacity,
        description: str,
        loops: bool = False,
    ) -> None:
        log_group = _log_group(scope, construct_id, host.log_retention)
        role = iam.Role(scope, f"{construct_id}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        super().__init__(
            scope,
            construct_id,
            handler=f"tarry_backend.handlers.{handler}.handler",
            description=description,
            code=host.code,
            runtime=host.target.runtime,
            architecture=host.target.architecture,
            memory_size=capacity.memory,
            timeout=Duration.seconds(capacity.timeout),
            reserved_concurrent_executions=capacity.reserved,
            recursive_loop=lambda_.RecursiveLoop.ALLOW if loops else lambda_.RecursiveLoop.TERMINATE,
            role=role,
            log_group=log_group,
            logging_format=lambda_.LoggingFormat.JSON,
        )
        self.capacity = capacity
        self._role_construct = role
        # Not the managed policy AWSLambdaBasicExecutionRole, which may write every log group of the account.
        log_group.grant_write(self)

    def allow(self, actions: Sequence[str], resource: str) -> None:
        """Lets it do this to one resource."""
        self.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=[resource]))

    def acknowledge(self, finding: str, reason: str) -> None:
        """Says why a finding of the security rules about its role is no fault."""
        Validations.of(self._role_construct).acknowledge(Acknowledgment(id=finding, reason=reason))


def _log_group(scope: Construct, construct_id: str, retention: logs.RetentionDays) -> logs.LogGroup:
    return logs.LogGroup(scope, f"{construct_id}Log", retention=retention, removal_policy=RemovalPolicy.DESTROY)

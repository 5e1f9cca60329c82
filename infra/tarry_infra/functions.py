"""A Lambda of Tarry: its role, log group, capacity and bundle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Stack, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs

from tarry_infra.encryption import let_use
from tarry_infra.python import check_snap_start, is_newest
from tarry_infra.regions import JSON_LOGS, LOOP_DETECTION, SNAP_START

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_kms as kms
    from constructs import Construct

    from tarry_infra.wheels import Target

__all__ = ["Capacity", "Function", "Host", "LogLevel", "log_group_of"]

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
"""The lowest level that the Lambdas log. Metrics are written at every level."""

_FILTERS = {
    "DEBUG": lambda_.ApplicationLogLevel.DEBUG,
    "INFO": lambda_.ApplicationLogLevel.INFO,
    "WARNING": lambda_.ApplicationLogLevel.INFO,
    "ERROR": lambda_.ApplicationLogLevel.INFO,
}
"""Lambda's own filter by log level: never above INFO.

A metric is a line of JSON without a level, and Lambda takes such a line for INFO (Lambda's developer guide, "Log-level
filtering"). A filter at WARN would drop it, and with it what the alarms look at. Above INFO, the loggers filter
(``tarry_backend.telemetry``).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """The capacity of one Lambda. The sweep has no queue, so it has only memory, timeout and ``reserved``.

    Attributes:
        memory: In MB. The share of CPU grows with it: 1,769 MB are one core.
        timeout: In seconds.
        concurrency: The most parallel invocations that its queue starts, 2 to 1,000.
        batch: The most messages of one invocation, 1 to 10; by default the topology's number.
        visibility: For how many seconds its queue holds a received message back from others, until it is answered; by
            default six times the timeout, and at least a minute more than it. A message whose Lambda died comes again
            after that time.
        receives: How often its queue gives out a message before it is a dead letter; by default the topology's number.
            A receive counts, too, if Lambda then had no room to run.
        reserved: How many of the account's concurrent invocations are reserved for this Lambda; by default it uses what
            is free. Its queue starts no more, whatever ``concurrency`` says.
    """

    memory: int
    timeout: int
    concurrency: int | None = None
    batch: int | None = None
    visibility: int | None = None
    receives: int | None = None
    reserved: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """The common parts of the Lambdas of one stack, and of their queues."""

    code: lambda_.Code
    target: Target
    log_retention: logs.RetentionDays
    log_level: LogLevel = "INFO"
    encryption_key: kms.IKey | None = None
    snap_start: bool = False


class Function(lambda_.Function):
    """A Lambda that may write its own log, and nothing else until it is granted more.

    ``loops`` says that it takes part in a loop through SQS on purpose. Lambda would otherwise stop it after
    some sixteen turns; no emulator does.

    ``live`` is what queues, rules and senders invoke. With SnapStart that is an alias: only published versions have a
    snapshot. Each deployment that changes the Lambda publishes a version, moves the alias, and deletes the old version.
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
        log_group = log_group_of(scope, f"{construct_id}Log", host)
        role = iam.Role(scope, f"{construct_id}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        has_json = JSON_LOGS.is_at(scope)
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
            recursive_loop=_recursive_loop(scope, loops=loops),
            role=role,
            snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if host.snap_start else None,
            log_group=log_group,
            logging_format=lambda_.LoggingFormat.JSON if has_json else lambda_.LoggingFormat.TEXT,
            application_log_level_v2=_FILTERS[host.log_level] if has_json else None,
            environment={
                "POWERTOOLS_LOG_LEVEL": host.log_level,
                "POWERTOOLS_SERVICE_NAME": Stack.of(scope).stack_name,  # the dimension of its metrics
            },
        )
        self.entry = handler
        self.capacity = capacity
        self._role_construct = role
        self.live = self._live(host)
        if not is_newest(host.target.runtime):
            reason = "The Lambdas run the Python on which the app was tested; AWS supports it as it does the newest."
            Validations.of(self).acknowledge(Acknowledgment(id="AwsSolutions-L1", reason=reason))
        # Not the managed policy AWSLambdaBasicExecutionRole, which may write every log group of the account.
        log_group.grant_write(self)
        let_use(host.encryption_key, self)

    def _live(self, host: Host) -> lambda_.IFunction:
        if not host.snap_start:
            return self
        check_snap_start(host.target.runtime)
        SNAP_START.warn(self, "snap_start=True")
        return lambda_.Alias(self, "Live", alias_name="live", version=self.current_version)

    def allow(self, actions: Sequence[str], resource: str, conditions: Mapping[str, Any] | None = None) -> None:
        """Lets it do this to one resource, on these conditions."""
        self.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=[resource], conditions=conditions))

    def acknowledge(self, finding: str, reason: str) -> None:
        """Says why a finding of the security rules about its role is no fault."""
        Validations.of(self._role_construct).acknowledge(Acknowledgment(id=finding, reason=reason))


def _recursive_loop(scope: Construct, *, loops: bool) -> lambda_.RecursiveLoop | None:
    if not LOOP_DETECTION.is_at(scope):
        return None
    return lambda_.RecursiveLoop.ALLOW if loops else lambda_.RecursiveLoop.TERMINATE


def log_group_of(scope: Construct, construct_id: str, host: Host) -> logs.LogGroup:
    """A log group that is kept as long, and encrypted, as all of the stack are."""
    return logs.LogGroup(
        scope,
        construct_id,
        retention=host.log_retention,
        removal_policy=RemovalPolicy.DESTROY,
        encryption_key=host.encryption_key,
    )

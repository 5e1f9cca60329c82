"""The audit trail: every event of the bus, as Parquet files by day, for SQL queries with Athena."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import Acknowledgment, CfnOutput, Duration, RemovalPolicy, Validations
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from tarry_backend.deploy import topology
from tarry_backend.events.audit_row import ERRORS, EVENTS
from tarry_infra.buckets import closed_bucket
from tarry_infra.catalogue import ANSWERS, Catalogue
from tarry_infra.delivery import CONVERTER, AuditDelivery
from tarry_infra.queues import closed_queue

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms

    from tarry_infra.functions import Capacity, Host

__all__ = ["Audit"]

_ANSWERS_KEPT_DAYS = 7


class Audit(Construct):
    """The audit trail: bus, rule, Firehose, a Lambda that converts events into rows, Parquet, bucket.

    The ends of runs are events too, so it has them: the executor puts those that do not go over the bus. What could not
    be converted is in the bucket under ``errors/``.
    What Firehose did not accept, such as an event of more than 1,000 KiB, goes to ``dead_letters``.

    Args:
        scope: The stack.
        construct_id: The construct's id.
        bus: The app's bus.
        host: The common parts of the Lambdas.
        days: How many days files are kept.
        removal_policy: What becomes of the bucket with the stack.
        capacity: The converter's capacity.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bus: events.IEventBus,
        host: Host,
        days: int,
        removal_policy: RemovalPolicy,
        capacity: Capacity = CONVERTER,
    ) -> None:
        super().__init__(scope, construct_id)
        key = host.encryption_key
        self.bucket = _bucket(self, days, removal_policy, key)
        self.catalogue = Catalogue(
            self,
            "Catalogue",
            bucket=self.bucket,
            days=days,
            encryption_key=key,
        )
        self.delivery = AuditDelivery(
            self, "Delivery", bucket=self.bucket, catalogue=self.catalogue, host=host, capacity=capacity
        )
        self.dead_letters = closed_queue(
            self, "DeadLetters", key, retention_period=Duration.days(topology.DEAD_LETTERS_KEPT_DAYS)
        )
        self.rule = _rule(self, bus)
        self._output(
            "AuditDatabase", self.catalogue.database.ref, "The Glue database of the audit trail's table, events"
        )
        self._output(
            "AuditWorkgroup", self.catalogue.workgroup.ref, "The Athena workgroup for queries on the audit trail"
        )

    def _output(self, name: str, value: str, description: str) -> None:
        CfnOutput(self, name, value=value, description=description).override_logical_id(name)


def _bucket(scope: Construct, days: int, removal_policy: RemovalPolicy, key: kms.IKey | None) -> s3.Bucket:
    bucket = closed_bucket(scope, "Files", key, removal_policy, users="Firehose writes it and Athena reads it")
    kept = {EVENTS: days, ERRORS: days, ANSWERS: _ANSWERS_KEPT_DAYS}
    for prefix, limit in kept.items():
        bucket.add_lifecycle_rule(
            id=prefix.rstrip("/"),
            prefix=prefix,
            expiration=Duration.days(limit),
            abort_incomplete_multipart_upload_after=Duration.days(1),
        )
    return bucket


def _rule(audit: Audit, bus: events.IEventBus) -> events.CfnRule:
    """The CDK's Firehose target has no dead-letter queue, so this uses the L1 construct."""
    stream, dead_letters = audit.delivery.stream, audit.dead_letters
    role = iam.Role(audit, "RuleRole", assumed_by=iam.ServicePrincipal("events.amazonaws.com"))
    role.add_to_policy(
        iam.PolicyStatement(actions=["firehose:PutRecord", "firehose:PutRecordBatch"], resources=[stream.attr_arn])
    )
    target: dict[str, Any] = {
        "id": "audit",
        "arn": stream.attr_arn,
        "role_arn": role.role_arn,
        "dead_letter_config": events.CfnRule.DeadLetterConfigProperty(arn=dead_letters.queue_arn),
    }
    rule = events.CfnRule(
        audit,
        "Rule",
        event_bus_name=bus.event_bus_name,
        event_pattern=topology.RULE_PATTERN,
        targets=[events.CfnRule.TargetProperty(**target)],
    )
    rule.node.add_dependency(role)
    dead_letters.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal("events.amazonaws.com")],
            actions=["sqs:SendMessage"],
            resources=[dead_letters.queue_arn],
            conditions={"ArnEquals": {"aws:SourceArn": rule.attr_arn}},
        )
    )
    reason = "It is a dead-letter queue itself, the rule's."
    Validations.of(dead_letters).acknowledge(Acknowledgment(id="AwsSolutions-SQS3", reason=reason))
    return rule

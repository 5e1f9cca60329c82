"""The state of runs, steps, waits and the log: the table, and the bucket for larger values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from aws_cdk import CfnElement, Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from tarry_backend.store.access import INDEXES, ITEMS, LISTED, OBJECTS, REMOTE_ITEMS
from tarry_backend.store.models import EXPIRES, table_definition
from tarry_infra.buckets import closed_bucket

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_cdk import aws_kms as kms

    from tarry_backend.store.access import Access
    from tarry_infra.functions import Function, Host

__all__ = ["State"]

_LOG_PREFIX = "log/"
"""Under which the log (``tarry_backend.store.log``) puts large events."""

_DAYS_OF_GRACE = 2
"""DynamoDB removes an item within two days of its expiry."""

_TYPES = {
    "S": dynamodb.AttributeType.STRING,
    "N": dynamodb.AttributeType.NUMBER,
    "B": dynamodb.AttributeType.BINARY,
}


class State(Construct):
    """Keys and indexes are the models'. With ``RETAIN`` the table is protected from deletion, too.

    ``warm_writes`` is how many writes a second the table and each of its indexes are ready for at once. By default it
    is DynamoDB's number for a new table, 4,000; it grows with use. AWS charges once for what is above.

    ``log_days`` is how long events are kept in the log. The large ones among them leave the bucket a few days later,
    when time to live has removed their items. What a run has put there stays: a run may wait for years, and nothing
    in an object's name tells when its run has ended.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        host: Host,
        removal_policy: RemovalPolicy,
        log_days: int,
        warm_writes: int | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        warm = None if warm_writes is None else dynamodb.WarmThroughput(write_units_per_second=warm_writes)
        self.table = _table(self, removal_policy, host.encryption_key, warm)
        self.bucket = closed_bucket(
            self, "Values", host.encryption_key, removal_policy, users="Only the Lambdas reach it"
        )
        self.bucket.add_lifecycle_rule(
            id="log", prefix=_LOG_PREFIX, expiration=Duration.days(log_days + _DAYS_OF_GRACE)
        )

    def grant(self, *functions: Function) -> None:
        """Lets each reach the items, indexes and objects that it uses: see ``tarry_backend.store.access``."""
        for function in functions:
            self._grant_items(function, ITEMS.get(function.entry, ()))
            for index in INDEXES.get(function.entry, ()):
                function.allow(["dynamodb:Query"], f"{self.table.table_arn}/index/{index}")
            for action, names in OBJECTS.get(function.entry, {}).items():
                for name in names:
                    self._grant_objects(function, f"s3:{action}", name)
            if (listed := LISTED.get(function.entry)) is not None:
                function.allow(["s3:ListBucket"], self.bucket.bucket_arn, {"StringLike": {"s3:prefix": listed}})

    def grant_remote(self, *functions: Function) -> None:
        """Lets each reach the items that it uses in a stack with remote apps."""
        for function in functions:
            self._grant_items(function, REMOTE_ITEMS[function.entry])

    def _grant_items(self, function: Function, items: Iterable[Access]) -> None:
        for access in items:
            actions = [f"dynamodb:{action}" for action in access.actions]
            function.allow(actions, self.table.table_arn, _conditions(access))

    def _grant_objects(self, function: Function, action: str, names: str) -> None:
        function.allow([action], self.bucket.arn_for_objects(names))
        bucket = Stack.of(self).get_logical_id(cast(CfnElement, self.bucket.node.default_child))
        function.acknowledge(
            f"AwsSolutions-IAM5[Resource::<{bucket}.Arn>/{names}]",
            "The rest of the objects' names comes with the runs and the events.",
        )


def _conditions(access: Access) -> dict[str, Any]:
    """By the keys of the items. Of nothing they would hold, too, but each of these requests names its keys."""
    conditions = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(access.keys)}}
    if access.attributes:
        conditions["ForAllValues:StringEquals"] = {"dynamodb:Attributes": list(access.attributes)}
    return conditions


def _table(
    scope: Construct, removal_policy: RemovalPolicy, key: kms.IKey | None, warm: dynamodb.WarmThroughput | None
) -> dynamodb.Table:
    definition = table_definition("")
    hash_key, range_key = _keys(definition, definition)
    table = dynamodb.Table(
        scope,
        "Table",
        partition_key=hash_key,
        sort_key=range_key,
        warm_throughput=warm,
        billing_mode=dynamodb.BillingMode[definition["BillingMode"]],
        time_to_live_attribute=EXPIRES,
        encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED if key else dynamodb.TableEncryption.AWS_MANAGED,
        encryption_key=key,
        resource_policy=_refusal_of_plain_http(),
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=True
        ),
        removal_policy=removal_policy,
        deletion_protection=removal_policy is RemovalPolicy.RETAIN,
    )
    for index in definition["GlobalSecondaryIndexes"]:
        _add_index(table, definition, index, warm)
    return table


def _refusal_of_plain_http() -> iam.PolicyDocument:
    """The bucket and the queues have a property for this. DynamoDB answers on plain HTTP, too."""
    refusal = iam.PolicyStatement(
        effect=iam.Effect.DENY,
        principals=[iam.AnyPrincipal()],
        actions=["dynamodb:*"],
        resources=["*"],  # the table and its indexes. It cannot name itself before it is there
        conditions={"Bool": {"aws:SecureTransport": "false"}},
    )
    return iam.PolicyDocument(statements=[refusal])


def _add_index(
    table: dynamodb.Table, definition: dict[str, Any], index: dict[str, Any], warm: dynamodb.WarmThroughput | None
) -> None:
    hash_key, range_key = _keys(definition, index)
    projection = index["Projection"]
    table.add_global_secondary_index(
        index_name=index["IndexName"],
        warm_throughput=warm,
        partition_key=hash_key,
        sort_key=range_key,
        projection_type=dynamodb.ProjectionType[projection["ProjectionType"]],
        non_key_attributes=projection.get("NonKeyAttributes"),
    )


def _keys(definition: dict[str, Any], keyed: dict[str, Any]) -> list[dynamodb.Attribute]:
    """The hash key and the range key of the table or of one of its indexes."""
    types = {each["AttributeName"]: _TYPES[each["AttributeType"]] for each in definition["AttributeDefinitions"]}
    names = {key["KeyType"]: key["AttributeName"] for key in keyed["KeySchema"]}
    return [dynamodb.Attribute(name=names[kind], type=types[names[kind]]) for kind in ("HASH", "RANGE")]

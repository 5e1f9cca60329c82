"""Where runs, steps, waits and the log are kept: the table, and the bucket for values too large for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from aws_cdk import Acknowledgment, CfnElement, RemovalPolicy, Stack, Validations
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_s3 as s3
from constructs import Construct

from tarry_backend.store.models import EXPIRES, table_definition

if TYPE_CHECKING:
    from pynamodb.indexes import GlobalSecondaryIndex

    from tarry_infra.functions import Function

__all__ = ["State"]

_TYPES = {
    "S": dynamodb.AttributeType.STRING,
    "N": dynamodb.AttributeType.NUMBER,
    "B": dynamodb.AttributeType.BINARY,
}


class State(Construct):
    """Keys and indexes are the models'. With ``RETAIN`` the table is protected from deletion, too."""

    def __init__(self, scope: Construct, construct_id: str, *, removal_policy: RemovalPolicy) -> None:
        super().__init__(scope, construct_id)
        self.table = _table(self, removal_policy)
        self.bucket = _bucket(self, removal_policy)

    def grant_items(self, function: Function, *actions: str) -> None:
        """Lets it do this with the table's items: ``GetItem``, ``Query``, ..."""
        function.allow([f"dynamodb:{action}" for action in actions], self.table.table_arn)

    def grant_index(self, function: Function, index: type[GlobalSecondaryIndex[Any]]) -> None:
        """Lets it query one index of the table."""
        function.allow(["dynamodb:Query"], f"{self.table.table_arn}/index/{index.Meta.index_name}")

    def grant_values(self, function: Function, *actions: str) -> None:
        """Lets it do this with the bucket's objects: ``GetObject``, ``PutObject``."""
        function.allow([f"s3:{action}" for action in actions], self.bucket.arn_for_objects("*"))
        bucket = Stack.of(self).get_logical_id(cast(CfnElement, self.bucket.node.default_child))
        function.acknowledge(
            f"AwsSolutions-IAM5[Resource::<{bucket}.Arn>/*]",
            "The names of the objects come with the runs; the bucket holds nothing but Tarry's values.",
        )


def _table(scope: Construct, removal_policy: RemovalPolicy) -> dynamodb.Table:
    definition = table_definition("")
    hash_key, range_key = _keys(definition, definition)
    table = dynamodb.Table(
        scope,
        "Table",
        partition_key=hash_key,
        sort_key=range_key,
        billing_mode=dynamodb.BillingMode[definition["BillingMode"]],
        time_to_live_attribute=EXPIRES,
        encryption=dynamodb.TableEncryption.AWS_MANAGED,
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=True
        ),
        removal_policy=removal_policy,
        deletion_protection=removal_policy is RemovalPolicy.RETAIN,
    )
    for index in definition["GlobalSecondaryIndexes"]:
        _add_index(table, definition, index)
    return table


def _add_index(table: dynamodb.Table, definition: dict[str, Any], index: dict[str, Any]) -> None:
    hash_key, range_key = _keys(definition, index)
    projection = index["Projection"]
    table.add_global_secondary_index(
        index_name=index["IndexName"],
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


def _bucket(scope: Construct, removal_policy: RemovalPolicy) -> s3.Bucket:
    bucket = s3.Bucket(
        scope,
        "Values",
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        encryption=s3.BucketEncryption.S3_MANAGED,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        removal_policy=removal_policy,
    )
    Validations.of(bucket).acknowledge(
        Acknowledgment(
            id="AwsSolutions-S1",
            reason="Only the Lambdas reach it; CloudTrail's data events record each access where that is needed.",
        )
    )
    return bucket

"""The audit trail in Athena: the Glue database and table, and a workgroup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_athena as athena
from aws_cdk import aws_glue as glue
from constructs import Construct

from tarry_backend.events.audit_row import COLUMNS, EVENTS, PARTITION, TABLE
from tarry_infra.names import database_name, workgroup_name

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3

__all__ = ["ANSWERS", "Catalogue"]

ANSWERS = "answers/"
"""The bucket's folder for what Athena answers."""

_LARGEST_SCAN = 100 * 1024**3
"""The most bytes that one query reads: Athena charges by them."""

_PARQUET = "org.apache.hadoop.hive.ql.io.parquet"


class Catalogue(Construct):
    """Workgroup and database have the stack's name. ``days`` is how far back files go."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket: s3.IBucket,
        days: int,
        encryption_key: kms.IKey | None,
    ) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        self.database = glue.CfnDatabase(
            self,
            "Database",
            catalog_id=stack.account,
            database_input=glue.CfnDatabase.DatabaseInputProperty(name=database_name(stack.stack_name)),
        )
        self.table = _table(self, self.database, bucket, days)
        self.workgroup = _workgroup(self, workgroup_name(stack.stack_name), bucket, encryption_key)


def _table(scope: Construct, database: glue.CfnDatabase, bucket: s3.IBucket, days: int) -> glue.CfnTable:
    column = glue.CfnTable.ColumnProperty
    return glue.CfnTable(
        scope,
        "Table",
        catalog_id=Stack.of(scope).account,
        database_name=database.ref,
        table_input=glue.CfnTable.TableInputProperty(
            name=TABLE,
            table_type="EXTERNAL_TABLE",
            partition_keys=[column(name=PARTITION, type="string", comment="The day on which it was taken in, UTC")],
            parameters={
                "EXTERNAL": "TRUE",
                "classification": "parquet",
                # Athena reckons out which days there can be: nobody has to enter each new one into the catalogue.
                "projection.enabled": "true",
                f"projection.{PARTITION}.type": "date",
                f"projection.{PARTITION}.format": "yyyy-MM-dd",
                f"projection.{PARTITION}.range": f"NOW-{days + 1}DAYS,NOW",
            },
            storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                location=bucket.s3_url_for_object(EVENTS),
                columns=[column(name=each.name, type=each.type, comment=each.comment) for each in COLUMNS],
                input_format=f"{_PARQUET}.MapredParquetInputFormat",
                output_format=f"{_PARQUET}.MapredParquetOutputFormat",
                serde_info=glue.CfnTable.SerdeInfoProperty(serialization_library=f"{_PARQUET}.serde.ParquetHiveSerDe"),
            ),
        ),
    )


def _workgroup(scope: Construct, name: str, bucket: s3.IBucket, key: kms.IKey | None) -> athena.CfnWorkGroup:
    encryption = athena.CfnWorkGroup.EncryptionConfigurationProperty(
        encryption_option="SSE_KMS" if key else "SSE_S3", kms_key=key.key_arn if key else None
    )
    return athena.CfnWorkGroup(
        scope,
        "Workgroup",
        name=name,
        description="Queries on Tarry's audit trail",
        # Otherwise ``cdk destroy`` fails once a query has run: Athena refuses to delete a workgroup that has a history
        # of queries (its API reference, DeleteWorkGroup). The history is no data of the app's; the files stay.
        recursive_delete_option=True,
        work_group_configuration=athena.CfnWorkGroup.WorkGroupConfigurationProperty(
            enforce_work_group_configuration=True,
            bytes_scanned_cutoff_per_query=_LARGEST_SCAN,
            publish_cloud_watch_metrics_enabled=True,
            result_configuration=athena.CfnWorkGroup.ResultConfigurationProperty(
                output_location=bucket.s3_url_for_object(ANSWERS), encryption_configuration=encryption
            ),
        ),
    )

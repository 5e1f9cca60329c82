"""The delivery of the audit trail: Firehose, and the Lambda that converts events into rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from aws_cdk import Acknowledgment, ArnFormat, CfnElement, RemovalPolicy, Stack, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesisfirehose as firehose
from aws_cdk import aws_logs as logs
from constructs import Construct

from tarry_backend.events.audit_row import ERRORS, EVENTS, PARTITION
from tarry_infra.encryption import let_use
from tarry_infra.functions import Capacity, Function, log_group_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_s3 as s3

    from tarry_infra.catalogue import Catalogue
    from tarry_infra.functions import Host

__all__ = ["CONVERTER", "AuditDelivery"]

CONVERTER = Capacity(memory=512, timeout=60)

_LOG = "delivery"


class AuditDelivery(Construct):
    """A stream of Firehose's that writes Parquet with the catalogue's columns, every five minutes or 64 MB.

    Its buffer is encrypted with a key of AWS's: a key of the user's own would have to let Firehose make grants.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket: s3.Bucket,
        catalogue: Catalogue,
        host: Host,
        capacity: Capacity,
    ) -> None:
        super().__init__(scope, construct_id)
        self.converter = Function(
            self,
            "Converter",
            handler="audit",
            host=host,
            capacity=capacity,
            description="Converts events into rows of the audit trail",
        )
        log = log_group_of(self, "Log", host)
        logs.LogStream(self, "LogStream", log_group=log, log_stream_name=_LOG, removal_policy=RemovalPolicy.DESTROY)
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("firehose.amazonaws.com"))
        _grant(role, bucket, catalogue, self.converter, log)
        let_use(host.encryption_key, role)
        of = firehose.CfnDeliveryStream
        self.stream = of(
            self,
            "Stream",
            delivery_stream_type="DirectPut",
            delivery_stream_encryption_configuration_input=of.DeliveryStreamEncryptionConfigurationInputProperty(
                key_type="AWS_OWNED_CMK"
            ),
            extended_s3_destination_configuration=of.ExtendedS3DestinationConfigurationProperty(
                bucket_arn=bucket.bucket_arn,
                role_arn=role.role_arn,
                # When Firehose took the record in, in UTC. No dynamic partitioning, which costs extra.
                prefix=f"{EVENTS}{PARTITION}=!{{timestamp:yyyy-MM-dd}}/",
                error_output_prefix=f"{ERRORS}!{{firehose:error-output-type}}/{PARTITION}=!{{timestamp:yyyy-MM-dd}}/",
                # 64 MB is the least where records are converted.
                buffering_hints=of.BufferingHintsProperty(interval_in_seconds=300, size_in_m_bs=64),
                compression_format="UNCOMPRESSED",  # Parquet compresses by itself
                cloud_watch_logging_options=of.CloudWatchLoggingOptionsProperty(
                    enabled=True, log_group_name=log.log_group_name, log_stream_name=_LOG
                ),
                processing_configuration=_processing(self.converter),
                data_format_conversion_configuration=_conversion(catalogue, role),
            ),
        )
        self.stream.node.add_dependency(role)  # with its policy: Firehose tries its rights when the stream is made

    def grant_put(self, function: Function) -> None:
        """Lets it put events that do not go over the bus."""
        function.allow(["firehose:PutRecord"], self.stream.attr_arn)


def _processing(converter: Function) -> firehose.CfnDeliveryStream.ProcessingConfigurationProperty:
    """By a Lambda: an input transformer of EventBridge's cannot make a text of an object (it escapes nothing), and
    what OpenX's deserialiser makes of one under a column of type text is written nowhere: Firehose's documentation
    ("Convert input data format") wants a struct, which free-form data do not have."""
    of = firehose.CfnDeliveryStream
    # Its answer may have 6 MB. Base64 makes four thirds of a row, and in the row each quotation mark counts twice.
    parameters = {"LambdaArn": converter.function_arn, "BufferSizeInMBs": "1", "BufferIntervalInSeconds": "60"}
    return of.ProcessingConfigurationProperty(
        enabled=True,
        processors=[
            of.ProcessorProperty(
                type="Lambda",
                parameters=[
                    of.ProcessorParameterProperty(parameter_name=name, parameter_value=value)
                    for name, value in parameters.items()
                ],
            )
        ],
    )


def _conversion(
    catalogue: Catalogue, role: iam.Role
) -> firehose.CfnDeliveryStream.DataFormatConversionConfigurationProperty:
    of = firehose.CfnDeliveryStream
    return of.DataFormatConversionConfigurationProperty(
        enabled=True,
        input_format_configuration=of.InputFormatConfigurationProperty(
            deserializer=of.DeserializerProperty(open_x_json_ser_de=of.OpenXJsonSerDeProperty())
        ),
        output_format_configuration=of.OutputFormatConfigurationProperty(
            serializer=of.SerializerProperty(parquet_ser_de=of.ParquetSerDeProperty(compression="SNAPPY"))
        ),
        schema_configuration=of.SchemaConfigurationProperty(
            catalog_id=Stack.of(role).account,
            database_name=catalogue.database.ref,
            table_name=catalogue.table.ref,
            region=Stack.of(role).region,
            role_arn=role.role_arn,
            version_id="LATEST",
        ),
    )


def _grant(role: iam.Role, bucket: s3.Bucket, catalogue: Catalogue, converter: Function, log: logs.LogGroup) -> None:
    """What Firehose's documentation lists ("Controlling access"), each for one resource."""

    def allow(actions: Sequence[str], *resources: str) -> None:
        role.add_to_policy(iam.PolicyStatement(actions=actions, resources=list(resources)))

    stack = Stack.of(role)
    folders = [bucket.arn_for_objects(f"{folder}*") for folder in (EVENTS, ERRORS)]
    allow(["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"], bucket.bucket_arn)
    allow(["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"], *folders)
    allow(
        ["lambda:GetFunctionConfiguration", "lambda:InvokeFunction"],
        converter.function_arn,
        f"{converter.function_arn}:$LATEST",
    )
    database, table = catalogue.database.ref, catalogue.table.ref
    schema = {"catalog": None, "database": database, "table": f"{database}/{table}"}
    allow(
        ["glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"],
        *(stack.format_arn(service="glue", resource=kind, resource_name=name) for kind, name in schema.items()),
    )
    log_stream = stack.format_arn(
        service="logs",
        resource="log-group",
        resource_name=f"{log.log_group_name}:log-stream:{_LOG}",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
    allow(["logs:PutLogEvents"], log_stream)
    logical_id = stack.get_logical_id(cast(CfnElement, bucket.node.default_child))
    Validations.of(role).acknowledge(
        *(
            Acknowledgment(
                id=f"AwsSolutions-IAM5[Resource::<{logical_id}.Arn>/{folder}*]",
                reason="Firehose makes the names of the files; nothing but the audit trail is in the bucket.",
            )
            for folder in (EVENTS, ERRORS)
        )
    )

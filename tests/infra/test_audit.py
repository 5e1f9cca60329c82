"""The audit trail: every event gets into files, nobody else reads or writes them, and Athena finds them."""

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms

from tarry_backend.deploy.topology import RULE_PATTERN
from tarry_backend.events.audit_row import COLUMNS
from tests.infra.conftest import Synthesise
from tests.infra.template import Properties, Template, listed, text

LOG = ["logs:CreateLogStream", "logs:PutLogEvents"]


@pytest.fixture(scope="module")
def audited(synthesise: Synthesise) -> Template:
    """The stack as it is by default."""
    return synthesise()


@pytest.fixture(scope="module")
def keyed(synthesise: Synthesise) -> Template:
    """The stack with a key of the user's own, other times, and to be removed."""

    def share(stack: cdk.Stack) -> dict[str, Any]:
        return {"encryption_key": kms.Key(stack, "Key", enable_key_rotation=True)}

    return synthesise(share, audit_days=30, removal_policy=cdk.RemovalPolicy.DESTROY)


def named(template: Template, kind: str, beginning: str) -> tuple[str, Properties]:
    (found,) = ((name, each) for name, each in template.of(kind).items() if name.startswith(beginning))
    return found


def rule(template: Template) -> tuple[str, Properties]:
    return named(template, "Events::Rule", "Audit")


def bucket(template: Template) -> tuple[str, Properties]:
    return named(template, "S3::Bucket", "Audit")


def destination(template: Template) -> Properties:
    found: Properties = template.one("KinesisFirehose::DeliveryStream")["ExtendedS3DestinationConfiguration"]
    return found


def may(template: Template, role: str) -> set[tuple[str, str]]:
    """Each action that the role allows, with the resource."""
    return {
        (action, text(resource))
        for statement in template.policy_of("IAM::Policy", "Roles", role)
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    }


def product(service: str, actions: list[str], resources: list[str]) -> list[tuple[str, str]]:
    return [(f"{service}:{action}", resource) for action in actions for resource in resources]


def test_every_event_of_the_bus_goes_to_firehose_whole(audited: Template) -> None:
    (bus,) = audited.of("Events::EventBus")
    (stream,) = audited.of("KinesisFirehose::DeliveryStream")
    _, properties = rule(audited)
    (target,) = properties["Targets"]
    assert properties["EventBusName"] == {"Ref": bus}
    assert properties["EventPattern"] == RULE_PATTERN
    assert properties.get("State", "ENABLED") == "ENABLED"
    assert target["Arn"] == {"Fn::GetAtt": [stream, "Arn"]}
    assert target.keys() == {"Id", "Arn", "RoleArn", "DeadLetterConfig"}


def test_the_rule_may_put_records_and_nothing_else(audited: Template) -> None:
    (stream,) = audited.of("KinesisFirehose::DeliveryStream")
    role, properties = named(audited, "IAM::Role", "AuditRule")
    assert rule(audited)[1]["Targets"][0]["RoleArn"] == {"Fn::GetAtt": [role, "Arn"]}
    assert may(audited, role) == {(f"firehose:{action}", f"{stream}.Arn") for action in ("PutRecord", "PutRecordBatch")}
    assert trusted(properties) == {"Service": "events.amazonaws.com"}


def test_an_event_that_firehose_refuses_goes_to_dead_letters_that_only_the_rule_may_send_to(audited: Template) -> None:
    queue, properties = named(audited, "SQS::Queue", "AuditDeadLetters")
    name, ours = rule(audited)
    assert ours["Targets"][0]["DeadLetterConfig"]["Arn"] == {"Fn::GetAtt": [queue, "Arn"]}
    statements = audited.policy_of("SQS::QueuePolicy", "Queues", queue)
    assert [
        (each["Action"], each["Principal"], text(each["Condition"]["ArnEquals"]["aws:SourceArn"]))
        for each in statements
        if each["Effect"] == "Allow"
    ] == [("sqs:SendMessage", {"Service": "events.amazonaws.com"}, f"{name}.Arn")]
    assert audited.refusals_of_plain_http(statements)
    assert properties["SqsManagedSseEnabled"] is True
    assert properties["MessageRetentionPeriod"] == 14 * 86_400


def test_its_dead_letters_and_a_lambda_that_dies_call(audited: Template) -> None:
    queue, _ = named(audited, "SQS::Queue", "AuditDeadLetters")
    function, _ = audited.function("audit")
    alarms = {
        text(each["AlarmName"]): text(each["Dimensions"][0]["Value"])
        for each in audited.of("CloudWatch::Alarm").values()
    }
    assert alarms["Tarry-audit-dead-letters"] == f"{queue}.QueueName"
    assert alarms["Tarry-converter-errors"] == function


def test_files_are_parquet_by_day_and_what_is_no_row_is_kept_beside_them(audited: Template) -> None:
    name, _ = bucket(audited)
    to = destination(audited)
    assert to["BucketARN"] == {"Fn::GetAtt": [name, "Arn"]}
    assert to["Prefix"] == "events/day=!{timestamp:yyyy-MM-dd}/"
    assert to["ErrorOutputPrefix"] == "errors/!{firehose:error-output-type}/day=!{timestamp:yyyy-MM-dd}/"
    assert to.get("CustomTimeZone", "UTC") == "UTC"
    assert "DynamicPartitioningConfiguration" not in to, "it would cost extra"
    conversion = to["DataFormatConversionConfiguration"]
    assert conversion["Enabled"] is True
    assert conversion["OutputFormatConfiguration"]["Serializer"] == {"ParquetSerDe": {"Compression": "SNAPPY"}}
    assert to["CompressionFormat"] == "UNCOMPRESSED", "Firehose refuses another where it converts"
    assert to["BufferingHints"]["SizeInMBs"] >= 64, "Firehose refuses less where it converts"


def test_firehose_is_given_rows_by_the_lambda_and_their_types_by_the_table(audited: Template) -> None:
    function, _ = audited.function("audit")
    (table,), (database,) = map(audited.of, ("Glue::Table", "Glue::Database"))
    (processor,) = destination(audited)["ProcessingConfiguration"]["Processors"]
    parameters = {each["ParameterName"]: each["ParameterValue"] for each in processor["Parameters"]}
    assert parameters["LambdaArn"] == {"Fn::GetAtt": [function, "Arn"]}
    assert float(parameters["BufferSizeInMBs"]) <= 1, "Lambda's answer may have 6 MB"
    schema = destination(audited)["DataFormatConversionConfiguration"]["SchemaConfiguration"]
    assert (schema["DatabaseName"], schema["TableName"]) == ({"Ref": database}, {"Ref": table})


def test_the_tables_columns_are_those_of_the_rows(audited: Template) -> None:
    name, _ = bucket(audited)
    table = audited.one("Glue::Table")["TableInput"]
    storage = table["StorageDescriptor"]
    assert table["Name"] == "events"
    assert [(each["Name"], each["Type"]) for each in storage["Columns"]] == [(each.name, each.type) for each in COLUMNS]
    assert text(storage["Location"]) == f"s3://{name}/events/"


def test_athena_reckons_out_the_days_without_a_crawler(audited: Template) -> None:
    table = audited.one("Glue::Table")["TableInput"]
    assert [(each["Name"], each["Type"]) for each in table["PartitionKeys"]] == [("day", "string")]
    projection = {key: value for key, value in table["Parameters"].items() if key.startswith("projection.")}
    assert projection == {
        "projection.enabled": "true",
        "projection.day.type": "date",
        "projection.day.format": "yyyy-MM-dd",
        "projection.day.range": "NOW-366DAYS,NOW",
    }
    assert audited.of("Glue::Crawler") == {}


def test_queries_cannot_leave_the_workgroups_bounds(audited: Template) -> None:
    name, _ = bucket(audited)
    workgroup = audited.one("Athena::WorkGroup")
    bounds = workgroup["WorkGroupConfiguration"]
    assert workgroup["Name"] == "Tarry"
    assert bounds["EnforceWorkGroupConfiguration"] is True
    assert bounds["BytesScannedCutoffPerQuery"] == 100 * 1024**3
    assert text(bounds["ResultConfiguration"]["OutputLocation"]) == f"s3://{name}/answers/"
    assert bounds["ResultConfiguration"]["EncryptionConfiguration"] == {"EncryptionOption": "SSE_S3"}


def test_firehose_may_write_these_files_read_the_schema_and_nothing_else(audited: Template) -> None:
    name, _ = bucket(audited)
    function, _ = audited.function("audit")
    (database,), (table,) = map(audited.of, ("Glue::Database", "Glue::Table"))
    (log,) = (each for each in audited.of("Logs::LogGroup") if each.startswith("AuditDeliveryLog"))
    here = "AWS::Region:AWS::AccountId"
    role, properties = named(audited, "IAM::Role", "AuditDeliveryRole")
    glue = f"arn:AWS::Partition:glue:{here}"
    assert may(audited, role) == {
        *product("s3", ["GetBucketLocation", "ListBucket", "ListBucketMultipartUploads"], [f"{name}.Arn"]),
        *product(
            "s3", ["AbortMultipartUpload", "GetObject", "PutObject"], [f"{name}.Arn/events/*", f"{name}.Arn/errors/*"]
        ),
        *product(
            "glue",
            ["GetTable", "GetTableVersion", "GetTableVersions"],
            [f"{glue}:catalog", f"{glue}:database/{database}", f"{glue}:table/{database}/{table}"],
        ),
        *product(
            "lambda", ["GetFunctionConfiguration", "InvokeFunction"], [f"{function}.Arn", f"{function}.Arn:$LATEST"]
        ),
        ("logs:PutLogEvents", f"arn:AWS::Partition:logs:{here}:log-group:{log}:log-stream:delivery"),
    }
    assert trusted(properties) == {"Service": "firehose.amazonaws.com"}


def test_the_lambda_may_write_its_log_and_nothing_else(audited: Template) -> None:
    assert audited.may("audit") == {(action, "AuditDeliveryConverterLog.Arn") for action in LOG}


def test_no_role_is_shared(audited: Template) -> None:
    lambdas = [str(each["Role"]) for each in audited.of("Lambda::Function").values()]
    assert len(lambdas) == len(set(lambdas)) == len(audited.of("IAM::Role")) - 2


def test_the_bucket_is_private_and_encrypted(audited: Template) -> None:
    _, properties = bucket(audited)
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(properties["PublicAccessBlockConfiguration"]) == 4
    (encryption,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert properties["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


def test_the_bucket_refuses_plain_http_and_old_tls(audited: Template) -> None:
    name, _ = bucket(audited)
    statements = audited.policy_of("S3::BucketPolicy", "Bucket", name)
    everything = {f"{name}.Arn", f"{name}.Arn/*"}
    refusals = [
        (each["Condition"], {text(resource) for resource in listed(each["Resource"])})
        for each in statements
        if each["Effect"] == "Deny" and each["Action"] == "s3:*" and each["Principal"] == {"AWS": "*"}
    ]
    assert ({"Bool": {"aws:SecureTransport": "false"}}, everything) in refusals
    assert ({"NumericLessThan": {"s3:TlsVersion": 1.2}}, everything) in refusals


def test_what_firehose_holds_meanwhile_is_encrypted(audited: Template) -> None:
    stream = audited.one("KinesisFirehose::DeliveryStream")
    assert stream["DeliveryStreamEncryptionConfigurationInput"] == {"KeyType": "AWS_OWNED_CMK"}


def test_files_are_kept_a_year_and_answers_a_week(audited: Template) -> None:
    assert kept(audited) == {"events/": 365, "errors/": 365, "answers/": 7}


def test_the_files_outlive_the_stack_by_default(audited: Template, keyed: Template) -> None:
    for template, policy in ((audited, "Retain"), (keyed, "Delete")):
        resource = template.resources[bucket(template)[0]]
        assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == (policy, policy)


def test_how_long_they_are_kept_is_a_property(keyed: Template) -> None:
    assert kept(keyed) == {"events/": 30, "errors/": 30, "answers/": 7}
    assert keyed.one("Glue::Table")["TableInput"]["Parameters"]["projection.day.range"] == "NOW-31DAYS,NOW"


def test_with_a_key_of_ones_own_files_answers_and_logs_are_encrypted_by_it(keyed: Template) -> None:
    (key,) = (name for name, each in keyed.shared.items() if each["Type"] == "AWS::KMS::Key")
    (encryption,) = bucket(keyed)[1]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert key in text(encryption["ServerSideEncryptionByDefault"]["KMSMasterKeyID"])
    answers = keyed.one("Athena::WorkGroup")["WorkGroupConfiguration"]["ResultConfiguration"]["EncryptionConfiguration"]
    assert answers["EncryptionOption"] == "SSE_KMS"
    assert key in text(answers["KmsKey"])
    logs = [each for name, each in keyed.of("Logs::LogGroup").items() if name.startswith("Audit")]
    assert len(logs) == 2
    assert all(key in text(each["KmsKeyId"]) for each in logs)
    _, queue = named(keyed, "SQS::Queue", "AuditDeadLetters")
    assert key in text(queue["KmsMasterKeyId"])


def test_with_a_key_of_ones_own_firehose_may_use_it(keyed: Template) -> None:
    role, _ = named(keyed, "IAM::Role", "AuditDeliveryRole")
    used = {action for action, resource in may(keyed, role) if "Key" in resource}
    assert {"kms:Decrypt", "kms:GenerateDataKey"} <= used


def test_without_the_trail_there_is_nothing_of_it(changed: Template) -> None:
    assert [name for name in changed.resources if name.startswith("Audit")] == []


def kept(template: Template) -> dict[str, int]:
    rules = bucket(template)[1]["LifecycleConfiguration"]["Rules"]
    assert {each["Status"] for each in rules} == {"Enabled"}
    return {each["Prefix"]: each["ExpirationInDays"] for each in rules}


def trusted(role: Properties) -> Any:
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    return statement["Principal"]


def test_the_executor_puts_ends_to_firehose_only_if_there_is_a_trail(audited: Template, changed: Template) -> None:
    """Those that do not go over the bus."""
    stream, _ = named(audited, "KinesisFirehose::DeliveryStream", "Audit")
    assert ("firehose:PutRecord", "AuditDeliveryStream.Arn") in audited.may("executor")
    assert [action for action, _ in changed.may("executor") if action.startswith("firehose:")] == []
    variables = [each.function("executor")[1]["Environment"]["Variables"] for each in (audited, changed)]
    assert [each["TARRY_AUDIT_STREAM"] for each in variables] == [{"Fn::GetAtt": [stream, "Arn"]}, ""]

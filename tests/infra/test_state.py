"""The table is the models' and cannot be lost; the bucket is closed."""

from tarry_backend.store.models import EXPIRES, table_definition
from tests.infra.template import Template, listed, text


def test_keys_and_indexes_are_those_of_the_models(template: Template) -> None:
    table, models = template.one("DynamoDB::Table"), table_definition("")
    read = ("BillingMode", "KeySchema", "GlobalSecondaryIndexes")
    assert {key: table[key] for key in read} == {key: models[key] for key in read}


def test_the_table_declares_the_attributes_that_the_models_use_as_keys(template: Template) -> None:
    table, models = template.one("DynamoDB::Table"), table_definition("")
    declared = [sorted(map(str, each["AttributeDefinitions"])) for each in (table, models)]
    assert declared[0] == declared[1]


def test_time_to_live_goes_by_the_models_attribute(template: Template) -> None:
    assert template.one("DynamoDB::Table")["TimeToLiveSpecification"] == {
        "AttributeName": EXPIRES,
        "Enabled": True,
    }


def test_the_table_is_encrypted_and_can_be_put_back_to_any_second(template: Template) -> None:
    table = template.one("DynamoDB::Table")
    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_table_and_bucket_outlive_the_stack_by_default(template: Template) -> None:
    assert removal_policies(template) == {"Retain"}
    assert template.one("DynamoDB::Table")["DeletionProtectionEnabled"] is True


def test_table_and_bucket_go_with_the_stack_when_asked(changed: Template) -> None:
    assert removal_policies(changed) == {"Delete"}
    assert changed.one("DynamoDB::Table")["DeletionProtectionEnabled"] is False


def test_the_bucket_is_private_and_encrypted(template: Template) -> None:
    bucket = template.one("S3::Bucket")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


def test_the_bucket_refuses_plain_http_and_old_tls(template: Template) -> None:
    (bucket,) = template.of("S3::Bucket")
    denied = [
        (statement["Condition"], {text(resource) for resource in listed(statement["Resource"])})
        for statement in template.policy_of("S3::BucketPolicy", "Bucket", bucket)
        if statement["Effect"] == "Deny" and statement["Action"] == "s3:*" and statement["Principal"] == {"AWS": "*"}
    ]
    everything = {f"{bucket}.Arn", f"{bucket}.Arn/*"}
    assert ({"Bool": {"aws:SecureTransport": "false"}}, everything) in denied
    assert ({"NumericLessThan": {"s3:TlsVersion": 1.2}}, everything) in denied


def removal_policies(template: Template) -> set[str]:
    """What becomes of the data when the stack is deleted or a resource replaced."""
    return {
        resource[policy]
        for resource in template.resources.values()
        if resource["Type"] in {"AWS::DynamoDB::Table", "AWS::S3::Bucket"}
        for policy in ("DeletionPolicy", "UpdateReplacePolicy")
    }

"""The table is the models' and cannot be lost; the bucket is closed."""

from random import Random

import pytest

from tarry import App, Context, Event, TriggerEvent
from tarry_backend.store.models import EXPIRES, table_definition
from tarry_dev.cloud import Cloud
from tests.infra.template import Template, text


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


def test_every_bucket_is_private_and_encrypted(template: Template) -> None:
    for bucket in template.of("S3::Bucket").values():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert len(bucket["PublicAccessBlockConfiguration"]) == 4
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
        assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


def test_every_bucket_refuses_plain_http_and_old_tls(template: Template) -> None:
    for bucket in template.of("S3::Bucket"):
        statements = template.policy_of("S3::BucketPolicy", "Bucket", bucket)
        (refusal,) = template.refusals_of_plain_http(statements)
        old_tls = {"NumericLessThan": {"s3:TlsVersion": 1.2}}
        (other,) = (each for each in statements if each["Effect"] == "Deny" and each["Condition"] == old_tls)
        for each in (refusal, other):
            assert (each["Action"], each["Principal"]) == ("s3:*", {"AWS": "*"})
            assert {text(resource) for resource in each["Resource"]} == {f"{bucket}.Arn", f"{bucket}.Arn/*"}


def test_the_table_refuses_plain_http(template: Template) -> None:
    """A policy of a table's own takes ``*`` for the table: it cannot name what is not there yet."""
    policy = template.one("DynamoDB::Table")["ResourcePolicy"]["PolicyDocument"]
    (refusal,) = template.refusals_of_plain_http(policy["Statement"])
    assert (refusal["Action"], refusal["Resource"]) == ("dynamodb:*", "*")
    assert len(policy["Statement"]) == 1


@pytest.mark.parametrize(("stack", "log_days"), [("template", 7), ("changed", 3)])
def test_large_events_leave_the_bucket_once_the_table_has_let_go_of_them(
    request: pytest.FixtureRequest, stack: str, log_days: int
) -> None:
    """Time to live takes up to two days. An object's days begin at the first midnight after it was written."""
    template: Template = request.getfixturevalue(stack)
    _, bucket = template.named("S3::Bucket", "StateValues")
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    assert rule == {"Id": "log", "Prefix": "log/", "Status": "Enabled", "ExpirationInDays": log_days + 2}
    assert template.function("matcher")[1]["Environment"]["Variables"]["TARRY_LOG_DAYS"] == str(log_days)


def test_what_runs_keep_in_the_bucket_is_not_among_it(template: Template) -> None:
    """A run may wait for years, and what it was started by with it."""
    app = App("shop")

    @app.create_function(fn_id="keep", trigger=TriggerEvent(event="scan/made"))
    async def keep(ctx: Context) -> None:
        await ctx.step.wait_for_event("wait", event="scan/read", timeout="366d")

    with Cloud(app) as cloud:
        cloud.send(Event("scan/made", {"pixels": Random(7).randbytes(300_000).hex()}))
        cloud.pump()
        objects = cloud.clients.s3.list_objects_v2(Bucket=cloud.settings.bucket)["Contents"]
    _, bucket = template.named("S3::Bucket", "StateValues")
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    leaving = [entry["Key"].startswith(rule["Prefix"]) for entry in sorted(objects, key=lambda entry: entry["Key"])]
    assert leaving == [True, False], "the log's own, and the run's"


def removal_policies(template: Template) -> set[str]:
    """What becomes of the data when the stack is deleted or a resource replaced."""
    return {
        resource[policy]
        for logical_id, resource in template.resources.items()
        if resource["Type"] in {"AWS::DynamoDB::Table", "AWS::S3::Bucket"} and logical_id.startswith("State")
        for policy in ("DeletionPolicy", "UpdateReplacePolicy")
    }


def test_the_writes_that_the_table_and_its_indexes_are_ready_for_are_a_property(
    template: Template, changed: Template
) -> None:
    table = changed.one("DynamoDB::Table")
    for warm in (table, *table["GlobalSecondaryIndexes"]):
        assert warm["WarmThroughput"] == {"WriteUnitsPerSecond": 20_000}
    assert "WarmThroughput" not in template.one("DynamoDB::Table")

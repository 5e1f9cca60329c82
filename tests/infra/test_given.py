"""What a user has already and gives to the stack: a bus, a key, a topic, tags."""

import aws_cdk as cdk
import pytest
from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms

from tarry import UsageError
from tarry_infra import TarryStack
from tests.infra.conftest import NO_BUNDLING, SHOP, Synthesise
from tests.infra.template import Properties, Template, text

HANDLERS = ["matcher", "executor", "timers", "sweep"]
WITH_DATA = [*HANDLERS, "signals"]


def key_of(template: Template) -> str:
    """The export that the key of the shared stack is taken by."""
    (key,) = (name for name, each in template.shared.items() if each["Type"] == "AWS::KMS::Key")
    return f"Shared:ExportsOutputFnGetAtt{key}Arn"


def test_a_bus_that_is_given_is_the_apps_and_none_is_made(given: Template) -> None:
    assert given.of("Events::EventBus") == {}
    _, rule = given.rule_to(given.queue_read_by("matcher")[0])
    assert text(rule["EventBusName"]).startswith("Shared:ExportsOutputRefBus")
    for handler in HANDLERS:
        bus = given.function(handler)[1]["Environment"]["Variables"]["TARRY_BUS"]
        assert text(bus) == text(rule["EventBusName"])
    putters = [resource for action, resource in given.may("executor") if action == "events:PutEvents"]
    assert len(putters) == 1
    assert putters[0].startswith("Shared:ExportsOutputFnGetAttBus")


def test_a_bus_of_another_stack_can_be_named(synthesise: Synthesise) -> None:
    named = synthesise(lambda stack: {"bus": events.EventBus.from_event_bus_name(stack, "Bus", "default")})
    assert named.function("executor")[1]["Environment"]["Variables"]["TARRY_BUS"] == "default"
    (lost,) = (
        each
        for each in named.of("CloudWatch::Alarm").values()
        if each["MetricName"] == "InvocationsFailedToBeSentToDlq"
    )
    rule, _ = named.rule_to(named.queue_read_by("matcher")[0])
    name = {"Fn::Select": [1, {"Fn::Split": ["/", {"Fn::GetAtt": [rule, "Arn"]}]}]}
    assert lost["Dimensions"] == [{"Name": "RuleName", "Value": name}], "metrics of the default bus do not name it"


def test_a_bus_of_another_account_is_an_error_where_the_stack_is_made(synthesise: Synthesise) -> None:
    theirs = "arn:aws:events:eu-central-1:210987654321:event-bus/orders"
    own = cdk.Environment(account="123456789012", region="eu-central-1")
    with pytest.raises(UsageError, match="the bus is in account 210987654321, the stack in 123456789012"):
        synthesise(lambda stack: {"bus": events.EventBus.from_event_bus_arn(stack, "Bus", theirs)}, env=own)


def test_what_is_kept_is_encrypted_with_the_key_that_is_given(given: Template) -> None:
    key = key_of(given)
    table = given.one("DynamoDB::Table")["SSESpecification"]
    assert (table["SSEEnabled"], table["SSEType"]) == (True, "KMS")
    assert text(table["KMSMasterKeyId"]).startswith(key)
    for bucket in given.of("S3::Bucket").values():
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["BucketKeyEnabled"] is True
        assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
        assert text(rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"]).startswith(key)
    for queue in given.of("SQS::Queue").values():
        assert text(queue["KmsMasterKeyId"]).startswith(key)
        assert "SqsManagedSseEnabled" not in queue
    for group in given.of("Logs::LogGroup").values():
        assert text(group["KmsKeyId"]).startswith(key)


@pytest.mark.parametrize("handler", WITH_DATA)
def test_each_lambda_may_use_the_key_and_no_other(given: Template, template: Template, handler: str) -> None:
    may = {(action, resource) for action, resource in given.may(handler) if action.startswith("kms:")}
    assert {"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"} <= {action for action, _ in may}
    assert all(resource.startswith(key_of(given)) for _, resource in may)
    assert [action for action, _ in template.may(handler) if action.startswith("kms:")] == []


def test_eventbridge_and_the_logs_may_use_the_key(given: Template) -> None:
    (key,) = (each["Properties"] for each in given.shared.values() if each["Type"] == "AWS::KMS::Key")
    allowed = {
        text(statement["Principal"]["Service"]): statement
        for statement in key["KeyPolicy"]["Statement"]
        if "Service" in statement["Principal"]
    }
    assert {"kms:Decrypt", "kms:GenerateDataKey*"} <= set(allowed["events.amazonaws.com"]["Action"])
    logs = allowed["logs.AWS::Region.AWS::URLSuffix"]  # in China that ends in amazonaws.com.cn
    assert {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*"} <= set(logs["Action"])
    groups = "arn:AWS::Partition:logs:AWS::Region:AWS::AccountId:log-group:*"
    assert text(logs["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]) == groups


def test_a_key_that_is_imported_is_used_as_well(synthesise: Synthesise) -> None:
    arn = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    imported = synthesise(lambda stack: {"encryption_key": kms.Key.from_key_arn(stack, "Key", arn)})
    assert imported.one("DynamoDB::Table")["SSESpecification"]["KMSMasterKeyId"] == arn
    assert ("kms:Decrypt", arn) in imported.may("timers")


def other_rules(template: Template) -> list[Properties]:
    queue, _ = template.queue_read_by("matcher")
    return [
        statement
        for statement in template.policy_of("SQS::QueuePolicy", "Queues", queue)
        if statement["Effect"] == "Deny" and "ArnNotEquals" in statement["Condition"]
    ]


@pytest.mark.parametrize("stack", ["template", "given"])
def test_no_rule_but_the_apps_sends_to_the_events_queue_whatever_the_key(
    request: pytest.FixtureRequest, stack: str
) -> None:
    template: Template = request.getfixturevalue(stack)
    queue, _ = template.queue_read_by("matcher")
    rule, _ = template.rule_to(queue)
    (refusal,) = other_rules(template)
    assert refusal["Principal"] == {"Service": "events.amazonaws.com"}
    assert refusal["Action"] == "sqs:SendMessage"
    assert refusal["Condition"] == {"ArnNotEquals": {"aws:SourceArn": {"Fn::GetAtt": [rule, "Arn"]}}}


def test_every_alarm_tells_the_topic_that_is_given(given: Template) -> None:
    alarms = given.of("CloudWatch::Alarm").values()
    assert len(alarms) > 10
    for alarm in alarms:
        (action,) = alarm["AlarmActions"]
        assert text(action).startswith("Shared:ExportsOutputRefTopic")
        assert alarm.get("ActionsEnabled", True) is True


def test_tags_are_the_stacks_which_cloudformation_hands_on() -> None:
    app = cdk.App(context=NO_BUNDLING)
    TarryStack(app, "Orders", app=SHOP, tags={"team": "shipping"})
    assert app.synth().get_stack_by_name("Orders").tags == {"team": "shipping"}


def test_three_lines_make_a_stack_in_an_app_of_ones_own() -> None:
    app = cdk.App(context=NO_BUNDLING)
    stack = TarryStack(app, "Orders", app=SHOP)
    assert stack.app.id == "shop"
    parts = {"State", "Ingest", "Runs", "Timers", "Observability"}
    assert parts <= {child.node.id for child in stack.node.children}

"""Each Lambda may do what it does, and nothing else."""

import json
import re
from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs

from tarry.errors import UsageError
from tarry_infra import TarryStack
from tests.infra.conftest import NO_BUNDLING, Synthesise
from tests.infra.policy import allows
from tests.infra.template import Template

RECEIVE = [
    f"sqs:{action}"
    for action in ("ReceiveMessage", "ChangeMessageVisibility", "GetQueueUrl", "DeleteMessage", "GetQueueAttributes")
]
LOG = ["logs:CreateLogStream", "logs:PutLogEvents"]

GRANTED = {
    "matcher": {
        ("dynamodb:BatchWriteItem", "StateTable.Arn"),
        ("dynamodb:GetItem", "StateTable.Arn"),
        ("dynamodb:BatchGetItem", "StateTable.Arn"),
        ("dynamodb:PutItem", "StateTable.Arn"),
        ("dynamodb:Query", "StateTable.Arn"),
        ("dynamodb:UpdateItem", "StateTable.Arn"),
        ("dynamodb:Query", "StateTable.Arn/index/waits"),
        ("s3:GetObject", "StateValues.Arn/log/*"),
        ("s3:PutObject", "StateValues.Arn/log/*"),
        ("sqs:SendMessage", "IngestEventsQueue.Arn"),
        ("sqs:SendMessage", "RunsQueue.Arn"),
        ("sqs:SendMessage", "TimersQueue.Arn"),
        *((action, "IngestEventsQueue.Arn") for action in RECEIVE),
        *((action, "IngestMatcherLog.Arn") for action in LOG),
    },
    "executor": {
        ("dynamodb:BatchGetItem", "StateTable.Arn"),
        ("dynamodb:BatchWriteItem", "StateTable.Arn"),
        ("dynamodb:DeleteItem", "StateTable.Arn"),
        ("dynamodb:GetItem", "StateTable.Arn"),
        ("dynamodb:PutItem", "StateTable.Arn"),
        ("dynamodb:Query", "StateTable.Arn"),
        ("dynamodb:UpdateItem", "StateTable.Arn"),
        ("s3:GetObject", "StateValues.Arn/log/*"),
        ("s3:GetObject", "StateValues.Arn/runs/*"),
        ("s3:PutObject", "StateValues.Arn/runs/*"),
        ("s3:PutObject", "StateValues.Arn/log/*-finished-*"),
        ("s3:DeleteObject", "StateValues.Arn/runs/*"),
        ("s3:ListBucket", "StateValues.Arn"),
        ("sqs:SendMessage", "RunsQueue.Arn"),
        ("sqs:SendMessage", "TimersQueue.Arn"),
        ("events:PutEvents", "IngestBus.Arn"),
        ("firehose:PutRecord", "AuditDeliveryStream.Arn"),
        *((action, "RunsQueue.Arn") for action in RECEIVE),
        *((action, "RunsExecutorLog.Arn") for action in LOG),
    },
    "timers": {
        ("dynamodb:GetItem", "StateTable.Arn"),
        ("dynamodb:Query", "StateTable.Arn"),
        ("s3:GetObject", "StateValues.Arn/log/*"),
        ("s3:GetObject", "StateValues.Arn/runs/*"),
        ("sqs:SendMessage", "IngestEventsQueue.Arn"),
        ("sqs:SendMessage", "RunsQueue.Arn"),
        ("sqs:SendMessage", "TimersQueue.Arn"),
        *((action, "TimersQueue.Arn") for action in RECEIVE),
        *((action, "TimersWakerLog.Arn") for action in LOG),
    },
    "sweep": {
        ("dynamodb:GetItem", "StateTable.Arn"),
        ("dynamodb:PutItem", "StateTable.Arn"),
        ("dynamodb:Query", "StateTable.Arn/index/due"),
        ("sqs:SendMessage", "TimersQueue.Arn"),
        *((f"sqs:{action}", "TimersMissed.Arn") for action in ("SendMessage", "GetQueueAttributes", "GetQueueUrl")),
        *((action, "TimersSweepLog.Arn") for action in LOG),
    },
    "signals": {
        ("dynamodb:GetItem", "StateTable.Arn"),
        ("dynamodb:PutItem", "StateTable.Arn"),
        ("sqs:SendMessage", "RunsQueue.Arn"),
        *((action, "SignalsFunctionLog.Arn") for action in LOG),
    },
}

RUN, LOGGED, KEYED, NAMED, ONCE, SIGNAL = "run#R", "log#paid#2026-11-26#0", "key#k", "name#paid", "once#f#v", "signal#a"
ENDED = "log#tarry/function.finished#2026-11-26#0"
GATED, LINED, CONTROL = "gate#fn#-#-#f", "line#fn#-#-#f", "fn#f"
LIMITER, SINGLE, PACED = "limit#f#-#-", "single#f#-#-", "pace#f#-#-"
CALM, BATCH = "calm#-#f", "batch#-#f"
EVERY_KEY = {
    *{RUN, LOGGED, ENDED, KEYED, NAMED, ONCE, SIGNAL, GATED, LINED, CONTROL, LIMITER, SINGLE, PACED, CALM, BATCH},
    "timers",
}

ITEMS: dict[str, dict[str, set[str]]] = {
    "matcher": {
        "BatchWriteItem": {LOGGED, ENDED, KEYED},
        "GetItem": {NAMED, CALM, BATCH},
        "PutItem": {CALM},
        "Query": {LOGGED, ENDED},
        "UpdateItem": {NAMED, RUN, CALM, BATCH},
    },
    "executor": {
        "BatchWriteItem": {RUN, ENDED},
        "GetItem": {RUN, NAMED, SIGNAL, CONTROL, LIMITER, SINGLE},
        "DeleteItem": {LINED},
        "PutItem": {RUN, ONCE, SIGNAL, LIMITER, SINGLE},
        "Query": {RUN, LOGGED, ENDED, KEYED, LINED},
        "UpdateItem": {NAMED, RUN, GATED, LINED, SINGLE, PACED},
    },
    "timers": {"GetItem": {RUN, NAMED}, "Query": {LOGGED, ENDED, KEYED}},
    "sweep": {"GetItem": {"timers"}, "PutItem": {"timers"}},
    "signals": {"GetItem": {SIGNAL}},
    "api": {
        "GetItem": {RUN, NAMED, LINED, CONTROL, SINGLE, BATCH, CALM, PACED, GATED},
        "Query": {RUN, LOGGED, ENDED, LINED, CALM},
    },
}
"""Of which partitions a Lambda may do what with items that have any attribute, such as the keys of an index."""

LIMITED: list[tuple[str, str, str, set[str]]] = [
    ("matcher", "BatchWriteItem", RUN, {"pk", "sk", "expires"}),
    ("matcher", "PutItem", RUN, {"pk", "sk", "trace", "expires"}),
    ("api", "BatchWriteItem", RUN, {"pk", "sk", "expires"}),
    ("api", "UpdateItem", CONTROL, {"pk", "sk", "paused", "draining", "limit_now"}),
    ("signals", "PutItem", SIGNAL, {"pk", "sk", "mailbox", "written_by", "expires"}),
]
"""What a Lambda may write with these attributes and no others."""


@pytest.mark.parametrize("handler", GRANTED)
def test_a_lambda_may_do_what_it_does_and_nothing_else(template: Template, handler: str) -> None:
    assert template.may(handler) == GRANTED[handler]


@pytest.mark.parametrize("handler", GRANTED)
def test_no_action_is_a_wildcard_and_no_resource_but_the_buckets_objects(template: Template, handler: str) -> None:
    allowed = template.may(handler)
    assert [action for action, _ in allowed if "*" in action] == []
    assert {resource for _, resource in allowed if "*" in resource} <= {
        "StateValues.Arn/log/*",
        "StateValues.Arn/log/*-finished-*",
        "StateValues.Arn/runs/*",
    }


@pytest.mark.parametrize("handler", ITEMS)
def test_a_lambda_reaches_the_items_that_it_uses_and_no_others(
    template: Template, changed: Template, handler: str
) -> None:
    statements = (changed if handler == "api" else template).statements(handler)
    actions = ("BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "Scan", "UpdateItem")
    planted = ("pk", "sk", "expires", "match_key", "wait_ref")
    reached = {
        action: {key for key in EVERY_KEY if allows(statements, f"dynamodb:{action}", "StateTable", [key], planted)}
        for action in actions
    }
    assert {action: keys for action, keys in reached.items() if keys} == ITEMS[handler]


@pytest.mark.parametrize(("handler", "action", "key", "attributes"), LIMITED)
def test_a_lambda_that_marks_or_posts_cannot_write_what_an_index_shows(
    template: Template, changed: Template, handler: str, action: str, key: str, attributes: set[str]
) -> None:
    statements = (changed if handler == "api" else template).statements(handler)

    def may(key: str, attributes: set[str]) -> bool:
        return allows(statements, f"dynamodb:{action}", "StateTable", [key], attributes)

    assert may(key, attributes)
    for index_key in ("match_key", "wait_ref", "due", "due_shard", "fn_status", "started"):
        assert not may(key, attributes | {index_key})
    assert not any(may(other, attributes) for other in {RUN, SIGNAL, ONCE, NAMED, "timers"} - {key})


def granted(grant: Callable[[TarryStack, iam.Role], None], **properties: Any) -> list[dict[str, Any]]:
    """What a role outside of the stack may do once it is granted something."""
    app = cdk.App(context=NO_BUNDLING)
    stack = TarryStack(app, "Tarry", app="examples.approval:app", **properties)
    grant(stack, iam.Role(stack, "Outside", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com")))
    resources = Template(app.synth().get_stack_by_name("Tarry").template["Resources"]).of("IAM::Policy")
    (policy,) = (each for name, each in resources.items() if name.startswith("Outside"))
    statements: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
    return statements


@pytest.fixture(scope="module")
def sender() -> list[dict[str, Any]]:
    """What a role outside of the stack may do that may send signals."""
    return granted(TarryStack.grant_send_signals)


def test_who_may_send_signals_cannot_plant_an_index_entry(sender: list[dict[str, Any]]) -> None:
    """An item under a signal's key with ``match_key`` and ``wait_ref`` of its own stands among the open waits: the next
    event of the name resumed whatever run it named."""
    planted = ("pk", "sk", "match_key", "wait_ref", "residual", "since", "deadline")
    assert not allows(sender, "dynamodb:PutItem", "StateTable", ["signal#mine"], planted)


def test_who_may_send_signals_cannot_send_a_message_to_a_run(sender: list[dict[str, Any]]) -> None:
    """``Resume``, ``Start`` and ``CancelRun`` are messages of the runs queue: who may send them controls all runs."""
    assert not allows(sender, "sqs:SendMessage", "RunsQueue")


def test_who_may_send_signals_may_invoke_the_signals_lambda_and_nothing_else(sender: list[dict[str, Any]]) -> None:
    [statement] = sender
    assert (statement["Effect"], statement["Action"]) == ("Allow", "lambda:InvokeFunction")
    assert statement["Resource"]["Fn::GetAtt"][0].startswith("SignalsFunction")


def put_events(source: str, operator: str, name: str) -> dict[str, Any]:
    """What allows ``PutEvents`` for that source and those names alone, and for no request without them."""
    keys = {"events:source": "false", "events:detail-type": "false"}
    conditions: dict[str, dict[str, str]] = {"ForAllValues:StringEquals": {"events:source": source}, "Null": keys}
    conditions.setdefault(f"ForAllValues:{operator}", {})["events:detail-type"] = name
    bus = {"Fn::GetAtt": ["IngestBus", "Arn"]}
    return {"Action": "events:PutEvents", "Effect": "Allow", "Resource": bus, "Condition": conditions}


def without_hashes(statements: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The statements with the names of resources as the stack's constructs have them."""
    text = re.sub(r'("Fn::GetAtt": \["[A-Za-z]+?)[0-9A-F]{8}"', r'\1"', json.dumps(statements))
    shorn: list[dict[str, Any]] = json.loads(text)
    return shorn


def test_e8_who_may_put_events_puts_those_of_its_source_and_none_with_a_reserved_name() -> None:
    statements = granted(lambda stack, role: stack.grant_put_events(role, source="web"))
    assert without_hashes(statements) == [put_events("web", "StringNotLike", "tarry/*")]


def test_the_key_of_payloads_makes_data_keys_and_decrypts_and_no_more() -> None:
    [statement] = granted(lambda stack, role: stack.grant_encryption(kms.Key(stack, "Payloads"), role))
    assert (statement["Effect"], statement["Action"]) == ("Allow", ["kms:GenerateDataKey", "kms:Decrypt"])
    assert statement["Resource"]["Fn::GetAtt"][0].startswith("Payloads")


def test_e8_who_may_send_as_the_app_sends_none_with_a_reserved_name() -> None:
    assert without_hashes(granted(TarryStack.grant_send_events)) == [
        put_events("tarry.agent", "StringNotLike", "tarry/*")
    ]


def test_e8_who_may_cancel_runs_puts_the_event_that_cancels_and_no_other() -> None:
    assert without_hashes(granted(TarryStack.grant_cancel_runs)) == [
        put_events("tarry.agent", "StringEquals", "tarry/run.cancel")
    ]


def test_e8_who_may_retry_runs_puts_the_event_that_retries_and_no_other() -> None:
    assert without_hashes(granted(TarryStack.grant_retry_runs)) == [
        put_events("tarry.agent", "StringEquals", "tarry/run.retry")
    ]


@pytest.mark.parametrize("source", ["tarry.approval", "tarry.depot", "Tarry.depot", "aws.s3", ""])
def test_e8_no_sender_outside_is_granted_a_source_of_an_app_or_of_aws(source: str) -> None:
    stack = TarryStack(cdk.App(context=NO_BUNDLING), "Tarry", app="examples.approval:app")
    role = iam.Role(stack, "Outside", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
    with pytest.raises(UsageError, match="does not begin with"):
        stack.grant_put_events(role, source=source)


def test_the_api_reads_and_cancels_and_who_may_ask_it_may_nothing_else(changed: Template) -> None:
    assert changed.may("api") == {
        *((f"dynamodb:{each}", "StateTable.Arn") for each in ("BatchGetItem", "BatchWriteItem", "GetItem", "Query")),
        *((f"dynamodb:{each}", "StateTable.Arn") for each in ("PutItem", "UpdateItem")),
        *(("dynamodb:Query", f"StateTable.Arn/index/{index}") for index in ("due", "runs", "waits")),
        ("s3:GetObject", "StateValues.Arn/log/*"),
        ("s3:GetObject", "StateValues.Arn/runs/*"),
        ("s3:PutObject", "StateValues.Arn/runs/*"),
        ("sqs:SendMessage", "RunsQueue.Arn"),
        ("sqs:SendMessage", "TimersQueue.Arn"),
        *((action, "ApiFunctionLog.Arn") for action in LOG),
    }


def test_the_api_is_asked_by_whom_iam_lets_ask_and_there_is_none_unless_wanted(
    changed: Template, template: Template
) -> None:
    assert changed.one("Lambda::Url")["AuthType"] == "AWS_IAM"
    assert template.of("Lambda::Url") == {}


def test_who_may_ask_the_api_reaches_its_lambda_alone_and_by_its_url_alone() -> None:
    by_url, invoke = granted(TarryStack.grant_api, api=True)
    assert (by_url["Action"], invoke["Action"]) == ("lambda:InvokeFunctionUrl", "lambda:InvokeFunction")
    assert invoke["Condition"] == {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}
    for statement in (by_url, invoke):
        assert statement["Resource"]["Fn::GetAtt"][0].startswith("ApiFunction")


def test_no_api_no_grant() -> None:
    with pytest.raises(UsageError, match="api=True"):
        granted(TarryStack.grant_api)


def test_no_two_lambdas_share_a_role(template: Template) -> None:
    roles = [str(function["Role"]) for function in template.of("Lambda::Function").values()]
    assert len(roles) == len(set(roles))


@pytest.mark.parametrize("handler", GRANTED)
def test_only_lambda_takes_these_roles(template: Template, handler: str) -> None:
    role, _ = template.function(handler)[1]["Role"]["Fn::GetAtt"]
    (statement,) = template.of("IAM::Role")[role]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Action"] == "sts:AssumeRole"
    assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}


def test_the_only_roles_beside_the_lambdas_are_the_audit_trails(template: Template) -> None:
    taken = {function["Role"]["Fn::GetAtt"][0] for function in template.of("Lambda::Function").values()}
    others = template.of("IAM::Role").keys() - taken
    assert [name for name in others if not name.startswith("Audit")] == []


def test_a_finding_that_nobody_has_acknowledged_stops_the_synthesis(synthesise: Synthesise) -> None:
    def queue_without_dead_letters(stack: cdk.Stack) -> dict[str, Any]:
        sqs.Queue(stack, "Queue")
        return {}

    with pytest.raises(RuntimeError, match="AwsSolutions-SQS3"):
        synthesise(queue_without_dead_letters)

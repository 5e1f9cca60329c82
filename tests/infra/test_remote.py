"""A stack with remote apps: the gateway, the keys, and who may do what. Without one, there is none of it."""

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from tarry import UsageError
from tarry_infra import RemoteApp
from tests.infra.conftest import Synthesise
from tests.infra.template import Template


def an_app(scope: Construct) -> list[RemoteApp]:
    function = lambda_.Function(
        scope,
        "Shop",
        runtime=lambda_.Runtime.NODEJS_22_X,
        handler="index.handler",
        code=lambda_.Code.from_inline("exports.handler = async () => ({})"),
    )
    for finding in (
        "IAM4",
        "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]",
        "L1",
    ):
        cdk.Validations.of(function).acknowledge(
            cdk.Acknowledgment(id=f"AwsSolutions-{finding}", reason="It is the user's own Lambda.")
        )
    return [RemoteApp(id="shop", function=function), RemoteApp(id="far", url="https://far.example/api")]


@pytest.fixture(scope="module")
def remote(synthesise: Synthesise) -> Template:
    return synthesise(remote=an_app, spec="tarry_backend.remote.stack_app:app", audit=False)


def handlers(template: Template) -> set[str]:
    found = {each["Handler"] for each in template.of("Lambda::Function").values()}
    return {each.split(".")[2] for each in found if each.startswith("tarry_backend.handlers.")}


def test_without_a_remote_app_there_is_neither_gateway_nor_secret(template: Template) -> None:
    assert not template.of("SecretsManager::Secret")
    assert not {"gateway", "sync"} & handlers(template)
    assert not template.of("Lambda::Url")


def test_the_gateway_is_at_a_url_that_needs_a_key_and_no_iam(remote: Template) -> None:
    assert {"gateway", "sync"} <= handlers(remote)
    assert template_of_url(remote)["AuthType"] == "NONE"


def template_of_url(remote: Template) -> Any:
    return remote.one("Lambda::Url")


def test_a_key_has_as_many_random_digits_as_a_hash(remote: Template) -> None:
    for secret in remote.of("SecretsManager::Secret").values():
        assert secret["GenerateSecretString"] == {
            "ExcludeCharacters": "ghijklmnopqrstuvwxyz",
            "ExcludePunctuation": True,
            "ExcludeUppercase": True,
            "PasswordLength": 64,
        }


def test_no_key_is_in_the_template_and_the_lambda_gets_it_by_reference(remote: Template) -> None:
    _, app = remote.named("Lambda::Function", "Shop")
    variables = app["Environment"]["Variables"]
    assert variables.keys() == {"INNGEST_SIGNING_KEY", "INNGEST_EVENT_KEY", "INNGEST_BASE_URL"}
    assert "resolve:secretsmanager" in str(variables["INNGEST_SIGNING_KEY"])


@pytest.mark.parametrize("handler", ["executor", "sync"])
def test_only_that_app_s_lambda_may_be_invoked(remote: Template, handler: str) -> None:
    invoked = [resource for action, resource in remote.may(handler) if action == "lambda:InvokeFunction"]
    assert len(invoked) == 1
    assert "*" not in invoked[0]


def test_the_gateway_may_do_what_it_does_and_nothing_else(remote: Template) -> None:
    assert {action for action, _ in remote.may("gateway")} == {
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "events:PutEvents",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "s3:GetObject",
        "secretsmanager:GetSecretValue",
        "sqs:SendMessage",
    }


def test_an_app_needs_either_an_address_or_a_lambda() -> None:
    with pytest.raises(UsageError, match="url or function"):
        RemoteApp(id="shop")
    with pytest.raises(UsageError, match="https://"):
        RemoteApp(id="shop", url="http://shop.example")

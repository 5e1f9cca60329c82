"""The CDK app that the tests of tests/e2e deploy: as a user's own, but for what the emulator is."""

import os
import platform
import sys
from typing import Any

import aws_cdk as cdk
import jsii
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct, IConstruct

from tarry_infra import Capacity, RemoteApp, TarryStack

FEW = Capacity(memory=1024, timeout=30, concurrency=2)  # each is a process on this machine, and a core's worth


@jsii.implements(cdk.IAspect)
class BatchAsAnAction:
    """AWS lets whom it lets ``sqs:SendMessage`` send batches, too; MiniStack asks for an action of that name."""

    def visit(self, node: IConstruct) -> None:
        """Called by the CDK for each construct."""
        if isinstance(node, iam.CfnPolicy):
            document: dict[str, Any] = cdk.Stack.of(node).resolve(node.policy_document)
            for statement in document["Statement"]:
                if statement["Action"] == "sqs:SendMessage":
                    statement["Action"] = ["sqs:SendMessage", "sqs:SendMessageBatch"]
            node.policy_document = document


KEY = "8ee2262a15e8d3c42d6a840db7af3de2aab08ef632b32a37a687f24b34dba3ff"


@jsii.implements(cdk.IAspect)
class KeyAsText:
    """MiniStack's CloudFormation knows no references to secrets: the campaign has a key in clear, as the secret has."""

    def visit(self, node: IConstruct) -> None:
        """Called by the CDK for each construct."""
        if isinstance(node, secretsmanager.CfnSecret):
            node.generate_secret_string = None
            node.secret_string = KEY


def campaign(stack: Construct) -> list[RemoteApp]:
    """The mail campaign in TypeScript, as a Lambda."""
    is_emulated = bool(os.environ["E2E_EMULATED"])
    function = lambda_.Function(
        stack,
        "Campaign",
        runtime=lambda_.Runtime.NODEJS_22_X,
        handler="index.handler",
        code=lambda_.Code.from_asset("campaign"),
        timeout=cdk.Duration.seconds(60),
        environment={"INNGEST_SIGNING_KEY": f"signkey-tarry-{KEY}"} if is_emulated else {},
    )
    return [RemoteApp(id="shop", function=function, environment=not is_emulated)]


def emulated() -> dict[str, Any]:
    """What MiniStack wants otherwise: it runs Lambdas under its own interpreter, on this machine."""
    return {
        "runtime": lambda_.Runtime(f"python3.{sys.version_info.minor}", lambda_.RuntimeFamily.PYTHON),
        "architecture": lambda_.Architecture.ARM_64 if platform.machine() == "aarch64" else lambda_.Architecture.X86_64,
        "matcher": FEW,
        "timers": FEW,
    }


def main() -> None:
    """MiniStack does not know the bootstrap's roles, so the CDK deploys with the credentials that it is given."""
    name, is_emulated = os.environ["E2E_STACK"], bool(os.environ["E2E_EMULATED"])
    app = cdk.App(default_stack_synthesizer=cdk.CliCredentialsStackSynthesizer())
    stack = TarryStack(
        app,
        "Shop",
        app="shop:app",
        stack_name=name,
        tags={os.environ["E2E_TAG"]: name},
        api=True,
        remote=campaign,
        removal_policy=cdk.RemovalPolicy.DESTROY,
        log_retention=logs.RetentionDays.ONE_DAY,
        **(emulated() if is_emulated else {}),
    )
    if is_emulated:
        cdk.Aspects.of(stack).add(BatchAsAnAction())
        cdk.Aspects.of(stack).add(KeyAsText())
    app.synth()


main()

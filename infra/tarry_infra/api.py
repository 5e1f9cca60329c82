"""The HTTP API: a Lambda at a URL, for callers whom IAM allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnOutput
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from tarry_infra.functions import Capacity, Function
from tarry_infra.regions import FUNCTION_URLS

if TYPE_CHECKING:
    from tarry_infra.functions import Host
    from tarry_infra.runs import Runs
    from tarry_infra.state import State
    from tarry_infra.timers import Timers

__all__ = ["Api"]

_CAPACITY = Capacity(memory=512, timeout=30)


class Api(Construct):
    """``url`` is its address, the stack's output ``ApiUrl`` too. Requests are signed (SigV4, service ``lambda``)."""

    def __init__(self, scope: Construct, construct_id: str, *, host: Host) -> None:
        super().__init__(scope, construct_id)
        self.function = Function(
            self,
            "Function",
            handler="api",
            host=host,
            capacity=_CAPACITY,
            description="HTTP API: shows what events did and how runs are; cancels, retries and reruns runs",
        )
        FUNCTION_URLS.warn(self, "api=True")
        self.url = self.function.live.add_function_url(auth_type=lambda_.FunctionUrlAuthType.AWS_IAM).url
        CfnOutput(self, "Url", value=self.url).override_logical_id("ApiUrl")

    def reach(self, state: State, runs: Runs, timers: Timers) -> None:
        """Let the Lambda make the calls that it makes."""
        state.grant(self.function)
        runs.queue.grant_send(self.function)
        timers.queue.grant_send(self.function)

    def grant(self, grantee: iam.IGrantable) -> None:
        """Let the grantee ask for all that it answers, cancel, retry and rerun runs, and control functions."""
        # Of functions made since October 2025 AWS wants both, for a request that comes by the URL. The second is for
        # such a request alone, or the grantee could hand the Lambda what no request looks like.
        arns = [self.function.live.function_arn]
        iam.Grant.add_to_principal(grantee=grantee, actions=["lambda:InvokeFunctionUrl"], resource_arns=arns)
        iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["lambda:InvokeFunction"],
            resource_arns=arns,
            conditions={"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
        )

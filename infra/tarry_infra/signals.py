"""The road of signals from outside of the stack: a Lambda that senders invoke."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnOutput
from aws_cdk import aws_iam as iam
from constructs import Construct

from tarry._wire.signal_lambda import TIMEOUT
from tarry_backend.deploy.outputs import SIGNALS_FUNCTION
from tarry_backend.deploy.settings import Settings
from tarry_infra.functions import Capacity, Function

if TYPE_CHECKING:
    from tarry_infra.functions import Host
    from tarry_infra.runs import Runs
    from tarry_infra.state import State

__all__ = ["SIGNALS", "Signals"]

SIGNALS = Capacity(memory=512, timeout=TIMEOUT)


class Signals(Construct):
    """It delivers one signal, and answers with the receipt. Its sender can reach neither the table nor a queue.

    Nothing calls it asynchronously, so it has no dead-letter queue: what it fails at is its sender's exception.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, host: Host, capacity: Capacity, state: State, runs: Runs
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = Function(
            self,
            "Function",
            handler="signals",
            host=host,
            capacity=capacity,
            description="Delivers signals to the runs that wait for them, for senders outside of the stack",
        )
        self.function.add_environment(Settings.variable("table"), state.table.table_name)
        self.function.add_environment(Settings.variable("runs_queue"), runs.queue.url)
        state.grant(self.function)
        runs.queue.grant_send(self.function)
        CfnOutput(self, "Name", value=self.function.live.function_name).override_logical_id(SIGNALS_FUNCTION)

    def grant(self, grantee: iam.IGrantable) -> None:
        """Lets somebody outside send signals."""
        iam.Grant.add_to_principal(
            grantee=grantee, actions=["lambda:InvokeFunction"], resource_arns=[self.function.live.function_arn]
        )

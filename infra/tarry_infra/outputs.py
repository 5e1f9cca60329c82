"""The stack's outputs, from which ``tarry`` with ``--stack`` finds the app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnOutput

if TYPE_CHECKING:
    from constructs import Construct

    from tarry_backend.deploy.outputs import Deployment

__all__ = ["tell"]


def tell(stack: Construct, deployment: Deployment) -> None:
    """An output for each fact, under the name by which ``Deployment.read`` finds it."""
    for name, value in deployment.outputs().items():
        CfnOutput(stack, f"Output{name}", value=value).override_logical_id(name)

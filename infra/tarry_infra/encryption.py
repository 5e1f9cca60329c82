"""The use of the user's own encryption key instead of the keys that AWS manages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from constructs import IConstruct

__all__ = ["let_logs_use", "let_use"]

# What DynamoDB, S3 and SQS do with the key in the caller's name. DynamoDB asks for the most; its documentation
# (Encryption at rest, "Authorizing use of your customer managed key") writes the last four with wildcards.
_USE = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)


def let_use(key: kms.IKey | None, grantee: iam.IGrantable) -> None:
    """Lets a role use the key, if there is one."""
    if key is not None:
        key.grant(grantee, *_USE)


def let_logs_use(key: kms.IKey | None, scope: IConstruct) -> None:
    """Lets CloudWatch Logs use the key, if there is one, for log groups of the stack's account and region.

    Only a key that was made in the same CDK app learns it. The policy of one that was imported has to say so already:
    for ``logs.<region>.amazonaws.com``, and for ``events.amazonaws.com``, which puts events into the queue. In
    China the first one ends in ``.com.cn``: KMS refuses a policy with a principal that it does not know.
    """
    if key is None:
        return
    stack = Stack.of(scope)
    groups = stack.format_arn(
        service="logs", resource="log-group", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
    key.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal(f"logs.{stack.region}.{stack.url_suffix}")],
            actions=["kms:Decrypt", "kms:Describe*", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
            resources=["*"],  # of a key's policy: the key
            conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
        )
    )

"""A bucket for Tarry alone: encrypted, closed to the public and to plain HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Acknowledgment, RemovalPolicy, Validations
from aws_cdk import aws_s3 as s3

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from constructs import Construct

__all__ = ["closed_bucket"]


def closed_bucket(
    scope: Construct, construct_id: str, key: kms.IKey | None, removal_policy: RemovalPolicy, *, users: str
) -> s3.Bucket:
    """Without a key of the user's own, S3's encrypts it. ``users`` says who has to do with it."""
    bucket = s3.Bucket(
        scope,
        construct_id,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        encryption=s3.BucketEncryption.KMS if key else s3.BucketEncryption.S3_MANAGED,
        encryption_key=key,
        bucket_key_enabled=key is not None,  # one request to KMS for many objects
        enforce_ssl=True,
        minimum_tls_version=1.2,
        removal_policy=removal_policy,
    )
    reason = f"{users}; CloudTrail's data events record each access where that is needed."
    Validations.of(bucket).acknowledge(Acknowledgment(id="AwsSolutions-S1", reason=reason))
    return bucket

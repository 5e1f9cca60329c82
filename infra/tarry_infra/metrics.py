"""The metrics that the Lambdas write into their logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_cloudwatch as cloudwatch

from tarry_backend.telemetry import NAMESPACE

if TYPE_CHECKING:
    from aws_cdk import Duration

__all__ = ["app_metric"]


def app_metric(
    service: str, name: str, statistic: str, period: Duration | None = None, label: str | None = None
) -> cloudwatch.Metric:
    """One stack's metric: what ``tarry_backend.telemetry.Meter`` counts or measures under that name."""
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=name,
        dimensions_map={"service": service},
        statistic=statistic,
        period=period,
        label=label,
    )

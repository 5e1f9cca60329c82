"""The dashboard's widgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_cloudwatch as cloudwatch

from tarry_backend.model.run import RunStatus
from tarry_infra.metrics import app_metric

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tarry_infra.functions import Function
    from tarry_infra.queues import WorkQueue

__all__ = ["widgets"]

_THIRD, _HALF, _WHOLE = 8, 12, 24

_QUANTILES = {"p50": "median", "p95": "95th percentile", "Maximum": "maximum"}


def widgets(
    service: str,
    work: Sequence[WorkQueue],
    functions: Mapping[str, Function],
    alarms: Sequence[cloudwatch.IAlarm],
) -> list[list[cloudwatch.IWidget]]:
    """Row by row: alarms, what the app does, how fast, its queues, its Lambdas."""
    return [
        [cloudwatch.AlarmStatusWidget(title="Alarms", alarms=alarms, width=_WHOLE, height=4)],
        _doing(service),
        _speed(service),
        _queues(work),
        _lambdas(service, functions),
    ]


def _doing(service: str) -> list[cloudwatch.IWidget]:
    ends = [status.capitalize() for status in RunStatus if status is not RunStatus.RUNNING]
    opened, closed = _sum(service, "WaitsOpened"), _sum(service, "WaitsClosed")
    # Counting the open waits would need a scan. Their number's change is known.
    change = cloudwatch.MathExpression(
        expression="RUNNING_SUM(FILL(opened, 0) - FILL(closed, 0))",
        using_metrics={"opened": opened, "closed": closed},
        label="opened minus closed",
    )
    return [
        _graph("Events and matches", (_sum(service, name) for name in ("Events", "Matches"))),
        _graph("Runs started and ended", (_sum(service, name) for name in ("Started", *ends))),
        _graph("Open waits: change since the left edge of this graph", [change], lowest=None),
    ]


def _speed(service: str) -> list[cloudwatch.IWidget]:
    endings = ("Resumes", "Timeouts", "MatchErrors")
    return [
        _graph("Time from event to resume", _quantiles(service, "ResumeLatency"), unit="ms"),
        _graph("Timeouts: time after the deadline", _quantiles(service, "TimeoutLateness"), unit="ms"),
        _graph("Ends of waits, and match errors", (_sum(service, name) for name in endings)),
    ]


def _queues(work: Sequence[WorkQueue]) -> list[cloudwatch.IWidget]:
    depths = [
        queue.queue.metric_approximate_number_of_messages_visible(label=queue.spec.name, statistic="Maximum")
        for queue in work
    ]
    ages = [queue.queue.metric_approximate_age_of_oldest_message(label=queue.spec.name) for queue in work]
    dead = [
        queue.dead_letters.metric_approximate_number_of_messages_visible(label=queue.spec.name, statistic="Maximum")
        for queue in work
    ]
    return [
        _graph("Messages waiting for a Lambda", depths),
        _graph("Age of the oldest message", ages, unit="s"),
        _graph("Dead letters", dead),
    ]


def _lambdas(service: str, functions: Mapping[str, Function]) -> list[cloudwatch.IWidget]:
    errors = [each.metric_errors(label=f"{name}: errors") for name, each in functions.items()]
    throttles = [each.metric_throttles(label=f"{name}: throttles") for name, each in functions.items()]
    # A message that fails in the usual way is not an error of its Lambda.
    failed = app_metric(service, "FailedRecords", "Sum", label="messages that failed, and are delivered again")
    durations = [each.metric_duration(label=name, statistic="p95") for name, each in functions.items()]
    return [
        _graph("Lambdas: errors and throttles", [failed, *errors, *throttles], width=_HALF),
        _graph("Lambdas: duration, 95th percentile", durations, width=_HALF, unit="ms"),
    ]


def _sum(service: str, name: str) -> cloudwatch.Metric:
    return app_metric(service, name, "Sum")


def _quantiles(service: str, name: str) -> list[cloudwatch.Metric]:
    return [app_metric(service, name, statistic, label=label) for statistic, label in _QUANTILES.items()]


def _graph(
    title: str,
    metrics: Iterable[cloudwatch.IMetric],
    *,
    width: int = _THIRD,
    unit: str | None = None,
    lowest: float | None = 0,
) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=title,
        left=list(metrics),
        width=width,
        left_y_axis=cloudwatch.YAxisProps(label=unit, show_units=False, min=lowest),
    )

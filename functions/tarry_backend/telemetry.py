"""Logs and metrics of the Lambdas, in CloudWatch's formats."""

from __future__ import annotations

import logging
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["count", "identify", "logger", "published", "records_logger"]

logger = Logger(service="tarry")
"""Structured lines; the level is POWERTOOLS_LOG_LEVEL. The executor adds the ids of run and function."""

records_logger = logging.getLogger(logger.name)
"""The same, as the batch processors take it: they log each record that fails."""

_metrics = Metrics(namespace="Tarry", service="tarry")
_counts: Counter[str] = Counter()


def identify(app_id: str) -> None:
    """Names the app in lines and metrics: an account may have several."""
    logger.append_keys(app=app_id)
    _metrics.service = app_id


def count(name: str, by: int) -> None:
    """Adds to a metric of this invocation."""
    _counts[name] += by


@contextmanager
def published() -> Iterator[None]:
    """Publishes what is counted within, one value a metric, whatever happens."""
    try:
        yield
    finally:
        for name, value in _counts.items():
            if value:
                _metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
        _counts.clear()
        if _metrics.metric_set:
            _metrics.flush_metrics()
            _metrics.clear_metrics()  # which a flush forgets to do where metrics are disabled

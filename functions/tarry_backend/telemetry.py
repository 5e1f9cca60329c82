"""The logs and metrics of the Lambdas, in CloudWatch's formats."""

from __future__ import annotations

import logging
import os
from collections import Counter, defaultdict
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["NAMESPACE", "Meter", "concerning", "identify", "logger", "meter", "published", "records_logger"]

NAMESPACE = "Tarry"
"""The namespace of all metrics. Their one dimension is ``service``: the stack's name, or locally the app's id."""

logger = Logger(service="tarry")
"""Structured log lines; POWERTOOLS_LOG_LEVEL sets the level. The executor adds the ids of run and function."""

records_logger = logging.getLogger(logger.name)
"""The same logger, as the batch processors need it: they log each record that fails."""

if "AWS_LAMBDA_LOG_LEVEL" in os.environ and "POWERTOOLS_LOG_LEVEL" in os.environ:
    # AWS_LAMBDA_LOG_LEVEL is for Lambda's own filter. It lets metrics through, because they are INFO lines to it.
    # Powertools, and Lambda for the root logger, would use it as the level of the logger.
    for each in (records_logger, logging.getLogger()):
        each.setLevel(os.environ["POWERTOOLS_LOG_LEVEL"])

_metrics = Metrics(namespace=NAMESPACE, service="tarry")


class Meter:
    """The counts and measurements of an invocation, until they are published.

    Count what a conditional write decided, after the write. So a change that is stored twice counts once.
    """

    def __init__(self) -> None:
        self._lock = Lock()  # runs of one batch execute in parallel
        self._counts: Counter[str] = Counter()
        self._times: defaultdict[str, list[int]] = defaultdict(list)

    def count(self, name: str, by: int = 1) -> None:
        """Add to a metric; each invocation publishes one value."""
        with self._lock:
            self._counts[name] += by

    def measure(self, name: str, milliseconds: int) -> None:
        """Add one value to a distribution. A negative one, which two clocks' difference makes, counts as 0."""
        with self._lock:
            self._times[name].append(max(0, milliseconds))

    def publish(self) -> None:
        """Write all metrics to the log in CloudWatch's embedded metric format, without a request, and reset them."""
        with self._lock:  # in a served embedded cloud other invocations go on counting meanwhile
            counts, self._counts = self._counts, Counter()
            times, self._times = self._times, defaultdict(list)
        for name, total in counts.items():
            if total:
                _metrics.add_metric(name=name, unit=MetricUnit.Count, value=total)
        for name, values in times.items():
            for value in values:
                _metrics.add_metric(name=name, unit=MetricUnit.Milliseconds, value=value)
        if _metrics.metric_set:
            _metrics.flush_metrics()
            _metrics.clear_metrics()  # a flush does not do this where metrics are disabled


meter = Meter()
"""This Lambda's meter."""


def identify(app_id: str) -> None:
    """Add the app's name to log lines, and the stack's to metrics: an account may have two stacks of one app."""
    logger.append_keys(app=app_id)
    _metrics.service = os.environ.get("POWERTOOLS_SERVICE_NAME") or app_id


@contextmanager
def concerning(**keys: str) -> Iterator[None]:
    """Add these keys to the log lines of this thread, and of the threads that it starts, within the block."""
    logger.thread_safe_append_keys(**keys)
    try:
        yield
    finally:
        logger.thread_safe_remove_keys(keys)


@contextmanager
def published() -> Iterator[None]:
    """Publish the metrics of the block at its end, also after an error."""
    try:
        yield
    finally:
        meter.publish()

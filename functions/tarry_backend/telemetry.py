"""Logs and metrics of the Lambdas, in CloudWatch's formats."""

from __future__ import annotations

import logging
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
"""Of all metrics. Their one dimension is ``service``, the app's id."""

logger = Logger(service="tarry")
"""Structured lines; the level is POWERTOOLS_LOG_LEVEL. The executor adds the ids of run and function."""

records_logger = logging.getLogger(logger.name)
"""The same, as the batch processors take it: they log each record that fails."""

_metrics = Metrics(namespace=NAMESPACE, service="tarry")


class Meter:
    """What an invocation counts and measures, until it is published. What is kept twice is counted once: count what
    a conditional write has decided, after it has."""

    def __init__(self) -> None:
        self._lock = Lock()  # runs of one batch go side by side
        self._counts: Counter[str] = Counter()
        self._times: defaultdict[str, list[int]] = defaultdict(list)

    def count(self, name: str, by: int = 1) -> None:
        """Adds to a metric; one value an invocation is published."""
        with self._lock:
            self._counts[name] += by

    def measure(self, name: str, milliseconds: int) -> None:
        """Notes one value of a distribution. Less than nothing, which is two clocks' difference, is nothing."""
        with self._lock:
            self._times[name].append(max(0, milliseconds))

    def publish(self) -> None:
        """Writes it all to the log in CloudWatch's embedded metric format, without a request, and starts anew."""
        for name, total in self._counts.items():
            if total:
                _metrics.add_metric(name=name, unit=MetricUnit.Count, value=total)
        for name, values in self._times.items():
            for value in values:
                _metrics.add_metric(name=name, unit=MetricUnit.Milliseconds, value=value)
        self._counts.clear()
        self._times.clear()
        if _metrics.metric_set:
            _metrics.flush_metrics()
            _metrics.clear_metrics()  # which a flush forgets to do where metrics are disabled


meter = Meter()
"""This Lambda's."""


def identify(app_id: str) -> None:
    """Names the app in lines and metrics: an account may have several."""
    logger.append_keys(app=app_id)
    _metrics.service = app_id


@contextmanager
def concerning(**keys: str) -> Iterator[None]:
    """Names in lines what they are about: those of this thread, and of what it begins."""
    logger.thread_safe_append_keys(**keys)
    try:
        yield
    finally:
        logger.thread_safe_remove_keys(keys)


@contextmanager
def published() -> Iterator[None]:
    """Publishes what is counted and measured within, whatever happens."""
    try:
        yield
    finally:
        meter.publish()

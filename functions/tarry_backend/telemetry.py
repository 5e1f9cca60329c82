"""The logs and metrics of the Lambdas, in CloudWatch's formats."""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any

from tarry_backend.clock import now
from tarry_backend.log_lines import add_keys, concerning, logged, logger

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["NAMESPACE", "Meter", "concerning", "identify", "logged", "logger", "meter", "published"]

NAMESPACE = "Tarry"
"""The namespace of all metrics. Their one dimension is ``service``: the stack's name, or locally the app's id."""

_VALUES = 100
"""The most values of a metric in one document, as CloudWatch's embedded metric format allows."""

_service = "tarry"


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
        metrics = {name: ("Count", [total]) for name, total in counts.items() if total}
        _write(metrics | {name: ("Milliseconds", values) for name, values in times.items()})


meter = Meter()
"""This Lambda's meter."""


def identify(app_id: str) -> None:
    """Add the app's name to log lines, and the stack's to metrics: an account may have two stacks of one app."""
    global _service  # a Lambda's process has one app; only the embedded cloud changes it
    add_keys(app=app_id)
    _service = os.environ.get("POWERTOOLS_SERVICE_NAME") or app_id


@contextmanager
def published() -> Iterator[None]:
    """Publish the metrics of the block at its end, also after an error."""
    try:
        yield
    finally:
        meter.publish()


def _write(metrics: Mapping[str, tuple[str, Sequence[int]]]) -> None:
    """Write metrics to standard output, each with its unit and its values, in as many documents as they need."""
    if os.environ.get("POWERTOOLS_METRICS_DISABLED", "").lower() in ("1", "true"):
        return
    while metrics:
        print(json.dumps(_document(metrics), separators=(",", ":")))  # noqa: T201
        metrics = {name: (unit, values[_VALUES:]) for name, (unit, values) in metrics.items() if values[_VALUES:]}


def _document(metrics: Mapping[str, tuple[str, Sequence[int]]]) -> dict[str, Any]:
    units = [{"Name": name, "Unit": unit} for name, (unit, _) in metrics.items()]
    directive = {"Namespace": NAMESPACE, "Dimensions": [["service"]], "Metrics": units}
    values = {name: [float(value) for value in values[:_VALUES]] for name, (_, values) in metrics.items()}
    return {"_aws": {"Timestamp": now(), "CloudWatchMetrics": [directive]}, "service": _service, **values}

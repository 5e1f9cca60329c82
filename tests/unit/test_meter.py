"""The meter, as a served embedded cloud uses it: several invocations share one."""

import pytest

from tarry_backend import telemetry
from tarry_backend.telemetry import Meter


def test_what_others_count_while_the_counts_are_published_is_published_next(monkeypatch: pytest.MonkeyPatch) -> None:
    meter, published = Meter(), []

    def add_metric(name: str, unit: object, value: float) -> None:
        published.append((name, value))
        if len(published) == 1:  # another thread's invocation
            meter.count("Other")
            meter.measure("Lag", 3)

    monkeypatch.setattr(telemetry._metrics, "add_metric", add_metric)
    meter.count("One")
    meter.publish()
    assert published == [("One", 1)]
    meter.publish()
    assert published[1:] == [("Other", 1), ("Lag", 3)]

"""The meter, as a served embedded cloud uses it: several invocations share one."""

import json
from collections.abc import Mapping, Sequence

import pytest

from tarry_backend import telemetry
from tarry_backend.telemetry import Meter


def test_what_others_count_while_the_counts_are_published_is_published_next(monkeypatch: pytest.MonkeyPatch) -> None:
    meter = Meter()
    published: list[tuple[object, ...]] = []

    def write(metrics: Mapping[str, tuple[str, Sequence[int]]]) -> None:
        published.extend((name, *values) for name, (_, values) in metrics.items())
        if len(published) == 1:  # another thread's invocation
            meter.count("Other")
            meter.measure("Lag", 3)

    monkeypatch.setattr(telemetry, "_write", write)
    meter.count("One")
    meter.publish()
    assert published == [("One", 1)]
    meter.publish()
    assert published[1:] == [("Other", 1), ("Lag", 3)]


def test_a_metric_of_more_values_than_a_document_holds_is_in_several(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "false")
    meter = Meter()
    meter.count("Records", 3)
    for lag in range(250):
        meter.measure("Lag", lag)
    meter.publish()
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [len(each["Lag"]) for each in documents] == [100, 100, 50]
    assert [lag for each in documents for lag in each["Lag"]] == list(range(250))
    assert [each.get("Records") for each in documents] == [[3.0], None, None]
    named = [[metric["Name"] for metric in each["_aws"]["CloudWatchMetrics"][0]["Metrics"]] for each in documents]
    assert named == [["Records", "Lag"], ["Lag"], ["Lag"]]

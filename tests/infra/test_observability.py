"""Alarms and dashboard: what is watched, when it calls, what it says."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

import tarry_backend
from tarry_backend.deploy.topology import QUEUES
from tarry_backend.model.run import PARKED, RunStatus
from tests.infra.template import Properties, Template, text

LAMBDAS = {
    "matcher": "matcher",
    "executor": "executor",
    "waker": "timers",
    "sweep": "sweep",
    "signals": "signals",
    "converter": "audit",
}
"""What people call them, and their entry points."""


def alarm(template: Template, name: str) -> Properties:
    (found,) = (
        each for each in template.of("CloudWatch::Alarm").values() if text(each["AlarmName"]) == f"Tarry-{name}"
    )
    return found


def dimensions(alarm: Properties) -> dict[str, str]:
    return {each["Name"]: text(each["Value"]) for each in alarm["Dimensions"]}


def calls_when(alarm: Properties) -> tuple[str, str, float, int, int, str]:
    """Metric, comparison, threshold, seconds, how many of them, and what no data means."""
    return (
        alarm["MetricName"],
        alarm["ComparisonOperator"],
        alarm["Threshold"],
        alarm["Period"],
        alarm["EvaluationPeriods"],
        alarm["TreatMissingData"],
    )


def test_every_dead_letter_queue_calls_at_its_first_message(template: Template) -> None:
    watched = {
        dimensions(each)["QueueName"].removesuffix(".QueueName")
        for each in template.of("CloudWatch::Alarm").values()
        if text(each["AlarmName"]).endswith("-dead-letters")
        and calls_when(each) == ("ApproximateNumberOfMessagesVisible", "GreaterThanThreshold", 0, 60, 1, "notBreaching")
        and each["Statistic"] == "Maximum"
    }
    assert watched == {name for name, queue in template.of("SQS::Queue").items() if "RedrivePolicy" not in queue}


def test_an_event_that_eventbridge_could_not_even_give_up_calls(template: Template) -> None:
    lost = alarm(template, "lost-events")
    assert calls_when(lost) == ("InvocationsFailedToBeSentToDlq", "GreaterThanThreshold", 0, 60, 1, "notBreaching")
    assert (lost["Namespace"], lost["Statistic"]) == ("AWS/Events", "Sum")
    rule, _ = template.rule_to(template.queue_read_by("matcher")[0])
    (bus,) = template.of("Events::EventBus")
    assert {each["Name"]: each["Value"] for each in lost["Dimensions"]} == {
        "EventBusName": {"Ref": bus},
        "RuleName": {"Fn::Select": [2, {"Fn::Split": ["/", {"Fn::GetAtt": [rule, "Arn"]}]}]},
    }


@pytest.mark.parametrize(
    ("reader", "queue", "oldest"),
    [
        ("matcher", "events", 240),
        ("executor", "runs", 900),
        ("timers", "timers", 540),
    ],
)
def test_a_message_that_grows_old_calls(template: Template, reader: str, queue: str, oldest: int) -> None:
    found = alarm(template, f"{queue}-oldest-message")
    logical_id, properties = template.queue_read_by(reader)
    assert dimensions(found) == {"QueueName": f"{logical_id}.QueueName"}
    assert calls_when(found) == ("ApproximateAgeOfOldestMessage", "GreaterThanThreshold", oldest, 60, 3, "notBreaching")
    assert oldest >= properties["VisibilityTimeout"], "a message whose Lambda has died comes back by then"


@pytest.mark.parametrize("name", LAMBDAS)
def test_errors_and_throttles_of_every_lambda_call(template: Template, name: str) -> None:
    logical_id, _ = template.function(LAMBDAS[name])
    errors, throttles = (alarm(template, f"{name}-{kind}") for kind in ("errors", "throttles"))
    assert dimensions(errors) == dimensions(throttles) == {"FunctionName": logical_id}
    assert calls_when(errors) == ("Errors", "GreaterThanThreshold", 0, 300, 1, "notBreaching")
    assert calls_when(throttles) == ("Throttles", "GreaterThanThreshold", 0, 60, 3, "notBreaching")


def test_five_minutes_without_a_sweep_call_and_silence_is_no_sweep(template: Template) -> None:
    late = alarm(template, "sweep-late")
    assert calls_when(late) == ("Sweeps", "LessThanThreshold", 1, 60, 5, "breaching")
    assert (late["Namespace"], late["Statistic"], dimensions(late)) == ("Tarry", "Sum", {"service": "Tarry"})


def test_an_error_of_matching_calls(template: Template) -> None:
    errors = alarm(template, "match-errors")
    assert calls_when(errors) == ("MatchErrors", "GreaterThanThreshold", 0, 300, 1, "notBreaching")
    assert (errors["Namespace"], errors["Statistic"], dimensions(errors)) == ("Tarry", "Sum", {"service": "Tarry"})


def test_parked_runs_call_once_and_as_long_as_they_are_parked(template: Template) -> None:
    parked = alarm(template, "parked-runs")
    assert calls_when(parked) == ("Parked", "GreaterThanThreshold", 0, 300, 4, "notBreaching")
    assert parked["DatapointsToAlarm"] == 1
    assert parked["Period"] * parked["EvaluationPeriods"] * 1_000 > PARKED, "a run that stays parked keeps the alarm on"
    assert (parked["Namespace"], parked["Statistic"], dimensions(parked)) == ("Tarry", "Sum", {"service": "Tarry"})


def test_every_alarm_says_what_it_means_and_where_more_stands(template: Template) -> None:
    for each in template.of("CloudWatch::Alarm").values():
        assert re.search(
            r'^[A-Z].{60,}\. See "[A-Z][a-z ]+" in docs/operate\.md\.$', each["AlarmDescription"], re.IGNORECASE
        )
        assert len(each["AlarmDescription"]) <= 1024


def test_alarms_only_show_unless_they_are_given_something_to_do(template: Template) -> None:
    assert all("AlarmActions" not in each for each in template.of("CloudWatch::Alarm").values())


def graphs(template: Template) -> dict[str, dict[str, Any]]:
    """The dashboard's graphs by their titles."""
    body = json.loads(text(template.one("CloudWatch::Dashboard")["DashboardBody"]))
    return {each["properties"]["title"]: each["properties"] for each in body["widgets"]}


def shown(graph: dict[str, Any]) -> list[str]:
    """Names of a graph's metrics. An expression has none."""
    return [metric[1] for metric in graph["metrics"] if isinstance(metric[0], str)]


def test_the_dashboard_shows_events_matches_and_runs_by_end(template: Template) -> None:
    assert shown(graphs(template)["Events and matches"]) == ["Events", "Matches"]
    ends = [status.capitalize() for status in RunStatus if status is not RunStatus.RUNNING]
    assert shown(graphs(template)["Runs started and ended"]) == ["Started", *ends]


def test_the_dashboard_shows_how_the_number_of_open_waits_changes(template: Template) -> None:
    graph = graphs(template)["Open waits: change since the left edge of this graph"]
    expression = graph["metrics"][0][0]["expression"]
    assert expression == "RUNNING_SUM(FILL(opened, 0) - FILL(closed, 0))"
    ids = {metric[-1]["id"]: metric[1] for metric in graph["metrics"][1:]}
    assert ids == {"opened": "WaitsOpened", "closed": "WaitsClosed"}
    assert "min" not in graph["yAxis"]["left"], "it may fall below nothing"


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Time from event to resume", "ResumeLatency"),
        ("Timeouts: time after the deadline", "TimeoutLateness"),
    ],
)
def test_the_dashboard_shows_how_times_are_distributed(template: Template, title: str, name: str) -> None:
    graph = graphs(template)[title]
    assert shown(graph) == [name] * 3
    assert [metric[-1]["stat"] for metric in graph["metrics"]] == ["p50", "p95", "Maximum"]


def test_the_dashboard_shows_queues_and_lambdas(template: Template) -> None:
    there = graphs(template)
    for title, name in {
        "Messages waiting for a Lambda": "ApproximateNumberOfMessagesVisible",
        "Age of the oldest message": "ApproximateAgeOfOldestMessage",
        "Dead letters": "ApproximateNumberOfMessagesVisible",
    }.items():
        assert shown(there[title]) == [name] * len(QUEUES)
        assert len({json.dumps(metric[:4]) for metric in there[title]["metrics"]}) == len(QUEUES)
    failures = ["FailedRecords", *["Errors"] * len(LAMBDAS), *["Throttles"] * len(LAMBDAS)]
    assert shown(there["Lambdas: errors and throttles"]) == failures
    assert shown(there["Lambdas: duration, 95th percentile"]) == ["Duration"] * len(LAMBDAS)


def test_the_dashboard_shows_every_alarm(template: Template) -> None:
    alarms = {f"{name}.Arn" for name in template.of("CloudWatch::Alarm")}
    assert set(graphs(template)["Alarms"]["alarms"]) == alarms


def test_what_is_watched_or_shown_is_what_the_lambdas_count(template: Template) -> None:
    """A name that nobody counts under would be a graph that is empty for ever."""
    code = "".join(path.read_text() for path in Path(tarry_backend.__file__).parent.rglob("*.py"))
    counted = set(re.findall(r'(?:meter|outbox)\.(?:count|measure)\("(\w+)"', code)) | {
        each.capitalize() for each in RunStatus
    }
    ours = [
        metric for graph in graphs(template).values() for metric in graph.get("metrics", []) if metric[0] == "Tarry"
    ]
    named = {metric[1] for metric in ours}
    watched = {each["MetricName"] for each in template.of("CloudWatch::Alarm").values() if each["Namespace"] == "Tarry"}
    assert len(named) > 10
    assert named | watched <= counted
    assert {tuple(metric[2:4]) for metric in ours} == {("service", "Tarry")}


def test_two_regions_of_an_account_have_a_dashboard_each(template: Template) -> None:
    assert text(template.one("CloudWatch::Dashboard")["DashboardName"]) == "Tarry-AWS::Region"

"""What an operator does with a deployed stack: look, cancel, deploy anew, mend an outage."""

import time
from typing import Any

import pytest

from tests.e2e.cloud import Cloud
from tests.e2e.conftest import Tarry
from tests.e2e.deployment import Deployment
from tests.e2e.outside import Stack, eventually


def test_the_command_line_shows_a_deployed_stack(stack: Stack, tarry: Tarry) -> None:
    tarry("send", "agent/task.requested", '{"taskId": "by-hand"}')
    run = stack.waiting("approval", "review", taskId="by-hand")

    listed = tarry("runs", "--function", "approval", "--status", "running")["runs"]
    assert run.id in [each["id"] for each in listed]
    shown = tarry("run", run.id)
    assert [(step["id"], step["status"]) for step in shown["steps"]] == [("plan", "done"), ("review", "waiting")]
    assert "agent/plan.reviewed" in [wait["event"] for wait in tarry("waits")["waits"] if wait["run"] == run.id]
    names = [event["name"] for event in tarry("events", "agent/task.requested")["events"]]
    assert names
    assert set(names) == {"agent/task.requested"}


def test_a_run_is_cancelled(stack: Stack, tarry: Tarry) -> None:
    told = stack.listen("tarry/function.cancelled")
    stack.put("agent/task.requested", {"taskId": "given-up"})
    run = stack.waiting("approval", "review", taskId="given-up")
    before = stack.open_waits("agent/plan.reviewed")

    tarry("cancel", run.id)

    assert stack.ended("approval", taskId="given-up").status == "cancelled"
    eventually(lambda: told(run.id))
    eventually(lambda: stack.open_waits("agent/plan.reviewed") == before - 2)  # it had two keys, a reviewer each


@pytest.mark.disrupts
def test_runs_that_wait_go_on_with_the_code_of_the_next_deployment(stack: Stack, deployment: Deployment) -> None:
    stack.put("app/release.asked", *({"n": n} for n in range(100, 150)))
    eventually(lambda: stack.open_waits("app/release.told") == 50)

    new = deployment.raise_release()
    deployment.deploy()
    stack.put("app/release.told", *({"n": n} for n in range(100, 150)))

    runs = eventually(
        lambda: (
            finished
            if len(finished := [run for run in stack.runs("release", "finished") if run.event["data"]["n"] >= 100])
            == 50
            else None
        )
    )
    assert {(run.output["before"], run.output["after"]) for run in runs} == {(new - 1, new)}


@pytest.mark.disrupts
def test_a_bad_deploy_fails_fifty_runs_and_after_a_rollback_one_retry_lets_all_end_well(
    stack: Stack, deployment: Deployment, tarry: Tarry
) -> None:
    stack.put("courier/asked", *({"n": n} for n in range(50)))
    eventually(lambda: stack.open_waits("courier/came") == 50)
    deployment.set_fault("adress")
    deployment.deploy()
    stack.put("courier/came", *({"n": n} for n in range(50)))
    eventually(lambda: stack.count("courier", "failed") == 50)

    deployment.set_fault("")
    deployment.deploy()
    tarry("retry", "--function", "courier", "--status", "failed", "--rate", "50", "--yes")
    runs = eventually(lambda: finished if len(finished := stack.runs("courier", "finished")) == 50 else None)
    assert stack.count("courier", "failed") == 0
    assert sorted(run.output["n"] for run in runs) == list(range(50))
    assert {run.output["charged"] == run.steps["charge"].output for run in runs} == {True}, "it was charged once"


ALARMED = 900
"""In seconds. SQS publishes a metric each minute, and some minutes late if the queue was idle."""


@pytest.mark.disrupts
def test_an_outage_ends_in_dead_letters_and_a_redrive(cloud: Cloud, stack: Stack, tarry: Tarry) -> None:
    """The matcher loses its table: what came meanwhile is put back when it has it again. A message that is none
    of Tarry's lies in the dead-letter queue after that as it did before."""
    sqs, functions = stack.client("sqs"), stack.client("lambda")
    queue, dead_letters = stack.outputs["EventsQueue"], stack.outputs["EventsDeadLetters"]
    matcher = stack.resource("AWS::Lambda::Function", "Matcher")
    environment = functions.get_function_configuration(FunctionName=matcher)["Environment"]["Variables"]
    again_after = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["VisibilityTimeout"])["Attributes"]

    change(cloud, matcher, environment | {"TARRY_TABLE": "no-such-table"})
    # All tries in a row, instead of one each three minutes. Lambda reads the attribute at each change of a function.
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "1"})
    stack.put("app/trial.started", {"user": "during-the-outage", "flag": "none"})
    sqs.send_message(QueueUrl=queue, MessageBody="poison")
    eventually(lambda: depth(sqs, dead_letters) >= 2, patience=ALARMED)  # and the ends of runs that end meanwhile
    assert alarmed(cloud, stack, dead_letters)
    assert {each["name"]: each["count"] for each in tarry("dlq", "ls")["queues"]}["events"] >= 2
    assert stack.run_of("feature", user="during-the-outage") is None

    sqs.set_queue_attributes(QueueUrl=queue, Attributes=again_after)
    change(cloud, matcher, environment)
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "1"})
    tarry("dlq", "redrive", "events")

    stack.waiting("feature", "flag", user="during-the-outage")
    eventually(lambda: depth(sqs, dead_letters) == 1, patience=ALARMED)
    sqs.set_queue_attributes(QueueUrl=queue, Attributes=again_after)


def change(cloud: Cloud, function: str, variables: dict[str, str]) -> None:
    """Gives a Lambda another environment, and waits until it runs in it."""
    functions = cloud.client("lambda")
    functions.update_function_configuration(FunctionName=function, Environment={"Variables": variables})
    eventually(lambda: functions.get_function_configuration(FunctionName=function).get("LastUpdateStatus") in _CHANGED)
    time.sleep(cloud.propagation)


_CHANGED = {None, "Successful"}


def depth(sqs: Any, queue: str) -> int:
    """How many messages lie in a queue."""
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    return int(attributes["ApproximateNumberOfMessages"])


def alarmed(cloud: Cloud, stack: Stack, queue: str) -> bool:
    """Whether the alarm on a dead-letter queue is raised by its depth."""
    cloudwatch, name = stack.client("cloudwatch"), queue.rpartition("/")[2]
    dimensions = [{"Name": "QueueName", "Value": name}]
    if cloud.is_emulated:
        publish(cloudwatch, dimensions, depth(stack.client("sqs"), queue))
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=stack.name)
    found = [alarm for page in pages for alarm in page["MetricAlarms"] if alarm.get("Dimensions") == dimensions]
    assert [alarm["MetricName"] for alarm in found] == ["ApproximateNumberOfMessagesVisible"]
    names = [found[0]["AlarmName"]]
    return bool(
        eventually(
            lambda: cloudwatch.describe_alarms(AlarmNames=names, StateValue="ALARM")["MetricAlarms"],
            patience=ALARMED,
            pause=1,
        )
    )


def publish(cloudwatch: Any, dimensions: list[dict[str, str]], value: int) -> None:
    """Does what SQS does, for MiniStack keeps no metrics of SQS: publishes the attribute under the metric's name."""
    metric = {"MetricName": "ApproximateNumberOfMessagesVisible", "Dimensions": dimensions, "Value": value}
    cloudwatch.put_metric_data(Namespace="AWS/SQS", MetricData=[metric])

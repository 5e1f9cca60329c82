"""What makes functions start at the times of their crons."""

import json
from typing import Any

import pytest
from aws_cdk import aws_kms as kms
from hypothesis import given
from hypothesis import strategies as st

from tarry import TriggerCron
from tarry_backend.events.schedules import Schedule
from tests.infra.conftest import Synthesise
from tests.infra.template import Template, listed, text

CLOCK = "tests.infra.clock_shop:app"
TIME = "<aws.scheduler.scheduled-time>"


@pytest.fixture(scope="session")
def clock(synthesise: Synthesise) -> Template:
    return synthesise(spec=CLOCK, audit=False)


def schedules(template: Template) -> dict[str, Any]:
    return {each["ScheduleExpression"]: each for each in template.of("Scheduler::Schedule").values()}


def test_each_cron_is_a_schedule_and_one_of_both_days_is_two(clock: Template) -> None:
    made = schedules(clock)
    assert sorted(made) == ["cron(0 9 ? * 2-6 *)", "cron(30 6 1 * ? *)", "cron(30 6 ? * 6 *)"]
    assert {key: each["ScheduleExpressionTimezone"] for key, each in made.items()} == {
        "cron(0 9 ? * 2-6 *)": "Europe/Berlin",
        "cron(30 6 1 * ? *)": "UTC",
        "cron(30 6 ? * 6 *)": "UTC",
    }
    assert {each["State"] for each in made.values()} == {"ENABLED"}


def test_jitter_is_a_flexible_window(clock: Template) -> None:
    windows = {key: each["FlexibleTimeWindow"] for key, each in schedules(clock).items()}
    assert windows["cron(0 9 ? * 2-6 *)"] == {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}
    assert windows["cron(30 6 1 * ? *)"] == {"Mode": "OFF"}


def test_what_is_put_is_the_event_that_is_addressed_to_the_function(clock: Template) -> None:
    target = schedules(clock)["cron(0 9 ? * 2-6 *)"]["Target"]
    bus, _ = clock.named("Events::EventBus", "Ingest")
    assert target["Arn"] == {"Fn::GetAtt": [bus, "Arn"]}
    assert target["EventBridgeParameters"] == {"DetailType": "tarry/scheduled.timer", "Source": "tarry.clock"}
    data = {"cron": "0 9 * * 1-5", "scheduled_for": TIME, "_tarry": {"function_id": "report"}}
    assert json.loads(target["Input"]) == {"v": 1, "id": f"report-1-{TIME}", "data": data}


def test_both_schedules_of_one_cron_put_the_same_event(clock: Template) -> None:
    made = schedules(clock)
    assert made["cron(30 6 1 * ? *)"]["Target"]["Input"] == made["cron(30 6 ? * 6 *)"]["Target"]["Input"]


def test_all_are_in_one_group_that_is_there_before_them_and_goes_with_the_stack(clock: Template) -> None:
    ((group, properties),) = clock.of("Scheduler::ScheduleGroup").items()
    assert clock.resources[group]["DeletionPolicy"] == "Delete"
    for name, schedule in clock.of("Scheduler::Schedule").items():
        assert schedule["GroupName"] == properties["Name"]
        assert group in clock.resources[name]["DependsOn"]


def role_of(template: Template) -> tuple[str, list[tuple[str, str]]]:
    (role,) = {each["Target"]["RoleArn"]["Fn::GetAtt"][0] for each in template.of("Scheduler::Schedule").values()}
    allowed = [
        (action, text(resource))
        for statement in template.policy_of("IAM::Policy", "Roles", role)
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    ]
    return role, allowed


def test_their_role_may_put_events_on_the_bus_and_into_the_dead_letters_and_nothing_else(clock: Template) -> None:
    role, allowed = role_of(clock)
    bus, _ = clock.named("Events::EventBus", "Ingest")
    queue, _ = clock.named("SQS::Queue", "Schedules")
    assert sorted(allowed) == [("events:PutEvents", f"{bus}.Arn"), ("sqs:SendMessage", f"{queue}.Arn")]
    (statement,) = clock.of("IAM::Role")[role]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "scheduler.amazonaws.com"}


def test_what_cannot_be_put_for_a_day_is_a_dead_letter_with_an_alarm(clock: Template) -> None:
    queue, _ = clock.named("SQS::Queue", "Schedules")
    for schedule in schedules(clock).values():
        assert schedule["Target"]["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": [queue, "Arn"]}}
        assert schedule["Target"]["RetryPolicy"]["MaximumEventAgeInSeconds"] == 86_400
    names = {each["AlarmName"] for each in clock.of("CloudWatch::Alarm").values()}
    assert any(text(name).endswith("schedules-dead-letters") for name in names)


def test_with_a_key_of_the_users_the_role_may_use_it(synthesise: Synthesise) -> None:
    template = synthesise(
        lambda stack: {"encryption_key": kms.Key(stack, "Key", enable_key_rotation=True)}, spec=CLOCK, audit=False
    )
    _, allowed = role_of(template)
    assert "kms:Decrypt" in {action for action, _ in allowed}


def test_a_stack_can_be_told_to_keep_quiet(synthesise: Synthesise) -> None:
    quiet = synthesise(spec=CLOCK, audit=False, schedules=False)
    assert {each["State"] for each in schedules(quiet).values()} == {"DISABLED"}


def test_an_app_without_crons_has_none_of_it(template: Template) -> None:
    assert template.of("Scheduler::Schedule") == template.of("Scheduler::ScheduleGroup") == {}
    assert [name for name in template.resources if name.startswith("Schedules")] == []


def field(low: int, high: int) -> st.SearchStrategy[str]:
    values = st.sets(st.integers(low, high), min_size=1).map(lambda chosen: ",".join(map(str, sorted(chosen))))
    return st.just("*") | values


@given(st.tuples(field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6)).map(" ".join))
def test_any_cron_fits_into_an_expression_of_256_characters_with_one_day(cron: str) -> None:
    for expression in Schedule("f", 0, TriggerCron(cron)).expressions():
        fields = expression.removeprefix("cron(").removesuffix(")").split()
        assert len(expression) <= 256
        assert len(fields) == 6
        assert [fields[2], fields[4]].count("?") == 1

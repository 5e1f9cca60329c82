"""The Lambdas: how they run, what they are told, what starts the sweep."""

import re
import sys
from dataclasses import fields

import pytest

from tarry._wire.signal_lambda import TIMEOUT
from tarry_backend.deploy.settings import Settings
from tarry_backend.deploy.topology import SWEEP_MINUTES
from tests.infra.template import Template

HANDLERS = ["matcher", "executor", "timers", "sweep"]
"""Those that have all settings. The signals Lambda has two."""

every_lambda = pytest.mark.parametrize("handler", HANDLERS)


def test_there_are_these_lambdas_and_no_others(template: Template) -> None:
    lambdas = template.of("Lambda::Function").items()
    entries = {properties["Handler"] for name, properties in lambdas if not name.startswith("Audit")}
    assert entries == {f"tarry_backend.handlers.{handler}.handler" for handler in [*HANDLERS, "signals"]}


def test_the_signals_lambda_is_told_what_a_signal_needs_and_outlives_its_own_clock(template: Template) -> None:
    _, function = template.function("signals")
    runs, _ = template.queue_read_by("executor")
    (table,) = template.of("DynamoDB::Table")
    assert function["Environment"]["Variables"] == {
        "POWERTOOLS_LOG_LEVEL": "INFO",
        "POWERTOOLS_SERVICE_NAME": "Tarry",
        "TARRY_TABLE": {"Ref": table},
        "TARRY_RUNS_QUEUE": {"Ref": runs},
    }
    assert (function["Timeout"], function["RecursiveLoop"]) == (TIMEOUT, "Terminate")
    assert "ReservedConcurrentExecutions" not in function, "an account of ten Lambdas could not give it"


@every_lambda
def test_a_lambda_runs_on_arm_under_the_python_that_synthesises(template: Template, handler: str) -> None:
    _, function = template.function(handler)
    assert function["Architectures"] == ["arm64"]
    assert function["Runtime"] == f"python3.{max(12, min(14, sys.version_info.minor))}"


@pytest.mark.parametrize("handler", ["matcher", "executor", "timers"])
def test_lambda_does_not_stop_the_loops_through_sqs(template: Template, handler: str) -> None:
    """No emulator shows its lack: AWS would cut a run off after some sixteen messages."""
    assert template.function(handler)[1]["RecursiveLoop"] == "Allow"


def test_the_sweep_is_in_no_loop(template: Template) -> None:
    assert template.function("sweep")[1]["RecursiveLoop"] == "Terminate"


@every_lambda
def test_the_environment_is_what_the_settings_read(template: Template, handler: str) -> None:
    ours = template.function(handler)[1]["Environment"]["Variables"]
    loggers = {"POWERTOOLS_LOG_LEVEL", "POWERTOOLS_SERVICE_NAME"}
    assert ours.keys() == {Settings.variable(field.name) for field in fields(Settings)} | loggers
    (table,), (bus,) = map(template.of, ("DynamoDB::Table", "Events::EventBus"))
    bucket, _ = template.named("S3::Bucket", "StateValues")
    names = {"TARRY_TABLE": table, "TARRY_BUCKET": bucket, "TARRY_BUS": bus}
    for queue, reader in (("EVENTS", "matcher"), ("RUNS", "executor"), ("TIMERS", "timers")):
        names[f"TARRY_{queue}_QUEUE"], _ = template.queue_read_by(reader)
    assert {name: ours[name] for name in names} == {name: {"Ref": of} for name, of in names.items()}


def test_the_settings_read_the_environment_with_their_own_defaults(template: Template) -> None:
    variables = template.function("executor")[1]["Environment"]["Variables"]
    deployed = Settings.read({name: str(value) for name, value in variables.items()})
    unset = {field.name: "x" for field in fields(Settings) if field.type == "str"}
    assert deployed.app == "tests.infra.shop:app"
    for field in fields(Settings):
        if field.name not in unset:
            assert getattr(deployed, field.name) == getattr(Settings(**unset), field.name)  # type: ignore[arg-type]


def test_each_lambda_knows_the_version_of_the_code_which_is_a_digest_of_it_by_default(template: Template) -> None:
    versions = {
        template.function(handler)[1]["Environment"]["Variables"]["TARRY_VERSION"]
        for handler in ("matcher", "executor", "timers")
    }
    [version] = versions
    assert re.fullmatch("[0-9a-f]{12}", version)


@every_lambda
def test_its_log_is_its_own_and_does_not_grow_for_ever(template: Template, handler: str) -> None:
    group = template.function(handler)[1]["LoggingConfig"]["LogGroup"]["Ref"]
    assert template.of("Logs::LogGroup")[group]["RetentionInDays"] == 30
    sharing = [
        properties
        for properties in template.of("Lambda::Function").values()
        if properties["LoggingConfig"]["LogGroup"] == {"Ref": group}
    ]
    assert len(sharing) == 1


def test_no_log_grows_for_ever(template: Template) -> None:
    assert {group["RetentionInDays"] for group in template.of("Logs::LogGroup").values()} == {30}


@pytest.mark.parametrize("handler", ["matcher", "executor", "timers"])
def test_a_flood_of_messages_leaves_the_account_room_for_others(template: Template, handler: str) -> None:
    assert 2 <= template.mapping(handler)["ScalingConfig"]["MaximumConcurrency"] <= 100
    assert "ReservedConcurrentExecutions" not in template.function(handler)[1]


@pytest.mark.parametrize(
    ("handler", "memory", "timeout", "concurrency", "batch", "reserved"),
    [("matcher", 256, 20, 2, 1, None), ("executor", 3008, 600, 7, 1, 7), ("timers", 256, 21, 3, 10, None)],
)
def test_capacities_are_properties(
    changed: Template, handler: str, memory: int, timeout: int, concurrency: int, batch: int, reserved: int | None
) -> None:
    _, function = changed.function(handler)
    assert (function["MemorySize"], function["Timeout"]) == (memory, timeout)
    assert function.get("ReservedConcurrentExecutions") == reserved
    mapping = changed.mapping(handler)
    assert (mapping["ScalingConfig"], mapping["BatchSize"]) == ({"MaximumConcurrency": concurrency}, batch)


@every_lambda
def test_lambda_drops_no_metric_and_the_logger_what_is_below_the_log_level(
    template: Template, changed: Template, handler: str
) -> None:
    for stack, logger, lambdas in ((template, "INFO", "INFO"), (changed, "WARNING", "INFO")):
        _, function = stack.function(handler)
        assert function["Environment"]["Variables"]["POWERTOOLS_LOG_LEVEL"] == logger
        logging = function["LoggingConfig"]
        assert (logging["LogFormat"], logging["ApplicationLogLevel"]) == ("JSON", lambdas)


def test_processor_retention_and_tuning_are_properties(changed: Template) -> None:
    _, function = changed.function("sweep")
    assert function["Architectures"] == ["x86_64"]
    assert (function["MemorySize"], function["Timeout"]) == (256, 22)
    groups = changed.of("Logs::LogGroup")
    for handler in HANDLERS:
        group = changed.function(handler)[1]["LoggingConfig"]["LogGroup"]["Ref"]
        assert groups[group]["RetentionInDays"] == 7
    variables = function["Environment"]["Variables"]
    assert (variables["TARRY_LOG_DAYS"], variables["TARRY_MAX_STEPS"]) == ("3", "10000")


def test_the_sweep_runs_on_its_schedule_and_is_over_before_the_next(template: Template) -> None:
    sweep, function = template.function("sweep")
    _, rule = template.rule_to(sweep)
    assert SWEEP_MINUTES == 1
    assert rule["ScheduleExpression"] == "rate(1 minute)"
    assert rule["State"] == "ENABLED"
    assert function["Timeout"] < 60 * SWEEP_MINUTES


def test_a_sweep_that_failed_is_left_to_the_next(template: Template) -> None:
    sweep, _ = template.function("sweep")
    invocations = template.one("Lambda::EventInvokeConfig")
    assert invocations["FunctionName"] == {"Ref": sweep}
    assert invocations["MaximumRetryAttempts"] == 0
    assert invocations["MaximumEventAgeInSeconds"] == 60 * SWEEP_MINUTES


def test_a_sweep_that_failed_or_could_not_be_started_leaves_a_dead_letter(template: Template) -> None:
    _, rule = template.rule_to(template.function("sweep")[0])
    letters = rule["Targets"][0]["DeadLetterConfig"]["Arn"]
    assert template.one("Lambda::EventInvokeConfig")["DestinationConfig"] == {"OnFailure": {"Destination": letters}}
    assert template.of("SQS::Queue")[letters["Fn::GetAtt"][0]]["MessageRetentionPeriod"] == 86_400


def test_only_the_schedule_may_start_a_lambda_from_outside(template: Template) -> None:
    sweep, _ = template.function("sweep")
    rule, _ = template.rule_to(sweep)
    assert template.one("Lambda::Permission") == {
        "Action": "lambda:InvokeFunction",
        "FunctionName": {"Fn::GetAtt": [sweep, "Arn"]},
        "Principal": "events.amazonaws.com",
        "SourceArn": {"Fn::GetAtt": [rule, "Arn"]},
    }

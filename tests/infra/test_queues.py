"""Each queue of the topology stands in the stack with its numbers, its dead letters and its reader."""

import pytest

from tarry.errors import UsageError
from tarry_backend.deploy import topology
from tarry_backend.deploy.topology import EVENTS, QUEUES, RULE_PATTERN, RUNS, TIMERS
from tarry_infra import Capacity
from tarry_infra.concurrency import within
from tests.infra.conftest import Synthesise
from tests.infra.template import Properties, Template, text

READERS = {EVENTS.name: "matcher", RUNS.name: "executor", TIMERS.name: "timers"}

every_queue = pytest.mark.parametrize("spec", QUEUES, ids=lambda spec: spec.name)


def dead_letters_of(template: Template, queue: Properties) -> Properties:
    dead_letters, _ = queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"]
    return template.of("SQS::Queue")[dead_letters]


def test_there_are_the_queues_of_the_topology_and_their_dead_letters_and_no_others(
    template: Template,
) -> None:
    stack = template.of("SQS::Queue")
    read = {template.queue_read_by(reader)[0] for reader in READERS.values()}
    behind = {stack[queue]["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0] for queue in read}
    assert (len(read), len(behind)) == (len(QUEUES), len(QUEUES))
    assert {name for name, queue in stack.items() if "RedrivePolicy" in queue} == read
    assert READERS.keys() == {spec.name for spec in QUEUES}


@every_queue
def test_a_message_that_fails_too_often_goes_to_the_dead_letters(template: Template, spec: topology.Queue) -> None:
    _, queue = template.queue_read_by(READERS[spec.name])
    assert queue["RedrivePolicy"]["maxReceiveCount"] == spec.max_receives
    dead_letters = dead_letters_of(template, queue)
    assert "RedrivePolicy" not in dead_letters
    assert dead_letters["MessageRetentionPeriod"] > queue["MessageRetentionPeriod"]


@every_queue
def test_no_message_comes_again_while_its_lambda_still_runs(template: Template, spec: topology.Queue) -> None:
    _, queue = template.queue_read_by(READERS[spec.name])
    _, function = template.function(READERS[spec.name])
    assert queue["VisibilityTimeout"] == spec.visibility_timeout == 6 * function["Timeout"]


@pytest.mark.parametrize("batch", [0, 11])
def test_a_batch_that_sqs_would_refuse_is_refused(synthesise: Synthesise, batch: int) -> None:
    with pytest.raises(UsageError, match=rf"'events' cannot give its Lambda batches of {batch}: give 1 to 10"):
        synthesise(matcher=Capacity(memory=1024, timeout=30, batch=batch))


def test_the_executor_gets_one_message_at_a_time(synthesise: Synthesise) -> None:
    with pytest.raises(UsageError, match="'runs' gives its Lambda one message at a time, not 2"):
        synthesise(executor=Capacity(memory=1024, timeout=300, batch=2))


@pytest.mark.parametrize("visibility", [359, 43_201])
def test_a_visibility_timeout_that_is_too_short_for_the_lambda_or_too_long_for_sqs_is_refused(
    synthesise: Synthesise, visibility: int
) -> None:
    with pytest.raises(UsageError, match=rf"'runs' cannot have visibility={visibility}: give 360 to 43200 s"):
        synthesise(executor=Capacity(memory=1024, timeout=300, visibility=visibility))


def test_a_throttled_message_has_as_many_receives_as_aws_asks_for_and_the_events_a_third_of_an_hour() -> None:
    assert all(spec.max_receives >= 5 for spec in QUEUES)
    assert EVENTS.visibility_timeout * EVENTS.max_receives == 20 * 60


def test_visibility_and_receives_follow_the_timeout_or_are_properties(changed: Template) -> None:
    def of(handler: str) -> tuple[int, int]:
        queue = changed.queue_read_by(handler)[1]
        return queue["VisibilityTimeout"], queue["RedrivePolicy"]["maxReceiveCount"]

    assert of("matcher") == (6 * 20, 5)
    assert of("executor") == (700, 20)
    assert of("timers") == (6 * 21, TIMERS.max_receives)


def test_the_timers_know_for_how_long_an_event_gets_another_matcher(template: Template, changed: Template) -> None:
    for stack in (template, changed):
        queue = stack.queue_read_by("matcher")[1]
        seconds = stack.function("timers")[1]["Environment"]["Variables"]["TARRY_UNSETTLED_SECONDS"]
        assert int(seconds) >= queue["VisibilityTimeout"] * queue["RedrivePolicy"]["maxReceiveCount"]


def test_a_new_account_with_ten_concurrent_lambdas_has_room_for_all_that_the_queues_start(
    synthesise: Synthesise,
) -> None:
    new = synthesise(account_concurrency=10, audit=False)
    started = [new.mapping(handler)["ScalingConfig"]["MaximumConcurrency"] for handler in READERS.values()]
    assert sum(started) <= 10 - 3, "the sweep, the signals and the audit's converter run beside them"
    assert min(started) >= 2, "AWS refuses less"


def test_a_queue_starts_no_more_than_its_lambdas_reserved_share_has_room_for(synthesise: Synthesise) -> None:
    """Lambda would throttle the rest, and each receive counts: sound messages would become dead letters."""
    reserved = synthesise(
        audit=False,
        matcher=Capacity(memory=1024, timeout=20, concurrency=50, reserved=8),
        executor=Capacity(memory=1024, timeout=150, concurrency=3, reserved=9),
        timers=Capacity(memory=512, timeout=30, reserved=4),
    )
    limits = [
        reserved.mapping(each)["ScalingConfig"]["MaximumConcurrency"] for each in ("matcher", "executor", "timers")
    ]
    assert limits == [8, 3, 4]
    with pytest.raises(UsageError, match="reserved=1: its queue starts at least 2 invocations"):
        synthesise(executor=Capacity(memory=1024, timeout=150, reserved=1))


def test_an_account_with_room_changes_no_concurrency_and_one_without_is_refused() -> None:
    capacities = [Capacity(memory=1, timeout=1, concurrency=number) for number in (50, 100, 50)]
    assert within(None, *capacities) == within(1_000, *capacities) == tuple(capacities)
    assert [each.concurrency for each in within(103, *capacities)] == [25, 50, 25]
    with pytest.raises(UsageError, match="account_concurrency=8 is too little: Tarry's Lambdas need 9"):
        within(8, *capacities)


@every_queue
def test_a_lambda_is_given_batches_and_answers_what_failed(template: Template, spec: topology.Queue) -> None:
    mapping = template.mapping(READERS[spec.name])
    assert mapping["BatchSize"] == spec.batch_size
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping.get("Enabled", True) is True


@every_queue
def test_a_fifo_queue_and_its_dead_letters_are_fifo_with_the_limits_a_group(
    template: Template, spec: topology.Queue
) -> None:
    _, queue = template.queue_read_by(READERS[spec.name])
    for each in (queue, dead_letters_of(template, queue)):
        assert each.get("FifoQueue", False) is spec.fifo
        if spec.fifo:
            assert each["QueueName"].endswith(".fifo")
            assert len(each["QueueName"]) <= 80
            assert each["DeduplicationScope"] == "messageGroup"
            assert each["FifoThroughputLimit"] == "perMessageGroupId"
            assert "ContentBasedDeduplication" not in each


def test_every_queue_is_encrypted(template: Template) -> None:
    assert {queue["SqsManagedSseEnabled"] for queue in template.of("SQS::Queue").values()} == {True}


def test_every_queue_refuses_plain_http(template: Template) -> None:
    for queue in template.of("SQS::Queue"):
        (refusal,) = template.refusals_of_plain_http(template.policy_of("SQS::QueuePolicy", "Queues", queue))
        assert (refusal["Action"], refusal["Resource"]) == ("sqs:*", {"Fn::GetAtt": [queue, "Arn"]})


def test_every_rule_has_a_place_for_what_it_cannot_deliver(template: Template) -> None:
    queues = template.of("SQS::Queue")
    for rule in template.of("Events::Rule").values():
        for target in rule["Targets"]:
            letters = target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0]
            assert "RedrivePolicy" not in queues[letters]


def test_the_rule_takes_every_event_of_the_apps_bus_to_the_events_queue(template: Template) -> None:
    (bus,) = template.of("Events::EventBus")
    queue, _ = template.queue_read_by("matcher")
    _, rule = template.rule_to(queue)
    assert rule["EventPattern"] == RULE_PATTERN
    assert rule["EventBusName"] == {"Ref": bus}
    assert rule["State"] == "ENABLED"
    assert "InputPath" not in rule["Targets"][0]
    assert "InputTransformer" not in rule["Targets"][0]


def test_an_event_that_the_rule_cannot_deliver_goes_to_the_dead_letters(template: Template) -> None:
    logical_id, queue = template.queue_read_by("matcher")
    _, rule = template.rule_to(logical_id)
    assert rule["Targets"][0]["DeadLetterConfig"]["Arn"] == queue["RedrivePolicy"]["deadLetterTargetArn"]


def test_only_the_rule_may_send_to_the_queues_from_outside(template: Template) -> None:
    events, properties = template.queue_read_by("matcher")
    dead_letters, _ = properties["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"]
    rule, _ = template.rule_to(events)
    for queue in template.of("SQS::Queue"):
        allowed = [
            (statement["Principal"], text(statement["Condition"]["ArnEquals"]["aws:SourceArn"]))
            for statement in template.policy_of("SQS::QueuePolicy", "Queues", queue)
            if statement["Effect"] == "Allow" and not queue.startswith(("Audit", "TimersMissed"))
        ]
        by_the_rule = [({"Service": "events.amazonaws.com"}, f"{rule}.Arn")]
        assert allowed == (by_the_rule if queue in (events, dead_letters) else [])


def test_the_bus_has_the_name_of_the_stack(template: Template) -> None:
    assert template.one("Events::EventBus")["Name"] == "Tarry"

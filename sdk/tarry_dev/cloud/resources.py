"""What the stack makes on AWS, made in the embedded account: from the same models and the same numbers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from moto.dynamodb.models import dynamodb_backends
from moto.events.models import events_backends
from moto.s3.models import s3_backends
from moto.sqs.models import sqs_backends
from moto.utilities.utils import get_partition

from tarry_backend.deploy.settings import Settings
from tarry_backend.deploy.topology import DEAD_LETTERS_KEPT_DAYS, KEPT_DAYS, QUEUES, RULE_PATTERN, Queue
from tarry_backend.store.models import EXPIRES, table_definition
from tarry_dev.cloud.account import ACCOUNT_ID
from tarry_dev.cloud.moto_events import FaithfulEvents
from tarry_dev.cloud.moto_queue import FaithfulQueue
from tarry_dev.cloud.moto_rule import FaithfulRule
from tarry_dev.cloud.moto_sqs import FaithfulSqs
from tarry_dev.cloud.moto_tables import FaithfulDynamo, FaithfulTable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from moto.sqs.models import Message as StoredMessage
    from mypy_boto3_sqs.literals import QueueAttributeNameType

    from tarry_dev.cloud.account import Clients

__all__ = ["NAME", "QueuePair", "make_bus", "make_queues", "make_settings", "make_store", "rule_of"]

NAME = "tarry"
"""Of table, bucket and rule, and before the names of the queues: nothing else is in the account."""


@dataclass(frozen=True, slots=True)
class QueuePair:
    """A queue and its dead-letter queue, as moto keeps them."""

    queue: FaithfulQueue
    dead: FaithfulQueue


def make_store(clients: Clients) -> FaithfulTable:
    """The table, and the bucket for what is too large for it."""
    clients.dynamodb.create_table(**table_definition(NAME))
    expiry: Any = {"Enabled": True, "AttributeName": EXPIRES}
    clients.dynamodb.update_time_to_live(TableName=NAME, TimeToLiveSpecification=expiry)
    s3_backends[ACCOUNT_ID][get_partition(clients.region)].create_bucket(NAME, clients.region)
    dynamodb = dynamodb_backends[ACCOUNT_ID][clients.region]
    FaithfulDynamo.become(dynamodb)
    return FaithfulTable.become(dynamodb.tables[NAME])


def make_queues(clients: Clients, on_message: Callable[[StoredMessage], None]) -> dict[str, QueuePair]:
    """The queues by their names. ``on_message`` is called with each message that one of them has taken in."""
    sqs = sqs_backends[ACCOUNT_ID][clients.region]
    FaithfulSqs.become(sqs)

    def make(name: str, attributes: dict[QueueAttributeNameType, str]) -> FaithfulQueue:
        clients.sqs.create_queue(QueueName=name, Attributes=attributes)
        return FaithfulQueue.become(sqs.queues[name], on_message)

    def make_pair(spec: Queue) -> QueuePair:
        end = ".fifo" if spec.fifo else ""
        dead = make(f"{NAME}-{spec.name}-dead{end}", _attributes(spec, DEAD_LETTERS_KEPT_DAYS))
        redrive = {"deadLetterTargetArn": dead.queue_arn, "maxReceiveCount": spec.max_receives}
        attributes = _attributes(spec, KEPT_DAYS)
        attributes["RedrivePolicy"] = json.dumps(redrive)
        return QueuePair(make(f"{NAME}-{spec.name}{end}", attributes), dead)

    return {spec.name: make_pair(spec) for spec in QUEUES}


def make_bus(
    clients: Clients, name: str, target_arn: str, on_event: Callable[[dict[str, Any]], None] | None = None
) -> None:
    """The app's bus, and the rule that sends every event to the events queue, and to ``on_event``."""
    events = events_backends[ACCOUNT_ID][clients.region]
    FaithfulEvents.become(events)
    clients.events.create_event_bus(Name=name)
    clients.events.put_rule(Name=NAME, EventBusName=name, EventPattern=json.dumps(RULE_PATTERN))
    clients.events.put_targets(Rule=NAME, EventBusName=name, Targets=[{"Id": "events", "Arn": target_arn}])
    FaithfulRule.become(events.event_buses[name].rules[NAME], on_event)


def rule_of(region: str, bus: str) -> FaithfulRule:
    """The rule of the app's bus, once it is made."""
    rule = events_backends[ACCOUNT_ID][region].event_buses[bus].rules[NAME]
    assert isinstance(rule, FaithfulRule)
    return rule


def make_settings(
    bus: str, pairs: Mapping[str, QueuePair], overrides: Mapping[str, int | str], stream: str | None
) -> Settings:
    """What the stack's functions are told of these resources."""
    values: Any = {f"{name}_queue": pair.queue.physical_resource_id for name, pair in pairs.items()}
    if stream is not None:
        values["audit_stream"] = stream
    return Settings(app="tarry_dev:hosted", table=NAME, bucket=NAME, bus=bus, **values | overrides)


def _attributes(spec: Queue, kept_days: int) -> dict[QueueAttributeNameType, str]:
    attributes: dict[QueueAttributeNameType, str] = {
        "VisibilityTimeout": str(spec.visibility_timeout),
        "MessageRetentionPeriod": str(kept_days * 86_400),
    }
    if spec.fifo:
        attributes["FifoQueue"] = "true"
        attributes["DeduplicationScope"] = "messageGroup"
        attributes["FifoThroughputLimit"] = "perMessageGroupId"
    return attributes

"""EventBridge Scheduler, which starts functions at the times of their crons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, TimeZone, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from constructs import Construct

from tarry._wire.bus import source_of
from tarry_backend.deploy import topology
from tarry_backend.events.address import SCHEDULED
from tarry_infra.encryption import let_use
from tarry_infra.queues import closed_queue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_events as events
    from aws_cdk import aws_kms as kms

    from tarry_backend.events.schedules import Schedule

__all__ = ["Schedules"]

_TRIED_FOR = Duration.hours(24)
"""How long the Scheduler tries to put an event on the bus: the longest that it knows."""


class Schedules(Construct):
    """A schedule for each cron, or two if the cron names both days.

    Each schedule puts an event on the bus, addressed to its function. All are in one group and share one role, which
    may put events on that bus, and undeliverable ones into ``dead_letters``. ``enabled``: whether they fire.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        app_id: str,
        schedules: Sequence[Schedule],
        bus: events.IEventBus,
        encryption_key: kms.IKey | None,
        enabled: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        self._source = source_of(app_id)
        self._bus = bus
        self._enabled = enabled
        self.dead_letters = closed_queue(
            self, "DeadLetters", encryption_key, retention_period=Duration.days(topology.DEAD_LETTERS_KEPT_DAYS)
        )
        reason = "It is a dead-letter queue itself, the schedules'."
        Validations.of(self.dead_letters).acknowledge(Acknowledgment(id="AwsSolutions-SQS3", reason=reason))
        self.group = scheduler.ScheduleGroup(self, "Group", removal_policy=RemovalPolicy.DESTROY)
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com"))
        let_use(encryption_key, self.role)
        for schedule in schedules:
            for part, expression in enumerate(schedule.expressions()):
                self._make(schedule, f"{schedule.name}-{part}", expression)

    def _make(self, schedule: Schedule, name: str, expression: str) -> None:
        trigger = schedule.trigger
        detail = schedule.detail(scheduler.ContextAttribute.scheduled_time)
        entry = targets.EventBridgePutEventsEntry(
            event_bus=self._bus,
            source=self._source,
            detail_type=SCHEDULED,
            detail=scheduler.ScheduleTargetInput.from_object(detail),
        )
        made = scheduler.Schedule(
            self,
            name,
            description=f"Starts {schedule.function_id} at {trigger.cron} ({trigger.timezone})",
            enabled=self._enabled,
            schedule=scheduler.ScheduleExpression.expression(expression, TimeZone.of(trigger.timezone)),
            schedule_group=self.group,
            target=targets.EventBridgePutEvents(
                entry, role=self.role, dead_letter_queue=self.dead_letters, max_event_age=_TRIED_FOR
            ),
            time_window=scheduler.TimeWindow.flexible(Duration.minutes(trigger.window)) if trigger.window else None,
        )
        made.node.add_dependency(self.group, self.role)  # the CDK names the group, and so does not refer to it

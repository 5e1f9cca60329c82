"""The timers: the queue for what is due within minutes, and the sweep for later timers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Acknowledgment, Duration, Validations
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda_destinations as destinations
from constructs import Construct

from tarry_backend.deploy import topology
from tarry_infra.functions import Capacity, Function
from tarry_infra.queues import WorkQueue, closed_queue

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_sqs as sqs

    from tarry_infra.functions import Host

__all__ = ["SWEEP", "TIMERS", "Timers"]

TIMERS = Capacity(memory=512, timeout=30, concurrency=50)
SWEEP = Capacity(memory=512, timeout=55)


class Timers(Construct):
    """A sweep that fails is not tried again: the next one, a minute later, picks up what it has left.

    ``missed`` is told of each that could not be started or has failed. It is kept a day: nothing is lost with it, and
    nothing is to be done with it but to see why.
    """

    def __init__(self, scope: Construct, construct_id: str, *, host: Host, timers: Capacity, sweep: Capacity) -> None:
        super().__init__(scope, construct_id)
        self.queue = WorkQueue(self, "Timers", topology.TIMERS, host.encryption_key, timers)
        self.waker = Function(
            self,
            "Waker",
            handler="timers",
            host=host,
            capacity=timers,
            loops=True,
            description="Wakes runs whose sleep, retry or deadline is due",
        )
        self.queue.feed(self.waker)
        self.sweep = Function(
            self,
            "Sweep",
            handler="sweep",
            host=host,
            capacity=sweep,
            description="Puts due and overdue timers into the timers queue",
        )
        self.missed = self._missed(host.encryption_key)
        self.schedule = self._schedule()

    def _missed(self, key: kms.IKey | None) -> sqs.Queue:
        queue = closed_queue(self, "Missed", key, retention_period=Duration.days(1))
        reason = "It is a dead-letter queue itself: that of the schedule, and of the sweep's asynchronous invocations."
        Validations.of(queue).acknowledge(Acknowledgment(id="AwsSolutions-SQS3", reason=reason))
        if key is not None:
            reason = "The CDK grants a destination's key by its families of actions. They are the key's alone."
            for family in ("kms:GenerateDataKey*", "kms:ReEncrypt*"):
                self.sweep.acknowledge(f"AwsSolutions-IAM5[Action::{family}]", reason)
        return queue

    def _schedule(self) -> events.Rule:
        every = Duration.minutes(topology.SWEEP_MINUTES)
        target = targets.LambdaFunction(
            self.sweep.live, max_event_age=every, retry_attempts=0, dead_letter_queue=self.missed
        )
        self.sweep.live.configure_async_invoke(
            max_event_age=every, retry_attempts=0, on_failure=destinations.SqsDestination(self.missed)
        )
        return events.Rule(self, "Schedule", schedule=events.Schedule.rate(every), targets=[target])

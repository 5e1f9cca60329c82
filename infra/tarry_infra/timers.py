"""How time passes: the queue for what is due within minutes, and the sweep for what is due later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from tarry_backend import topology
from tarry_infra.functions import Capacity, Function
from tarry_infra.queues import WorkQueue

if TYPE_CHECKING:
    from tarry_infra.functions import Host

__all__ = ["SWEEP", "TIMERS", "Timers"]

TIMERS = Capacity(memory=512, timeout=30, concurrency=50)
SWEEP = Capacity(memory=512, timeout=55)


class Timers(Construct):
    """A sweep that fails is not tried again: the next one, a minute later, picks up what it has left."""

    def __init__(self, scope: Construct, construct_id: str, *, host: Host, timers: Capacity, sweep: Capacity) -> None:
        super().__init__(scope, construct_id)
        self.queue = WorkQueue(self, "Timers", topology.TIMERS)
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
            description="Puts what is due soon, or overdue, into the timers queue",
        )
        self.schedule = self._schedule()

    def _schedule(self) -> events.Rule:
        every = Duration.minutes(topology.SWEEP_MINUTES)
        target = targets.LambdaFunction(self.sweep, max_event_age=every, retry_attempts=0)
        self.sweep.configure_async_invoke(max_event_age=every, retry_attempts=0)
        return events.Rule(self, "Schedule", schedule=events.Schedule.rate(every), targets=[target])

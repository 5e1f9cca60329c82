"""The stack: what one app needs on its AWS account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs

from tarry_backend.settings import Settings
from tarry_backend.store.models import DueIndex, WaitsIndex
from tarry_infra.bundle import Bundle
from tarry_infra.environment import environment_of
from tarry_infra.functions import Capacity, Host
from tarry_infra.ingest import MATCHER, Ingest
from tarry_infra.runs import EXECUTOR, Runs
from tarry_infra.state import State
from tarry_infra.timers import SWEEP, TIMERS, Timers
from tarry_infra.user_app import UserApp
from tarry_infra.wheels import Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct

__all__ = ["TarryStack", "Tuning"]


class Tuning(TypedDict, total=False):
    """The numbers among the Lambdas' ``Settings``, for those who want others than its defaults."""

    settle_seconds: int
    log_days: int
    run_days: int
    max_steps: int


class TarryStack(Stack):
    """An app's bus, queues, Lambdas and state.

    ``app`` is the ``tarry.App`` as ``module:attribute``. It is imported here, for its id names the bus:
    ``tarry-<app id>``. The top-level package that holds it goes into the Lambdas, and so do ``modules``.
    ``removal_policy`` is that of the table and the bucket; only with ``RETAIN`` is the table protected from
    deletion. A ``Capacity`` replaces a Lambda's memory, timeout and concurrency. All else goes to ``Stack``.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        app: str,
        modules: Sequence[str] = (),
        tuning: Tuning | None = None,
        matcher: Capacity = MATCHER,
        executor: Capacity = EXECUTOR,
        timers: Capacity = TIMERS,
        sweep: Capacity = SWEEP,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
        runtime: lambda_.Runtime = lambda_.Runtime.PYTHON_3_14,
        architecture: lambda_.Architecture = lambda_.Architecture.ARM_64,
        **stack: Any,
    ) -> None:
        super().__init__(scope, construct_id, **stack)
        self.app = UserApp.load(app, modules)
        target = Target(runtime, architecture)
        code = Bundle.of(self.app, target).code()
        host = Host(code=code, target=target, log_retention=log_retention)
        self.state = State(self, "State", removal_policy=removal_policy)
        self.ingest = Ingest(self, "Ingest", bus_name=f"tarry-{self.app.id}", host=host, capacity=matcher)
        self.runs = Runs(self, "Runs", host=host, capacity=executor)
        self.timers = Timers(self, "Timers", host=host, timers=timers, sweep=sweep)
        self._configure(tuning or {})
        self._grant()

    def _configure(self, tuning: Tuning) -> None:
        settings = Settings(
            app=self.app.spec,
            table=self.state.table.table_name,
            bucket=self.state.bucket.bucket_name,
            bus=self.ingest.bus.event_bus_name,
            events_queue=self.ingest.queue.url,
            runs_queue=self.runs.queue.url,
            timers_queue=self.timers.queue.url,
            **tuning,
        )
        for function in (self.ingest.matcher, self.runs.executor, self.timers.waker, self.timers.sweep):
            for variable, value in environment_of(settings).items():
                function.add_environment(variable, value)

    def _grant(self) -> None:
        """What each Lambda calls, and nothing else."""
        state, ingest, runs, timers = self.state, self.ingest, self.runs, self.timers
        state.grant_items(ingest.matcher, "BatchWriteItem", "GetItem", "UpdateItem")
        state.grant_index(ingest.matcher, WaitsIndex)
        state.grant_values(ingest.matcher, "GetObject", "PutObject")
        state.grant_items(runs.executor, "BatchWriteItem", "GetItem", "PutItem", "Query", "UpdateItem")
        state.grant_values(runs.executor, "GetObject", "PutObject")
        ingest.grant_put_events(runs.executor)
        state.grant_items(timers.waker, "GetItem", "Query")
        state.grant_values(timers.waker, "GetObject")
        state.grant_items(timers.sweep, "GetItem", "PutItem")
        state.grant_index(timers.sweep, DueIndex)
        ingest.queue.grant_send(ingest.matcher, timers.waker)
        runs.queue.grant_send(ingest.matcher, runs.executor, timers.waker)
        timers.queue.grant_send(runs.executor, timers.waker, timers.sweep)

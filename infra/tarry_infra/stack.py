"""The stack: what one app needs on its AWS account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs

from tarry._wire.bus import source_of
from tarry._wire.internal_events import CANCEL_RUN, RETRY_RUN
from tarry.errors import UsageError
from tarry_backend.deploy.function_facts import facts_of
from tarry_backend.deploy.outputs import Deployment
from tarry_backend.deploy.settings import Settings
from tarry_backend.deploy.topology import longest_redelivery
from tarry_backend.events.schedules import schedules_of
from tarry_backend.runtime import load_app
from tarry_infra.api import Api
from tarry_infra.audit import Audit
from tarry_infra.bundle import Bundle
from tarry_infra.concurrency import within
from tarry_infra.encryption import let_logs_use
from tarry_infra.environment import Tuning, checked_tuning, environment_of, log_days_of
from tarry_infra.functions import Capacity, Function, Host, LogLevel
from tarry_infra.ingest import MATCHER, Ingest, checked_source
from tarry_infra.names import bus_name
from tarry_infra.observability import Observability
from tarry_infra.outputs import tell
from tarry_infra.python import default_runtime
from tarry_infra.remote import Remote
from tarry_infra.runs import EXECUTOR, Runs
from tarry_infra.schedules import Schedules
from tarry_infra.signals import SIGNALS, Signals
from tarry_infra.state import State
from tarry_infra.timers import SWEEP, TIMERS, Timers
from tarry_infra.user_app import UserApp
from tarry_infra.wheels import Target

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_events as events
    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_kms as kms
    from constructs import Construct

    from tarry_infra.remote import RemoteApps

__all__ = ["TarryStack", "Tuning"]


class TarryStack(Stack):
    """An app's bus, queues, Lambdas and state.

    Args:
        scope: The CDK app.
        construct_id: The construct's id.
        app: The ``tarry.App`` as ``module:attribute``. The stack imports it, since the app may name its bus;
            otherwise the bus has the stack's name. The top-level package that holds it goes into the Lambdas.
        remote: Apps of Inngest SDKs: a list of ``RemoteApp``, or a function of the stack. ``app`` may be left out then.
        modules: Further top-level packages for the Lambdas.
        requirements: A requirements file, or a lock with hashes, with further dependencies of the Lambdas.
        tuning: How long events and ended runs are kept, and how many steps a run may have; see ``Tuning``.
        bus: An existing bus instead of one of the app's own. All its events come in. Senders outside the stack name it:
            ``App(..., bus="its name")``, or ``TARRY_BUS`` in the environment.
        encryption_key: Your own KMS key for table, buckets, queues and logs, instead of the keys that AWS manages. The
            Lambdas may use it. An imported key's policy must allow EventBridge and Logs; see ``let_logs_use``.
        matcher: The ``Capacity`` of this Lambda: memory, timeout, concurrency and batch size.
        executor: The ``Capacity`` of this Lambda.
        timers: The ``Capacity`` of this Lambda.
        sweep: The ``Capacity`` of this Lambda.
        signals: The ``Capacity`` of this Lambda. Senders of signals invoke it; ``reserved`` keeps a share for them.
        account_concurrency: How many Lambdas the account may run at the same time: 1,000, or 10 in a new account. If
            that is less than the queues ask for, their ``concurrency`` is lowered. By default it is not.
        warm_writes: How many writes a second the table and each index are ready for at once; see ``State``.
        removal_policy: What becomes of the table and the buckets. Only ``RETAIN`` protects the table from deletion.
        log_level: The lowest level that the Lambdas log.
        log_retention: How long CloudWatch keeps the logs.
        audit: Whether every event is also kept as a file, for queries in SQL with Athena; see ``Audit``.
        audit_days: For how many days.
        schedules: Whether crons start functions. ``False`` for a stack that must stay quiet.
        api: Whether there is an HTTP API, at a URL where IAM decides who may ask; see ``Api`` and ``grant_api``.
        alarm_actions: What each alarm does, such as ``[SnsAction(topic)]``. By default alarms only show.
        version: What names the code of this deploy in its runs and failures; by default a digest of the code.
        runtime: The Python runtime of the Lambdas; by default the version that synthesises, from 3.12 on.
        snap_start: Whether Lambdas start from a snapshot of their loaded code; see "SnapStart" in ``docs/deploy.md``.
        architecture: The processor of the Lambdas.
        **stack: Everything else goes to ``Stack``, such as ``env``, ``tags`` and ``stack_name``.

    Raises:
        UsageError: There is no ``tarry.App`` at ``app``, or a module or requirements file is missing.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        app: str = "tarry_backend.remote.stack_app:app",
        remote: RemoteApps = (),
        modules: Sequence[str] = (),
        requirements: str | Path | None = None,
        tuning: Tuning | None = None,
        bus: events.IEventBus | None = None,
        encryption_key: kms.IKey | None = None,
        matcher: Capacity = MATCHER,
        executor: Capacity = EXECUTOR,
        timers: Capacity = TIMERS,
        sweep: Capacity = SWEEP,
        signals: Capacity = SIGNALS,
        account_concurrency: int | None = None,
        warm_writes: int | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
        log_level: LogLevel = "INFO",
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
        audit: bool = True,
        audit_days: int = 365,
        schedules: bool = True,
        api: bool = False,
        alarm_actions: Sequence[cloudwatch.IAlarmAction] = (),
        version: str | None = None,
        runtime: lambda_.Runtime | None = None,
        snap_start: bool = False,
        architecture: lambda_.Architecture = lambda_.Architecture.ARM_64,
        **stack: Any,
    ) -> None:
        super().__init__(scope, construct_id, **stack)
        tuning = checked_tuning(tuning)
        self.app = UserApp.load(app, modules, requirements)
        target = Target(runtime or default_runtime(), architecture)
        bundle = Bundle.of(self.app, target)
        self.version = version or bundle.hash[:12]
        host = Host(
            code=bundle.code(),
            target=target,
            log_level=log_level,
            log_retention=log_retention,
            encryption_key=encryption_key,
            snap_start=snap_start,
        )
        let_logs_use(encryption_key, self)
        matcher, executor, timers = within(account_concurrency, matcher, executor, timers)
        days = log_days_of(tuning)
        self.state = State(
            self, "State", host=host, removal_policy=removal_policy, log_days=days, warm_writes=warm_writes
        )
        made = self.app.bus or bus_name(self.stack_name, self.app.id)
        self.ingest = Ingest(self, "Ingest", bus=bus or made, host=host, capacity=matcher)
        self.runs = Runs(self, "Runs", host=host, capacity=executor)
        self.timers = Timers(self, "Timers", host=host, timers=timers, sweep=sweep)
        self.signals = Signals(self, "Signals", host=host, capacity=signals, state=self.state, runs=self.runs)
        self.audit = self._audit(host, audit_days, removal_policy) if audit else None
        self.schedules = self._schedules(encryption_key, enabled=schedules)
        self.api = Api(self, "Api", host=host) if api else None
        self.remote = Remote(self, "Remote", host=host, apps=remote) if remote else None
        settings = self._settings(tuning)
        self._configure(settings)
        self._write_outputs(settings)
        self._grant()
        self.observability = self._observe(alarm_actions)

    def grant_put_events(self, grantee: iam.IGrantable, *, source: str) -> None:
        """Let a sender outside the stack put events of its own source on the bus, with ``PutEvents`` of any AWS SDK.

        It can start functions and resume waits that its events match, and nothing else. IAM refuses other sources, and
        names that begin with ``tarry/``: those of Tarry's own events. Give each sender a source of its own.

        Raises:
            UsageError: The source is reserved: for ``app.send`` use ``grant_send_events``.
        """
        self.ingest.grant_ordinary_events(grantee, checked_source(source))

    def grant_send_events(self, grantee: iam.IGrantable) -> None:
        """Let a sender outside the stack, such as a web service, use ``app.send``.

        Its events have the app's own source and ids of its choice. IAM refuses other sources, and names that begin with
        ``tarry/``. So it cannot invoke functions, fire schedules, announce ends of runs or cancel runs.
        """
        self.ingest.grant_ordinary_events(grantee, source_of(self.app.id))

    def grant_cancel_runs(self, grantee: iam.IGrantable) -> None:
        """Let a sender outside the stack use ``app.cancel``: it may cancel any run of the app, and nothing else."""
        self.ingest.grant_event(grantee, source_of(self.app.id), CANCEL_RUN)

    def grant_retry_runs(self, grantee: iam.IGrantable) -> None:
        """Let a sender outside the stack use ``app.retry``: it may retry any failed run, and nothing else."""
        self.ingest.grant_event(grantee, source_of(self.app.id), RETRY_RUN)

    def grant_send_signals(self, grantee: iam.IGrantable) -> None:
        """Let a sender outside the stack, such as a web service, send the app's signals.

        The grantee may invoke the signals Lambda, and nothing else. Its environment needs ``TARRY_SIGNALS``, with
        ``stack.signals.function.live.function_name`` or the stack output ``SignalsFunction``.
        """
        self.signals.grant(grantee)

    def grant_encryption(self, key: kms.IKey, *senders: iam.IGrantable) -> None:
        """Let the executor, and senders outside the stack, make and decrypt data keys of ``tarry.encryption``."""
        for grantee in (self.runs.executor, *senders):
            key.grant(grantee, "kms:GenerateDataKey", "kms:Decrypt")

    def grant_api(self, grantee: iam.IGrantable) -> None:
        """Let the grantee use the HTTP API: read everything, cancel, retry and rerun runs, and control functions.

        Raises:
            UsageError: The stack has no HTTP API.
        """
        if self.api is None:
            raise UsageError("this stack has no HTTP API: create the stack with api=True")
        self.api.grant(grantee)

    def _audit(self, host: Host, days: int, removal_policy: RemovalPolicy) -> Audit:
        return Audit(self, "Audit", bus=self.ingest.bus, host=host, days=days, removal_policy=removal_policy)

    def _schedules(self, key: kms.IKey | None, *, enabled: bool) -> Schedules | None:
        if not (schedules := list(schedules_of(load_app(self.app.spec)))):
            return None
        id_, bus = self.app.id, self.ingest.bus
        return Schedules(
            self, "Schedules", app_id=id_, schedules=schedules, bus=bus, encryption_key=key, enabled=enabled
        )

    def _settings(self, tuning: Tuning) -> Settings:
        return Settings(
            app=self.app.spec,
            table=self.state.table.table_name,
            bucket=self.state.bucket.bucket_name,
            bus=self.ingest.bus.event_bus_name,
            events_queue=self.ingest.queue.url,
            runs_queue=self.runs.queue.url,
            timers_queue=self.timers.queue.url,
            audit_stream=self.audit.delivery.stream.attr_arn if self.audit else "",
            unsettled_seconds=longest_redelivery(self.ingest.queue.visibility, self.ingest.queue.receives),
            version=self.version,
            **(self.remote.settings() if self.remote else {}),
            **tuning,
        )

    def _configure(self, settings: Settings) -> None:
        for function in self._functions().values():
            for variable, value in environment_of(settings).items():
                function.add_environment(variable, value)
        if self.remote:
            self.remote.configure(self.runs.executor, tuple(environment_of(settings).items()))

    def _write_outputs(self, settings: Settings) -> None:
        """Write what the command line needs to know: see ``tarry runs --stack``."""
        queues = (self.ingest.queue, self.runs.queue, self.timers.queue)
        dead_letters = {queue.spec.name: queue.dead_letters.queue_url for queue in queues}
        app = load_app(self.app.spec)
        tell(self, Deployment(self.app.id, tuple(app.functions), settings, dead_letters, facts_of(app)))

    def _functions(self) -> dict[str, Function]:
        return {
            "matcher": self.ingest.matcher,
            "executor": self.runs.executor,
            "waker": self.timers.waker,
            "sweep": self.timers.sweep,
            **({"api": self.api.function} if self.api else {}),
        }

    def _observe(self, actions: Sequence[cloudwatch.IAlarmAction]) -> Observability:
        ingest, runs, timers, audit = self.ingest, self.runs, self.timers, self.audit
        functions = {**self._functions(), "signals": self.signals.function}
        functions |= {"gateway": self.remote.gateway} if self.remote else {}
        beside = {"sweep": timers.missed}
        if audit:
            functions["converter"] = audit.delivery.converter
            beside["audit"] = audit.dead_letters
        if self.schedules:
            beside["schedules"] = self.schedules.dead_letters
        return Observability(
            self,
            "Observability",
            ingest=ingest,
            work=[ingest.queue, runs.queue, timers.queue],
            functions=functions,
            dead_letters=beside,
            actions=actions,
        )

    def _grant(self) -> None:
        """Grant each Lambda the calls that it makes, and nothing else."""
        state, ingest, runs, timers = self.state, self.ingest, self.runs, self.timers
        functions = (ingest.matcher, runs.executor, timers.waker, timers.sweep)
        state.grant(*functions)
        ingest.grant_put_events(*functions)
        for each in (ingest, runs, timers):
            each.queue.grant_send(*functions)
        if self.audit:
            self.audit.delivery.grant_put(runs.executor)
        if self.api:
            self.api.reach(state, runs, timers)
        if self.remote:
            self.remote.grant(ingest, runs, timers, state, self.api)

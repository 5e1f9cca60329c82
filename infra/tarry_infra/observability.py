"""The alarms and the CloudWatch dashboard of an app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from tarry_backend.deploy import topology
from tarry_backend.model.run import PARKED
from tarry_backend.queues import sender
from tarry_infra.dashboard import widgets
from tarry_infra.metrics import app_metric

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_sqs as sqs

    from tarry_infra.functions import Function
    from tarry_infra.ingest import Ingest
    from tarry_infra.queues import WorkQueue

__all__ = ["Observability"]


# In seconds. The message of a dead Lambda returns after the visibility timeout. A run's message may take as long as its
# function, which is less. So an age up to this needs no person. The timers queue has messages up to ``HORIZON`` early,
# on purpose.
def _oldest(queue: WorkQueue) -> int:
    if queue.spec is topology.RUNS:
        return queue.visibility
    return 2 * queue.visibility + (sender.HORIZON // 1000 if queue.spec is topology.TIMERS else 0)


_SWEEP_LATE = 5

_PARKED_PERIOD = 5
_PARKED_PERIODS = PARKED // 60_000 // _PARKED_PERIOD + 1

_GIVEN_UP = (
    "The {name} queue gave up a message, so an event or a run does not go on. Look at it with `tarry dlq ls`, fix the"
    " cause, then run `tarry dlq redrive`."
)
_NOT_DELIVERED = (
    "AWS could not deliver something to the {name}. Read the messages of its dead-letter queue in the SQS console: they"
    " name the reason."
)


class Observability(Construct):
    """The stack's alarms and dashboard.

    An alarm's name begins with the stack's name. Its description, and ``docs/operate.md``, say what it means and what
    to do.

    Args:
        scope: The stack.
        construct_id: The construct's id.
        ingest: The way of events into the app.
        work: The work queues.
        functions: The Lambdas, by their short names.
        dead_letters: The dead-letter queues beside those of the work queues.
        actions: What each alarm does.

    Attributes:
        alarms: The alarms by their short names, such as ``runs-dead-letters``.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        ingest: Ingest,
        work: Sequence[WorkQueue],
        functions: Mapping[str, Function],
        dead_letters: Mapping[str, sqs.IQueue],
        actions: Sequence[cloudwatch.IAlarmAction] = (),
    ) -> None:
        super().__init__(scope, construct_id)
        self.alarms: dict[str, cloudwatch.Alarm] = {}
        self._actions = actions
        self._watch_dead_letters({queue.spec.name: queue.dead_letters for queue in work}, _GIVEN_UP)
        self._watch_dead_letters(dead_letters, _NOT_DELIVERED)
        self._watch_lost_events(ingest)
        self._watch_ages(work)
        for name, function in functions.items():
            self._watch_function(name, function)
        stack = Stack.of(self)
        self._watch_sweeps(stack.stack_name)
        self._watch_matching(stack.stack_name)
        self._watch_parked_runs(stack.stack_name)
        self.dashboard = cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=f"{stack.stack_name}-{stack.region}",  # dashboards are the account's, not the region's
            widgets=widgets(stack.stack_name, work, functions, list(self.alarms.values())),
        )

    def _watch_dead_letters(self, dead_letters: Mapping[str, sqs.IQueue], description: str) -> None:
        for name, queue in dead_letters.items():
            self._alarm(
                f"{name}-dead-letters",
                queue.metric_approximate_number_of_messages_visible(period=_minutes(1), statistic="Maximum"),
                "Dead letters",
                description.format(name=name),
            )

    def _watch_lost_events(self, ingest: Ingest) -> None:
        self._alarm(
            "lost-events",
            ingest.metric_lost(_minutes(1)),
            "Lost events",
            "EventBridge could put an event neither into the events queue nor into its dead-letter queue: it is lost."
            " It has a character that SQS refuses, or somebody changed a queue or its key. Find its sender.",
        )

    def _watch_ages(self, work: Sequence[WorkQueue]) -> None:
        for queue in work:
            name, oldest = queue.spec.name, _oldest(queue)
            self._alarm(
                f"{name}-oldest-message",
                queue.queue.metric_approximate_age_of_oldest_message(period=_minutes(1)),
                "Old messages",
                f"A message has been in the {name} queue for more than {oldest} s: its Lambda is too slow, or fails."
                " Look at its errors and throttles, then raise its concurrency.",
                threshold=oldest,
                periods=3,
            )

    def _watch_function(self, name: str, function: Function) -> None:
        self._alarm(
            f"{name}-errors",
            function.metric_errors(period=_minutes(5)),
            "Lambda errors",
            f"An invocation of the {name} died: out of memory, out of time, or the app cannot be imported. Read its"
            " log. Its queue or the bus delivers the message again; the sender of a signal or a request has an error.",
        )
        self._alarm(
            f"{name}-throttles",
            function.metric_throttles(period=_minutes(1)),
            "Throttles",
            f"Lambda has refused to run the {name} for three minutes: the account's concurrency, or the {name}'s"
            " reserved share, is used up. Raise it, or lower that of other Lambdas.",
            periods=3,
        )

    def _watch_sweeps(self, service: str) -> None:
        self._alarm(
            "sweep-late",
            app_metric(service, "Sweeps", "Sum", _minutes(1)),
            "Sweep late",
            f"No sweep has succeeded for {_SWEEP_LATE} minutes. Timers more than {sender.HORIZON // 60_000} minutes"
            " ahead do not fire, so sleeps, retries and deadlines will be late. Read the sweep's log.",
            threshold=1,
            periods=_SWEEP_LATE,
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
        )

    def _watch_matching(self, service: str) -> None:
        self._alarm(
            "match-errors",
            app_metric(service, "MatchErrors", "Sum", _minutes(5)),
            "Match errors",
            "An expression could not be evaluated for an event: a field is missing or of another type. It counted as"
            " no match. `tarry run` shows the problem on the wait. Fix the expression or the sender.",
        )

    def _watch_parked_runs(self, service: str) -> None:
        """One alarm as long as runs are parked: each comes back in less time than the alarm looks at."""
        self._alarm(
            "parked-runs",
            app_metric(service, "Parked", "Sum", _minutes(_PARKED_PERIOD)),
            "Parked runs",
            "Runs cannot go on: their function is missing in the code that is deployed. Nothing of them is lost. Deploy"
            " the function again under its id, and they go on by themselves; or cancel them.",
            periods=_PARKED_PERIODS,
            datapoints_to_alarm=1,
        )

    def _alarm(
        self,
        name: str,
        metric: cloudwatch.IMetric,
        section: str,
        description: str,
        *,
        threshold: float = 0,
        periods: int = 1,
        **others: Any,
    ) -> None:
        options = {
            "comparison_operator": cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            "treat_missing_data": cloudwatch.TreatMissingData.NOT_BREACHING,
        } | others
        alarm = cloudwatch.Alarm(
            self,
            name.title().replace("-", ""),
            alarm_name=f"{Stack.of(self).stack_name}-{name}",
            alarm_description=f'{description} See "{section}" in docs/operate.md.',
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            **options,
        )
        alarm.add_alarm_action(*self._actions)
        self.alarms[name] = alarm


def _minutes(number: int) -> Duration:
    return Duration.minutes(number)

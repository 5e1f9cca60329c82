"""The way of events into the app: its bus, the rule for the events queue, and the matcher."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import Duration, Fn, Stack, Token
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from constructs import Construct

from tarry.errors import UsageError
from tarry.event import RESERVED
from tarry_backend.deploy import topology
from tarry_backend.store.access import PUBLISHERS
from tarry_infra.functions import Capacity, Function
from tarry_infra.queues import WorkQueue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tarry_infra.functions import Host

__all__ = ["MATCHER", "Ingest", "checked_source"]

_SOURCE, _NAME = "events:source", "events:detail-type"
"""IAM's condition keys of ``PutEvents``: an event's source, and its name."""

MATCHER = Capacity(memory=1024, timeout=20, concurrency=50)


class Ingest(Construct):
    """The way of events into the app. What the rule cannot deliver goes to the queue's dead letters.

    ``bus`` is an existing bus, or the name of a new one.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, bus: events.IEventBus | str, host: Host, capacity: Capacity
    ) -> None:
        super().__init__(scope, construct_id)
        _check_account(self, bus)
        self.bus = events.EventBus(self, "Bus", event_bus_name=bus) if isinstance(bus, str) else bus
        self.queue = WorkQueue(self, "Events", topology.EVENTS, host.encryption_key, capacity)
        self.rule = self._rule()
        self._refuse_other_rules()
        self.matcher = Function(
            self,
            "Matcher",
            handler="matcher",
            host=host,
            capacity=capacity,
            loops=True,
            description="Logs events, and finds the functions that they start and the waits that they match",
        )
        self.queue.feed(self.matcher)

    def metric_lost(self, period: Duration) -> cloudwatch.Metric:
        """Count the events that the rule could put neither into the queue nor into its dead-letter queue.

        A metric of a rule has the bus as a dimension, unless it is the default bus. The name of the rule alone is in no
        attribute, but at the end of its ARN: ``rule/BUS/RULE``, and ``rule/RULE`` on the default bus.
        """
        bus = self.bus.event_bus_name
        is_default = bus == "default"
        path = 1 if is_default else 2 if Token.is_unresolved(bus) else 2 + bus.count("/")  # a partner's bus has some
        return cloudwatch.Metric(
            namespace="AWS/Events",
            metric_name="InvocationsFailedToBeSentToDlq",
            dimensions_map={"RuleName": Fn.select(path, Fn.split("/", self.rule.rule_arn))}
            | ({} if is_default else {"EventBusName": bus}),
            statistic="Sum",
            period=period,
        )

    def grant_put_events(self, *functions: Function, publishers: Sequence[str] = PUBLISHERS) -> None:
        """Lets the publishers among them put events on the bus, internal ones too."""
        for function in functions:
            if function.entry in publishers:
                function.allow(["events:PutEvents"], self.bus.event_bus_arn)

    def grant_ordinary_events(self, grantee: iam.IGrantable, source: str) -> None:
        """Lets a sender outside the stack put events of this source, but none with a reserved name."""
        self._grant(grantee, source, "StringNotLike", f"{RESERVED}*")

    def grant_event(self, grantee: iam.IGrantable, source: str, name: str) -> None:
        """Lets a sender outside the stack put events of this source and name, and no others."""
        self._grant(grantee, source, "StringEquals", name)

    def _grant(self, grantee: iam.IGrantable, source: str, operator: str, name: str) -> None:
        """Allow, on conditions that hold for each entry, whether EventBridge asks for each or for all of a request.

        ``ForAllValues`` is true if there are no values. So ``Null`` requires that there are some.
        """
        conditions: dict[str, dict[str, str]] = {
            "ForAllValues:StringEquals": {_SOURCE: source},
            "Null": {_SOURCE: "false", _NAME: "false"},
        }
        conditions.setdefault(f"ForAllValues:{operator}", {})[_NAME] = name
        iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["events:PutEvents"],
            resource_arns=[self.bus.event_bus_arn],
            conditions=conditions,
        )

    def _refuse_other_rules(self) -> None:
        """With a key of the user's, the CDK lets every rule send to the queue, of whatever account."""
        refusal = iam.PolicyStatement(
            effect=iam.Effect.DENY,
            principals=[iam.ServicePrincipal("events.amazonaws.com")],
            actions=["sqs:SendMessage"],
            resources=[self.queue.queue.queue_arn],
            conditions={"ArnNotEquals": {"aws:SourceArn": self.rule.rule_arn}},
        )
        self.queue.queue.add_to_resource_policy(refusal)

    def _rule(self) -> events.Rule:
        # Tokens, because the CDK's types take the parts of a pattern for strings, not for operators.
        pattern: dict[str, Any] = {
            key.replace("-", "_"): Token.as_list(each) for key, each in topology.RULE_PATTERN.items()
        }
        target = targets.SqsQueue(self.queue.queue, dead_letter_queue=self.queue.dead_letters)
        return events.Rule(
            self, "Rule", event_bus=self.bus, event_pattern=events.EventPattern(**pattern), targets=[target]
        )


def _check_account(scope: Construct, bus: events.IEventBus | str) -> None:
    """Check that the bus is in the stack's account, as far as both are known: a rule is where its bus is.

    Raises:
        UsageError: The bus is in another account.
    """
    own = Stack.of(scope).account
    account = own if isinstance(bus, str) else bus.env.account
    if account != own and not Token.is_unresolved(account) and not Token.is_unresolved(own):
        raise UsageError(
            f"the bus is in account {account}, the stack in {own}: give a bus of the stack's account, and let a rule "
            "of the other bus send its events there"
        )


def checked_source(source: str) -> str:
    """Return a source that is its sender's own. EventBridge keeps ``aws.`` for AWS, Tarry ``tarry.`` for apps."""
    if not source or source.lower().startswith(("tarry.", "aws.")):
        raise UsageError(f"source {source!r}: give a name that does not begin with 'tarry.' or 'aws.', such as 'shop'")
    return source

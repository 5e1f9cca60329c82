"""A queue of Tarry's topology, with its dead-letter queue and the event source of its Lambda."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import Duration, Names
from aws_cdk import aws_sqs as sqs
from aws_cdk.aws_lambda_event_sources import SqsEventSource
from constructs import Construct

from tarry.errors import UsageError
from tarry_backend.deploy import topology
from tarry_backend.store.access import SENDERS
from tarry_infra.concurrency import LEAST_CONCURRENCY

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms

    from tarry_infra.functions import Capacity, Function

__all__ = ["WorkQueue", "closed_queue"]

_LARGEST_BATCH = 10
"""The most messages of a batch for which SQS does not wait. A FIFO queue gives one (see ``topology.RUNS``)."""


_MARGIN = 60
"""How many seconds more than its Lambda's timeout a message stays invisible at least: the executor relies on it."""

_LONGEST_VISIBILITY = 43_200

_MOST_CONCURRENCY = 1_000
"""The largest ``MaximumConcurrency`` that a queue's mapping takes."""


def closed_queue(scope: Construct, construct_id: str, key: kms.IKey | None, **options: Any) -> sqs.Queue:
    """A queue that is encrypted, with a key of SQS's own unless one is given, and refuses plain HTTP."""
    encryption = sqs.QueueEncryption.KMS if key else sqs.QueueEncryption.SQS_MANAGED
    return sqs.Queue(scope, construct_id, encryption=encryption, encryption_master_key=key, enforce_ssl=True, **options)


class WorkQueue(Construct):
    """Built from the numbers of the topology; encrypted, and closed to plain HTTP."""

    def __init__(
        self, scope: Construct, construct_id: str, spec: topology.Queue, key: kms.IKey | None, capacity: Capacity
    ) -> None:
        super().__init__(scope, construct_id)
        self.spec = spec
        self.visibility = _visibility(spec, capacity)
        self.receives = spec.max_receives if capacity.receives is None else capacity.receives
        self._key = key
        self.dead_letters = self._queue("DeadLetters", kept=Duration.days(topology.DEAD_LETTERS_KEPT_DAYS))
        self.queue = self._queue(
            "Queue",
            kept=Duration.days(topology.KEPT_DAYS),
            invisible=Duration.seconds(self.visibility),
            dead_letters=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=self.receives),
        )

    @property
    def url(self) -> str:
        """By which SQS's clients name the queue."""
        return self.queue.queue_url

    def grant_send(self, *functions: Function) -> None:
        """Lets those of them that send to the queue do so: see ``tarry_backend.store.access``."""
        for function in functions:
            if self.spec.name in SENDERS.get(function.entry, ()):
                function.allow(["sqs:SendMessage"], self.queue.queue_arn)

    def feed(self, function: Function) -> None:
        """Makes the Lambda read the queue; it answers which messages of a batch have failed."""
        capacity = function.capacity
        batch = self.spec.batch_size if capacity.batch is None else capacity.batch
        if self.spec.fifo and batch != 1:
            raise UsageError(
                f"the queue {self.spec.name!r} gives its Lambda one message at a time, not {batch}: in a batch a slow"
                " run would hold up its neighbours"
            )
        if not 1 <= batch <= _LARGEST_BATCH:
            raise UsageError(
                f"the queue {self.spec.name!r} cannot give its Lambda batches of {batch}: give 1 to"
                f" {_LARGEST_BATCH} messages (SQS would delay larger batches)"
            )
        function.live.add_event_source(
            SqsEventSource(
                self.queue,
                batch_size=batch,
                report_batch_item_failures=True,
                max_concurrency=_concurrency(self.spec, capacity),
            )
        )

    def _queue(
        self,
        name: str,
        *,
        kept: Duration,
        invisible: Duration | None = None,
        dead_letters: sqs.DeadLetterQueue | None = None,
    ) -> sqs.Queue:
        fifo = self.spec.fifo
        return closed_queue(
            self,
            name,
            self._key,
            retention_period=kept,
            visibility_timeout=invisible,
            dead_letter_queue=dead_letters,
            queue_name=self._fifo_name(name) if fifo else None,
            # High throughput: the limits hold a message group, that is a run, not the queue.
            deduplication_scope=sqs.DeduplicationScope.MESSAGE_GROUP if fifo else None,
            fifo_throughput_limit=sqs.FifoThroughputLimit.PER_MESSAGE_GROUP_ID if fifo else None,
        )

    def _fifo_name(self, name: str) -> str:
        """Named here, for the name must end in ``.fifo``; not every cloud that makes one up thinks of it."""
        unique = Names.unique_resource_name(self, max_length=60, separator="-", allowed_special_characters="-")
        return f"{unique}-{name}.fifo"


def _concurrency(spec: topology.Queue, capacity: Capacity) -> int | None:
    """Return how many invocations the queue starts in parallel: no more than the reserved share has room for.

    Otherwise Lambda's poller takes more messages than may run. Lambda throttles the rest, each such receive counts, and
    sound messages become dead letters (Lambda's developer guide, "Configuring maximum concurrency for SQS").
    """
    if capacity.reserved is None:
        return capacity.concurrency
    if capacity.reserved < LEAST_CONCURRENCY:
        raise UsageError(
            f"the Lambda of the queue {spec.name!r} cannot have reserved={capacity.reserved}: its queue starts at least"
            f" {LEAST_CONCURRENCY} invocations in parallel, and those without room become dead letters; give"
            f" {LEAST_CONCURRENCY} or more"
        )
    return min(capacity.reserved, capacity.concurrency or capacity.reserved, _MOST_CONCURRENCY)


def _visibility(spec: topology.Queue, capacity: Capacity) -> int:
    """Return the visibility timeout; raise ``UsageError`` if SQS could deliver a message to two Lambdas at a time."""
    least = capacity.timeout + _MARGIN
    if capacity.visibility is None:
        return max(least, topology.VISIBILITY * capacity.timeout)
    if not least <= capacity.visibility <= _LONGEST_VISIBILITY:
        raise UsageError(
            f"the queue {spec.name!r} cannot have visibility={capacity.visibility}: give {least} to"
            f" {_LONGEST_VISIBILITY} s (its Lambda has a timeout of {capacity.timeout} s; SQS would deliver a message"
            " again while the Lambda still works on it)"
        )
    return capacity.visibility

"""The execution of runs: the FIFO queue with a message group each run, and the executor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs import Construct

from tarry_backend.deploy import topology
from tarry_infra.functions import Capacity, Function
from tarry_infra.queues import WorkQueue

if TYPE_CHECKING:
    from tarry_infra.functions import Host

__all__ = ["EXECUTOR", "Runs"]

# If an executor dies, the run's next one comes after six times this timeout: a quarter of an hour (see ADR 35).
EXECUTOR = Capacity(memory=1024, timeout=150, concurrency=100)


class Runs(Construct):
    """SQS keeps the messages of one run apart, so that no run is executed twice at the same time."""

    def __init__(self, scope: Construct, construct_id: str, *, host: Host, capacity: Capacity) -> None:
        super().__init__(scope, construct_id)
        self.queue = WorkQueue(self, "Runs", topology.RUNS, host.encryption_key, capacity)
        self.executor = Function(
            self,
            "Executor",
            handler="executor",
            host=host,
            capacity=capacity,
            loops=True,
            description="Replays runs over their stored steps, and runs the next steps",
        )
        self.queue.feed(self.executor)

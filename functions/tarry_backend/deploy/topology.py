"""What lies between the handlers: the queues, the rule that feeds them, the sweep. Infrastructure and the
embedded cloud are both built from these numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = [
    "DEAD_LETTERS_KEPT_DAYS",
    "EVENTS",
    "KEPT_DAYS",
    "QUEUES",
    "RULE_PATTERN",
    "RUNS",
    "SWEEP_MINUTES",
    "TIMERS",
    "Queue",
]


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue and how its Lambda reads it.

    ``visibility_timeout`` is in seconds, and at least the timeout of the Lambda that reads the queue: a
    mapping is refused otherwise. A message that has been received ``max_receives`` times goes to the queue's
    dead-letter queue. ``batch_size`` is the most messages that one invocation is given.
    """

    name: str
    fifo: bool
    visibility_timeout: int
    max_receives: int
    batch_size: int


EVENTS = Queue("events", fifo=False, visibility_timeout=60, max_receives=5, batch_size=10)
"""Every event of the bus, and the markers of deadlines; read by the matcher."""

RUNS = Queue("runs", fifo=True, visibility_timeout=900, max_receives=10, batch_size=1)
"""The messages of runs, a message group each run; read by the executor. No deduplication by content: the sender
gives each message its id.

An invocation gets one message. SQS holds back all message groups of a batch until the whole batch is answered. So in a
larger batch a run with a slow step would hold up its neighbours, and one that kills its executor would take them
along: their steps would run again, and their messages would become dead letters."""

TIMERS = Queue("timers", fifo=False, visibility_timeout=60, max_receives=10, batch_size=10)
"""What is due within minutes, delayed to the second; read by the timers."""

QUEUES = (EVENTS, RUNS, TIMERS)

KEPT_DAYS = 7
"""How long a message stays in a queue that is not read. One that outlives it leaves no dead letter."""

DEAD_LETTERS_KEPT_DAYS = 14
"""How long a dead letter is kept, counted from when it was first sent. SQS knows no longer time."""

RULE_PATTERN: dict[str, Any] = {"source": [{"prefix": ""}]}
"""The bus's one rule: every event goes to the events queue. A pattern must name something; each has a
source."""

SWEEP_MINUTES = 1
"""How often the sweep of the due index runs."""

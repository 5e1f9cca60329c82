"""The queues between the handlers, the rule that feeds them, and the sweep.

Infrastructure and the embedded cloud are both built from these numbers.
"""

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
    "VISIBILITY",
    "Queue",
    "longest_redelivery",
]


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue, and how its Lambda reads it.

    Attributes:
        name: The queue's short name.
        fifo: Whether it is a FIFO queue.
        visibility_timeout: In seconds; ``VISIBILITY`` times the timeout of the Lambda that reads it.
        max_receives: After this many receives, a message goes to the dead-letter queue. A receive also counts if
            Lambda then had no room to run: AWS asks for 5 at least.
        batch_size: The most messages of one invocation.
    """

    name: str
    fifo: bool
    visibility_timeout: int
    max_receives: int
    batch_size: int


VISIBILITY = 6
"""How many times a Lambda's timeout a message stays invisible.

AWS asks for that (Lambda's developer guide, "Using Lambda with Amazon SQS"). Lambda's poller holds a received message
back while Lambda has no room to run. So the invocation may begin late.
"""

EVENTS = Queue("events", fifo=False, visibility_timeout=120, max_receives=10, batch_size=10)
"""The queue of every event of the bus, and of the markers of deadlines. The matcher reads it."""

RUNS = Queue("runs", fifo=True, visibility_timeout=900, max_receives=10, batch_size=1)
"""The queue of the messages to runs, one message group for each run. The executor reads it.

It has no deduplication by content: the sender gives each message its id.

An invocation gets one message. SQS holds back all message groups of a batch until the whole batch is answered. In a
larger batch, a run with a slow step would delay its neighbours. A run that kills its executor would repeat their steps,
and their messages would become dead letters.
"""

TIMERS = Queue("timers", fifo=False, visibility_timeout=180, max_receives=10, batch_size=10)
"""The queue of what is due within minutes, delayed to the second. The timers read it."""

QUEUES = (EVENTS, RUNS, TIMERS)


def longest_redelivery(visibility_timeout: int, max_receives: int) -> int:
    """Return how long after its reception an event may still get another matcher, with a minute to spare.

    Args:
        visibility_timeout: The events queue's, in seconds. Each matcher that dies delays the next one by it.
        max_receives: The events queue's: the most matchers that get the event.
    """
    return visibility_timeout * max_receives + 60


KEPT_DAYS = 7
"""How many days a message stays in a queue that no Lambda reads. After that it leaves no dead letter."""

DEAD_LETTERS_KEPT_DAYS = 14
"""How many days a dead letter is stored, from its first sending: the most that SQS allows."""

RULE_PATTERN: dict[str, Any] = {"source": [{"prefix": ""}]}
"""The bus's one rule: every event goes to the events queue. A pattern needs a field; each event has a source."""

SWEEP_MINUTES = 1
"""How often the sweep of the due index runs, in minutes."""

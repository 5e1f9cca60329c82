"""The commands ``tarry dlq ls`` and ``tarry dlq redrive``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from tarry_dev.cli.options import AsJson, Stack, with_app

__all__ = ["dlq"]

dlq = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Show dead letters, and put them back. Messages that failed repeatedly stay there for up to 14 days.",
    short_help="Show dead letters, and put them back.",
)


class QueueName(StrEnum):
    """The topology's queues, repeated here: loading it takes longer than showing the help."""

    EVENTS = "events"
    RUNS = "runs"
    TIMERS = "timers"


@dlq.command("ls")
@with_app
def ls(
    show: Annotated[int, typer.Option(min=0, max=1000, help="How many letters of each queue to show.")] = 0,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Count the dead letters of each queue, and show them.

    events: events of the bus, and deadlines. runs: messages to runs. timers: due timers.

    To show letters hides them in the queue for a few seconds, and counts as a receive of each.

    --json writes {"queues": [...]}, each with name, count, letters; a letter has id, kind (event, or a
    message's kind), event (its name), run, sent, receives, refused (why, or null), body.

    \b
    Examples:
      tarry dlq ls --show 5
      tarry dlq ls --show 100 --json | jq -r '.queues[].letters[].run' | sort | uniq -c
    """
    from tarry_dev.cli.dead_letters import show_letters

    show_letters(show, stack, as_json)


@dlq.command("redrive")
@with_app
def redrive(
    queue: Annotated[QueueName | None, typer.Argument(metavar="QUEUE", help="events, runs or timers.")] = None,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Put dead letters back into their queue, or into all queues.

    A letter comes back as a new message that carries the time at which the queue first received it. So an
    event counts for every wait that is still open and was to end after that time. A wait that has timed out
    stays so.

    Use this command, not the console's redrive, which loses that time. It also marks the messages of runs, so
    that the executor completes what an earlier attempt left undone.

    --json writes {"redriven": {"events": 0, ...}}.

    \b
    Examples:
      tarry dlq redrive runs
      tarry dlq redrive --stack tarry-shop
    """
    from tarry_dev.cli.dead_letters import redrive_letters

    redrive_letters(queue.value if queue else None, stack, as_json)

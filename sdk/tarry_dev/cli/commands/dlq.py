"""The commands ``tarry dlq ls`` and ``tarry dlq redrive``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from tarry_dev.cli.options import AsJson, Stack  # noqa: TC001 - typer reads them

__all__ = ["dlq"]

dlq = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Look at dead letters, and put them back. What failed again and again lies there for up to 14 days.",
    short_help="Look at dead letters, and put them back.",
)


class QueueName(StrEnum):
    """The topology's, once more: to load it takes longer than to show the help."""

    EVENTS = "events"
    RUNS = "runs"
    TIMERS = "timers"


@dlq.command("ls")
def ls(
    show: Annotated[int, typer.Option(min=0, max=1000, help="Show so many letters of each queue.")] = 0,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Count the dead letters of each queue, and show what they are.

    events: what came over the bus, and deadlines. runs: what runs are told. timers: what is due.

    To look at letters takes them off the queue for a few seconds, and counts as a receive of each.

    --json writes {"queues": [...]}, each with name, count, letters; a letter has id, kind (event, or what a
    run is told), event (its name), run, sent, receives, body.

    \b
    Examples:
      tarry dlq ls --show 5
      tarry dlq ls --show 100 --json | jq -r '.queues[].letters[].run' | sort | uniq -c
    """
    from tarry_dev.cli.dead_letters import show_letters

    show_letters(show, stack, as_json)


@dlq.command("redrive")
def redrive(
    queue: Annotated[QueueName | None, typer.Argument(metavar="QUEUE", help="events, runs or timers.")] = None,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Put dead letters back into their queue, or into all queues.

    A letter comes back as a new message, received now. An event starts what it starts and resumes what waits
    for it now: a wait whose deadline has passed meanwhile stays timed out.

    For the runs queue use this, not the console's redrive: what comes back by it is marked, so that the
    executor does what an earlier attempt has left undone.

    --json writes {"redriven": {"events": 0, ...}}.

    \b
    Examples:
      tarry dlq redrive runs
      tarry dlq redrive --stack tarry-shop
    """
    from tarry_dev.cli.dead_letters import redrive_letters

    redrive_letters(queue.value if queue else None, stack, as_json)

"""The command ``tarry event``."""

from __future__ import annotations

from typing import Annotated

import typer

from tarry_dev.cli.options import AsJson, Stack  # noqa: TC001 - typer reads them

__all__ = ["event"]


def event(
    event_id: Annotated[
        str, typer.Argument(metavar="ID", help="An event's id, as tarry send and tarry events show it.")
    ],
    name: Annotated[str | None, typer.Option(help="The event's name, so that only that name's log is read.")] = None,
    source: Annotated[str | None, typer.Option(help="The event's source, such as tarry.shop.")] = None,
    since: Annotated[str, typer.Option(help="How far to look back for it, such as 90s, 1h30m, 7d.")] = "1d",
    with_all: Annotated[
        bool, typer.Option("--all", help="Show what it does not match, also if it did something.")
    ] = False,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Show what one event did: the runs that it started, resumed and cancelled; and the waits that it missed.

    A missed wait was there within an hour of the event and has one of its keys (the values that the expression
    compares with ==, or the name alone), but the event did not resolve it. The nearest 20 are shown, with the reason.

    Source, name and id tell events apart. If the ID names several, the command lists them: choose one with --name and
    --source. The command reads the log: without --name the whole table, up to 200 MB. With both options, it finds an
    event that started a run without reading the log.

    An event that did nothing shows what is nearest to it: open waits and cancels on its name, and triggers that did
    not start their function. Each condition of their expressions stands with both values and their types; ✗ marks
    one that is false, ? one that has no value. The command looks at the next 1,000 timers, and judges 100 waits.

    --json writes {"event": ..., "started": [{run, function, status}], "unstarted": [{function, reason, decided, free
    (from when on an event starts a run), by (the run that has it)}], "resumed": [{run, step}], "cancelled": [{run,
    step}], "pending" (about to resume), "missed": [{run, function, step, reason, expression, conjuncts, apart,
    detail}], "misses": their number, "whole": false if more than 10,000 waits have its keys, "near": {waits,
    unmatched (their number), triggers, whole, listened, similar}}. A reason is: too early or too late (apart, in
    milliseconds), overtaken, had before, expression, incomparable, resolved or withdrawn.

    \b
    Examples:
      tarry event payment-7
      tarry event payment-7 --name order/paid --since 7d --json | jq '.missed[].reason'
    """
    from tarry_backend.api.asked_event import AskedEvent
    from tarry_dev.cli.event import show_receipt

    show_receipt(AskedEvent(event_id, name, source), since, stack, as_json, with_all)

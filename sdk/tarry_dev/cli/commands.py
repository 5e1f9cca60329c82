"""The commands and their options. Each says what it does, and leaves the doing to others."""

from __future__ import annotations

from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from tarry_dev.cli.dlq import dlq
from tarry_dev.cli.errors import Commands
from tarry_dev.cli.options import AsJson, Limit, Stack  # noqa: TC001 - typer reads them
from tarry_dev.cli.screen import screen

__all__ = ["app"]

app = typer.Typer(
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Begin with: tarry demo, then tarry dev examples.onboarding:app",
)

RunId = Annotated[str, typer.Argument(metavar="ID", help="A run's id, or its beginning.")]
AppTarget = Annotated[str, typer.Argument(metavar="MODULE:APP", help="Such as examples.onboarding:app.")]


class RunStatus(StrEnum):
    """The store's, once more: to load the store takes longer than to show the help."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tarry {version('tarry')}")
        raise typer.Exit


@app.callback()
def tarry(
    show_version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Durable functions that wait for events."""


@app.command(short_help="Write a small project of your own.")
def init(folder: Annotated[Path, typer.Argument(metavar="NAME", help="The folder, and the package in it.")]) -> None:
    """Write a small project of your own: functions, their tests, a CDK app.

    NAME is a new or empty folder; its name is that of the Python package with the functions. In it `make test`,
    `make dev` and `make deploy` work at once.

    \b
    Examples:
      tarry init shop
      tarry init ~/projects/shop
    """
    from tarry_dev.cli.init import write_project

    write_project(folder, screen())


@app.command(short_help="See an app get a file of events, and what comes of it.")
def demo(
    events: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Entries of EventBridge, one JSON object a line.")
    ] = None,
    target: Annotated[str | None, typer.Option("--app", metavar="MODULE:APP", help="The app that gets them.")] = None,
) -> None:
    """Send a file of events to an app on an embedded AWS, move time, and show what happened.

    Without options: the files and apps in examples/. A line is an entry as put-events takes it, with Source,
    DetailType, Detail (an object, or JSON text) and if wanted Time; or it lets time pass: {"advance": "1h"}. To
    an entry's Time the clock moves too, if that is ahead. After the last line time goes on until all runs
    have ended.

    \b
    Examples:
      tarry demo
      tarry demo --events mine.jsonl
      tarry demo --events mine.jsonl --app shop.functions:app
    """
    from tarry_dev.cli.demo import show

    show(events, target, screen())


@app.command()
def dev(
    target: AppTarget,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any that is free.")] = 8787,
) -> None:
    """Run an app on an embedded AWS, in real time.

    Shows each event and each move of a run, until Ctrl-C. It listens on localhost for the AWS CLI and SDKs
    (--endpoint-url), and takes events by POST /events. The other commands, given in the same folder or one
    below it, find it by .tarry/dev.json. All is kept in memory, and gone at the end, but for the audit trail:
    .tarry/audit has every event, for tarry events --sql.

    \b
    Examples:
      tarry dev examples.onboarding:app
      tarry dev shop.functions:app --port 0
      curl localhost:8787/events -d '{"name": "app/ping", "data": {"id": 1}}'
    """
    from tarry_dev.cli.apps import find_app
    from tarry_dev.cli.dev import serve

    serve(find_app(target), target, port, screen())


@app.command()
def send(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The event's name, such as app/ping.")] = None,
    data: Annotated[str, typer.Argument(metavar="DATA", help="Its data, a JSON object.")] = "{}",
    file: Annotated[
        Path | None, typer.Option(help="Send each line: name, data, id, user, ts. - is standard input.")
    ] = None,
    event_id: Annotated[str | None, typer.Option("--id", help="The same id starts a function once.")] = None,
    user: Annotated[str | None, typer.Option(help="Whom it concerns, a JSON object.")] = None,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Send an event, or a file of them.

    --json writes {"ids": [...]}.

    \b
    Examples:
      tarry send app/account.created '{"userId": "u-1", "email": "ada@shop.test"}'
      tarry send order/paid '{"orderId": 7}' --id payment-7 --user '{"id": "u-1"}'
      tarry send --file events.jsonl
    """
    from tarry_dev.cli.asking import send_events
    from tarry_dev.cli.event_input import event, events_of

    if (name is None) == (file is None):
        raise typer.BadParameter("give the NAME of an event, or a --file of them")
    if file is not None:
        send_events(events_of(file), stack, as_json)
    elif name is not None:
        about = None if user is None else _object("--user", user)
        send_events([event(name, _object("DATA", data), event_id, about)], stack, as_json)


@app.command(short_help="Send a signal to the run that waits for it.")
def signal(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name that a run waits for.")],
    data: Annotated[str, typer.Argument(metavar="DATA", help="Its data, any JSON value.")] = "{}",
    signal_id: Annotated[str | None, typer.Option("--id", help="The same id is delivered once.")] = None,
    keep: Annotated[
        str | None, typer.Option(metavar="SPAN", help="If nobody waits, keep it so long for one that does: 1h.")
    ] = None,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Send a signal to the one run that waits for it, and say what became of it.

    It is delivered, kept, a duplicate, or nobody waits for it (exit code 1).

    --json writes {"status": ..., "id": ..., "run": ..., "kept_until": ...}.

    \b
    Examples:
      tarry signal approval/7 '{"by": "ada"}'
      tarry signal approval/7 '{"by": "ada"}' --id click-1 --keep 1h
    """
    from tarry_dev.cli.event_input import json_value
    from tarry_dev.cli.signal import send_signal

    try:
        value = json_value(data)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="DATA") from error
    send_signal(name, value, signal_id, keep, stack, as_json)


@app.command()
def runs(
    function: Annotated[str | None, typer.Option(help="Only this function's.")] = None,
    status: Annotated[RunStatus | None, typer.Option(help="Only those of this status.")] = None,
    limit: Limit = 20,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """List runs, the newest first, with what they wait for.

    --json writes {"runs": [...]}, each with id, function, status, started, ended, event, output, error
    (name, message, stack), and the steps at which it is: open. Times are ISO 8601 in UTC.

    \b
    Examples:
      tarry runs --function onboarding --status running
      tarry runs --json | jq -r '.runs[] | select(.status == "failed") | .error.message'
    """
    from tarry_dev.cli.asking import show_runs

    show_runs(function, status.value if status else None, limit, stack, as_json)


@app.command(short_help="Show one run: its steps in time.")
def run(
    run_id: RunId,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Show one run: its steps in time, what they took, gave, and wait for.

    --json writes what tarry runs writes of it, and all its steps, each with id, kind, status, began, ended,
    attempt, due, output, error, and for a wait: wait (event, expression, since, note, others (the same of
    each further event that it is for), deadline, resolved_by, timed_out), for one for a
    signal: signal (signal, deadline, id, timed_out). What may cancel it stands likewise under
    guards; who has, under cancelled (reason, and of an event by).

    \b
    Examples:
      tarry run 60WDSJCJ
      tarry run 60WDSJCJ --json | jq '.steps[] | {id, status, output}'
    """
    from tarry_dev.cli.asking import show_run

    show_run(run_id, stack, as_json)


@app.command(short_help="Cancel a run, or the runs of a function.")
def cancel(
    run_id: Annotated[str | None, typer.Argument(metavar="ID", help="A run's id, or its beginning.")] = None,
    function: Annotated[str | None, typer.Option(help="All runs of this function that have not ended.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Of them, those that began then or later: 1h ago, or a time.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Of them, those that began then or before.")] = None,
    expression: Annotated[
        str | None, typer.Option("--if", metavar="EXPR", help="Of them, those for whose event this CEL holds.")
    ] = None,
    sure: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many there are.")] = False,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Cancel a run: the step that it executes now ends, and nothing comes after.

    Its waits and timers are withdrawn, and tarry/function.cancelled goes over the bus. A run that has been
    cancelled stays so; one that has finished or failed cannot be cancelled (exit code 1).

    With --function it cancels many, once you have been told how many: all that have not ended, or those of them that
    began in a time (1h30m ago, or 2026-01-05T12:00Z) or for whose event an expression holds. To go by an expression
    the event of each run is read.

    --json writes {"id": ..., "status": "cancelled"}; "running" if it still executes something after five seconds.
    Of many {"function": ..., "runs": [ids], "cancelled": how many were told}; it needs --yes or --dry-run.

    \b
    Examples:
      tarry cancel 60WDSJCJ
      tarry cancel --function onboarding --since 2h --dry-run
      tarry cancel --function onboarding --if 'event.data.plan == "trial"' --yes
    """
    many = (since, until, expression)
    if (run_id is None) == (function is None):
        raise typer.BadParameter("give the ID of a run, or the --function whose runs are meant")
    if run_id is not None:
        if any(each is not None for each in many) or dry_run:
            raise typer.BadParameter("--since, --until, --if and --dry-run go with --function, not with an ID")
        from tarry_dev.cli.cancel import cancel_run

        cancel_run(run_id, stack, as_json)
    elif function is not None:
        from tarry_dev.cli.cancel_many import Choice, cancel_runs

        cancel_runs(Choice.read(function, *many), stack, sure=sure, dry_run=dry_run, as_json=as_json)


@app.command()
def waits(limit: Limit = 50, stack: Stack = None, as_json: AsJson = False) -> None:
    """List the open waits, the nearest deadline first.

    They are looked for among the 10,000 sleeps, retries and deadlines that come next.

    --json writes {"waits": [...]}, each with run, function, step, deadline, and event, expression, since, note, or
    signal.

    \b
    Examples:
      tarry waits
      tarry waits --json | jq -r '.waits[].event' | sort | uniq -c
    """
    from tarry_dev.cli.asking import show_waits

    show_waits(limit, stack, as_json)


@app.command(short_help="List the newest events that came over the bus.")
def events(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Only those of this name.")] = None,
    since: Annotated[str, typer.Option(help="How far to look back, such as 90s, 1h30m, 7d.")] = "1h",
    sql: Annotated[str | None, typer.Option(metavar="QUERY", help="Ask the audit trail instead, in SQL.")] = None,
    limit: Limit = 50,
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """List the newest events that came over the bus, whether somebody waited for them or not.

    Without a NAME it reads the table through, up to 200 MB of it: on a large one, give a name.

    --sql asks the audit trail, a table events: received, time, name, source, id, data, user_data (JSON as
    text), eventbridge_id, account, region, resources, day. An event is in it a second after it came, in a
    stack's, which Athena asks, some six minutes after. It stays when tarry dev ends.

    --json writes {"events": [...]}, each with received, id, name, data, ts, user, source; with --sql
    {"columns": [...], "rows": [[...]]}.

    \b
    Examples:
      tarry events
      tarry events app/account.created --since 1d --json | jq '.events[].data'
      tarry events --sql "select name, count(*) from events group by 1 order by 2 desc"
    """
    from tarry_dev.cli.asking import show_answer, show_events

    if sql is None:
        show_events(name, since, limit, stack, as_json)
    elif name is not None:
        raise typer.BadParameter("give the NAME of an event, or --sql: a query names its own")
    else:
        show_answer(sql, stack, as_json)


@app.command(short_help="Show what one event did, and which waits it missed.")
def event(
    event_id: Annotated[
        str, typer.Argument(metavar="ID", help="An event's id, as tarry send and tarry events say it.")
    ],
    name: Annotated[str | None, typer.Option(help="Its name: of a large table only that name's log is read.")] = None,
    since: Annotated[str, typer.Option(help="How far to look back for it, such as 90s, 1h30m, 7d.")] = "1d",
    stack: Stack = None,
    as_json: AsJson = False,
) -> None:
    """Show what one event did: the runs that it started, resumed and cancelled; and what it missed.

    Missed are waits that have one of its keys (the values that their expression compares with ==, or the name alone)
    and that it did not resolve, though they were there within an hour of it: with the reason. The nearest 20 are shown.

    An event that started a run is found by its id alone. For another the log is read: without --name the whole
    table, up to 200 MB of it.

    --json writes {"event": ..., "started": [{run, function, status}], "resumed": [{run, step}], "cancelled": [{run,
    step}], "pending" (about to resume), "missed": [{run, function, step, reason, expression, apart, detail}], "misses":
    how many there are, "whole": false if there are more than 10,000 waits with its keys}. A reason is too early or too
    late (apart: by how many milliseconds), overtaken, had before, expression, incomparable, resolved or withdrawn.

    \b
    Examples:
      tarry event payment-7
      tarry event payment-7 --name order/paid --since 7d --json | jq '.missed[].reason'
    """
    from tarry_dev.cli.receipts import show_receipt

    show_receipt(event_id, name, since, stack, as_json)


app.add_typer(dlq, name="dlq")


def _object(argument: str, text: str) -> dict[str, Any]:
    from tarry_dev.cli.event_input import json_object

    try:
        return json_object(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=argument) from error

"""All commands of ``tarry``, in the order in which the help lists them."""

from __future__ import annotations

from typing import Annotated

import typer

from tarry_dev.cli.commands.advance import advance
from tarry_dev.cli.commands.apps import apps
from tarry_dev.cli.commands.cancel import cancel
from tarry_dev.cli.commands.check import check
from tarry_dev.cli.commands.console import console
from tarry_dev.cli.commands.demo import demo
from tarry_dev.cli.commands.dev import dev
from tarry_dev.cli.commands.dlq import dlq
from tarry_dev.cli.commands.drain import drain
from tarry_dev.cli.commands.event import event
from tarry_dev.cli.commands.events import events
from tarry_dev.cli.commands.functions import functions
from tarry_dev.cli.commands.init import init
from tarry_dev.cli.commands.limit import limit
from tarry_dev.cli.commands.pause import pause
from tarry_dev.cli.commands.rerun import rerun
from tarry_dev.cli.commands.resume import resume
from tarry_dev.cli.commands.retry import retry
from tarry_dev.cli.commands.run import run
from tarry_dev.cli.commands.runs import runs
from tarry_dev.cli.commands.send import send
from tarry_dev.cli.commands.signal import signal
from tarry_dev.cli.commands.sync import sync
from tarry_dev.cli.commands.waits import waits
from tarry_dev.cli.errors import Commands
from tarry_dev.cli.options import with_app

__all__ = ["app"]

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Begin with: tarry demo, then tarry dev examples.onboarding:app",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from tarry import __version__

        typer.echo(f"tarry {__version__}")
        raise typer.Exit


@app.callback()
def tarry(
    show_version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Durable functions that wait for events."""


app.command(short_help="Create a small project.")(init)
app.command(short_help="Send a file of events to an app, and show the result.")(demo)
app.command()(dev)
app.command(short_help="Show runs, waits and events in the browser.")(with_app(console))
app.command(short_help="Move the time of tarry dev on.")(with_app(advance))
app.command()(with_app(send))
app.command(short_help="Send a signal to the run that waits for it.")(with_app(signal))
app.command()(with_app(runs))
app.command(short_help="Show one run: the time line of its steps.")(with_app(run))
app.command(short_help="Cancel a run, or the runs of a function.")(with_app(cancel))
app.command(short_help="Make a failed run go on, or those of a function.")(with_app(retry))
app.command(short_help="Start a run again as a new run, from a step on.")(with_app(rerun))
app.command(short_help="List the functions, their limits, and what waits there.")(with_app(functions))
app.command(short_help="Pause a function: its runs wait, and none is lost.")(with_app(pause))
app.command(short_help="Drain a function: it starts no more runs.")(with_app(drain))
app.command(short_help="Let a paused function go on.")(with_app(resume))
app.command(short_help="Give a function another limit, without a deployment.")(with_app(limit))
app.command(short_help="Ask an app of an Inngest SDK for its functions, and host them.")(sync)
app.command(short_help="List the apps of Inngest SDKs that a stack hosts.")(apps)
app.command(short_help="Find the running runs that new code would break.")(with_app(check))
app.command()(with_app(waits))
app.command(short_help="List the newest events of the bus.")(with_app(events))
app.command(short_help="Show what one event did, and which waits it missed.")(with_app(event))
app.add_typer(dlq, name="dlq")

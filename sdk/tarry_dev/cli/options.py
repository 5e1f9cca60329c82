"""The options that commands share."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = [
    "Abort",
    "AsJson",
    "BulkId",
    "DryRun",
    "ErrorText",
    "Full",
    "Limit",
    "Rate",
    "RunFilter",
    "Since",
    "Stack",
    "Sure",
    "Until",
]

AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON document, for programs.")]

Full = Annotated[bool, typer.Option("--full", help="Cut no id and no value.")]

Limit = Annotated[int, typer.Option(min=1, help="The most to show.")]

Stack = Annotated[
    str | None,
    typer.Option(
        "--stack",
        envvar="TARRY_STACK",
        metavar="NAME",
        help="A CloudFormation stack, instead of the tarry dev of this folder. AWS_PROFILE, AWS_REGION and "
        "AWS_ENDPOINT_URL select where.",
    ),
]

Since = Annotated[str | None, typer.Option(help="Only runs that began then or later: 1h (ago), or a time.")]

Until = Annotated[str | None, typer.Option(help="Only runs that began then or before.")]

ErrorText = Annotated[str | None, typer.Option("--error", metavar="TEXT", help="Only runs whose error has this text.")]

RunFilter = Annotated[
    str | None,
    typer.Option("--if", metavar="EXPR", help="Only runs for whose event and output this CEL is true."),
]

Rate = Annotated[float, typer.Option(min=0.1, max=1000, help="The most runs a second.")]

Sure = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show the runs.")]

BulkId = Annotated[str | None, typer.Option("--bulk", metavar="BULK", help="Go on with a bulk that was stopped.")]

Abort = Annotated[str | None, typer.Option("--abort", metavar="BULK", help="Stop a bulk that another command drives.")]

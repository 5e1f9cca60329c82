"""The options that commands share."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["AsJson", "Full", "Limit", "Stack"]

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

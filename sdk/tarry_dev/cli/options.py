"""The options that commands share."""

from __future__ import annotations

import inspect
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "Abort",
    "AsJson",
    "BulkId",
    "DryRun",
    "ErrorText",
    "Full",
    "HostingStack",
    "Limit",
    "Rate",
    "RunFilter",
    "Since",
    "Stack",
    "Sure",
    "Until",
    "check_target",
    "chosen_app",
    "with_app",
]

AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON document, for programs.")]

Full = Annotated[bool, typer.Option("--full", help="Cut no id and no value.")]

Limit = Annotated[int, typer.Option(min=1, max=1_000_000, help="The most to show.")]

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

HostingStack = Annotated[
    str | None,
    typer.Option(
        "--stack",
        envvar="TARRY_STACK",
        metavar="NAME",
        help="The CloudFormation stack that hosts the apps. AWS_PROFILE, AWS_REGION and AWS_ENDPOINT_URL select where. "
        "tarry dev -u URL needs neither this command nor a stack.",
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

_App = Annotated[
    str | None, typer.Option("--app", metavar="ID", help="One of the apps of the tarry dev of this folder, by its id.")
]

_chosen: ContextVar[str | None] = ContextVar("chosen_app", default=None)


def with_app(command: Callable[..., None]) -> Callable[..., None]:
    """Return the command with the option ``--app``, which ``chosen_app`` gives meanwhile."""
    signature = inspect.signature(command, eval_str=True)
    option = inspect.Parameter("app", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_App)

    @wraps(command)
    def chosen(*, app: str | None = None, **given: Any) -> None:
        if app is not None and given.get("stack") is not None:
            raise typer.BadParameter("a stack has one app: leave --app out", param_hint="--app")
        before = _chosen.set(app)
        try:
            command(**given)
        finally:
            _chosen.reset(before)

    chosen.__signature__ = signature.replace(parameters=[*signature.parameters.values(), option])  # type: ignore[attr-defined]
    return chosen


def chosen_app() -> str | None:
    """Return the app that the command's ``--app`` names."""
    return _chosen.get()


def check_target(run_id: str | None, function: str | None, abort: str | None, *of_many: object) -> None:
    """Check that a command names one run, many runs or a bulk to end. ``of_many`` are the options that need many.

    Raises:
        BadParameter: It names none or several of them, or has an option that does not fit.
    """
    if sum(each is not None for each in (run_id, function, abort)) != 1:
        raise typer.BadParameter("give the ID of a run, or a --function, or --abort with the id of a bulk")
    if function is None and any(each is not None for each in of_many):
        raise typer.BadParameter("--error, --since, --until, --if, --bulk and --dry-run need --function")

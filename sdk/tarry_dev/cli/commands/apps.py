"""The command ``tarry apps``."""

from __future__ import annotations

from typing import Annotated

import typer

from tarry_dev.cli.options import AsJson, HostingStack  # noqa: TC001 - typer reads them

__all__ = ["apps"]


def apps(
    stack: HostingStack = None,
    as_json: AsJson = False,
    env: Annotated[bool, typer.Option("--env", help="Write the variables that an app needs. They are secret.")] = False,
    remove: Annotated[str | None, typer.Option(metavar="ID", help="Remove an app: it starts no more runs.")] = None,
) -> None:
    """List the apps of Inngest SDKs that a stack hosts.

    --json writes {"apps": [{id, url, sdk, synced, functions}]}.

    \b
    Examples:
      tarry apps --stack tarry-shop
      tarry apps --stack tarry-shop --env
    """
    from tarry_dev.cli.remote import forget_app, list_apps, show_environment

    if env:
        show_environment(stack)
    elif remove is not None:
        forget_app(remove, stack)
    else:
        list_apps(stack, as_json)

"""The command ``tarry sync``."""

from __future__ import annotations

from typing import Annotated

import typer

from tarry_dev.cli.options import AsJson, HostingStack  # noqa: TC001 - typer reads them

__all__ = ["sync"]


def sync(
    address: Annotated[str, typer.Argument(metavar="URL|ARN", help="Where the app's SDK answers.")],
    stack: HostingStack = None,
    as_json: AsJson = False,
) -> None:
    """Ask an app of an Inngest SDK for its functions, and host them on a stack.

    A Lambda has its ARN as address, with the SDK's path behind # unless that is /api/inngest. The sync is refused as a
    whole, with every reason, if a function asks for what Tarry does not have.

    --json writes {"app", "changed", "functions"}.

    \b
    Examples:
      tarry sync https://shop.example/api/inngest --stack tarry-shop
    """
    from tarry_dev.cli.remote import sync_app

    sync_app(address, stack, as_json)

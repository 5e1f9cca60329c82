"""The command ``tarry dev``."""

from __future__ import annotations

from typing import Annotated

import typer

from tarry_dev.cli.screen import screen

__all__ = ["dev"]


def dev(
    target: Annotated[str, typer.Argument(metavar="MODULE:APP", help="Such as examples.onboarding:app.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free port.")] = 8787,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Answer under this name too, and its web pages. May be repeated."),
    ] = None,
) -> None:
    """Run an app on an embedded AWS, in real time.

    It shows each event and each transition of a run, until Ctrl-C. It listens on localhost for the AWS CLI and
    SDKs (--endpoint-url), and takes events by POST /events. The other commands find it by .tarry/dev.json, in
    the same folder or one below. Everything is in memory, and lost at the end. Only the audit trail stays:
    .tarry/audit has every event, for tarry events --sql.

    It refuses requests of web pages of other machines, and requests for a host other than localhost. --allow-host
    names one that is yours, such as host.docker.internal or a forwarded port's.

    \b
    Examples:
      tarry dev examples.onboarding:app
      tarry dev shop.functions:app --port 0
      curl localhost:8787/events -d '{"name": "app/ping", "data": {"id": 1}}'
    """
    from tarry_dev.cli.apps import find_app
    from tarry_dev.cli.dev import serve

    serve(find_app(target), target, port, screen(), allow_host or ())

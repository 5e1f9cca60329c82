"""The command ``tarry dev``."""

from __future__ import annotations

from typing import Annotated

import typer

from tarry_dev.cli.screen import screen

__all__ = ["dev"]


def dev(
    targets: Annotated[
        list[str] | None,
        typer.Argument(metavar="[MODULE:APP...]", help="Such as examples.onboarding:app; else pyproject.toml has it."),
    ] = None,
    url: Annotated[
        list[str] | None,
        typer.Option("--url", "-u", metavar="URL", help="An app of an Inngest SDK, at this address. May be repeated."),
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="0 takes any free port. A second app takes the next one.")
    ] = 8787,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Answer under this name too, and its web pages. May be repeated."),
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget the runs, waits and events from before.")] = False,
    reload: Annotated[bool, typer.Option(help="Take up new code when a file of the app changes.")] = True,
) -> None:
    """Run an app on an embedded AWS, in real time.

    It shows each event and each transition of a run, until Ctrl-C. It listens on localhost for the AWS CLI and
    SDKs (--endpoint-url), and takes events by POST /events. The other commands find it by .tarry/dev.json, in
    the same folder or one below. Runs, waits and events are kept in .tarry, and go on when it starts again; --fresh
    forgets them. .tarry/audit has every event, for tarry events --sql.

    When a Python file of the app changes, it starts anew with the new code. Bodies that run end first, with the old
    code. Code that cannot be imported is shown, and waited for.

    It refuses requests of web pages of other machines, and requests for a host other than localhost. --allow-host
    names one that is yours, such as host.docker.internal or a forwarded port's.

    Without an app and without -u it takes the apps of the nearest pyproject.toml, and works in the folder of that
    file: [tool.tarry] app = "shop.functions:app", or a list of apps. There, urls is a list of addresses for -u.

    With several apps each one runs in a process of its own, and each line names its app. Apps that name no bus share
    one: an event that is put on it reaches all of them. Commands show all apps; --app ID chooses one.

    With -u it hosts the functions of an app of an official Inngest SDK (TypeScript, Python, Go), which runs as it is:
    start that app with INNGEST_DEV=http://localhost:8787. The app is asked for its functions every two seconds.

    \b
    Examples:
      tarry dev
      tarry dev examples.onboarding:app
      tarry dev shop:app billing:app
      tarry dev shop.functions:app --port 0
      tarry dev -u http://localhost:3000/api/inngest
      curl localhost:8787/events -d '{"name": "app/ping", "data": {"id": 1}}'
    """
    from tarry_dev.cli.dev_targets import serve_all
    from tarry_dev.cli.dev_wishes import Wishes

    wishes = Wishes(port=port, allowed_hosts=allow_host or (), fresh=fresh, reload=reload, urls=tuple(url or ()))
    serve_all(targets or (), wishes, screen())

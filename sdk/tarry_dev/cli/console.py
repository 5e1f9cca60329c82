"""``tarry console``: serves the console of a stack on this machine, or opens that of ``tarry dev``."""

from __future__ import annotations

import errno
import secrets
import time
import webbrowser
from threading import Thread

from rich.text import Text
from werkzeug.serving import WSGIRequestHandler, make_server

from tarry_dev.cli.endpoint import Endpoint
from tarry_dev.cli.errors import CommandError
from tarry_dev.cli.interrupt import interruptible
from tarry_dev.cli.options import chosen_app
from tarry_dev.cli.screen import QUIET, screen

__all__ = ["open_dev_console", "serve_console"]

_HOST = "127.0.0.1"

_LOOK = 0.1
"""Seconds between two checks for the end."""


def open_dev_console(browse: bool) -> None:
    """Open the pages of each ``tarry dev`` of this folder."""
    for endpoint in Endpoint.find(chosen_app()):
        screen().print(Text(f"the console of {endpoint.app}: {endpoint.url}"), soft_wrap=True)
        if browse:
            webbrowser.open(endpoint.url)


def serve_console(stack: str, port: int, read_only: bool, browse: bool) -> None:
    """Serve the pages of a stack until Ctrl-C."""
    from tarry_dev.console import create_console
    from tarry_dev.console.stack import stack_source

    token = secrets.token_urlsafe(16)
    application = create_console(stack_source(stack), read_only=read_only, token=token)
    try:
        server = make_server(_HOST, port, application, threaded=True, request_handler=_QuietHandler)
    except (OSError, SystemExit) as error:
        if isinstance(error, OSError) and error.errno != errno.EADDRINUSE:
            raise
        raise CommandError(f"port {port} is in use: choose another, or leave --port out") from error
    url = f"http://localhost:{server.port}/?token={token}"
    thread = Thread(target=server.serve_forever, args=(_LOOK,), name="tarry-console", daemon=True)
    thread.start()
    try:
        with interruptible() as ended:
            screen().print(Text(f"the console of stack {stack}: {url}"), soft_wrap=True)
            screen().print(Text("Ctrl-C ends it", QUIET))
            if browse:
                webbrowser.open(url)
            while not ended:
                time.sleep(_LOOK)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _QuietHandler(WSGIRequestHandler):
    """Writes no line for each request: its address may have the token."""

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - werkzeug's name
        if type != "info":
            super().log(type, message, *args)

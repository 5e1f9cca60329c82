"""The app that a command is for: that of the local ``tarry dev``, or of a stack on AWS."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from tarry_dev.cli.errors import CommandError
from tarry_dev.cli.options import chosen_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tarry_dev.cli.connection import Connection

__all__ = ["connect", "time_of"]


@contextmanager
def connect(stack: str | None = None, of_several: str | None = None) -> Iterator[Connection]:
    """Connect to the app of the stack, or else of the ``tarry dev`` that runs here.

    If that serves several apps, it is the one that ``--app`` names, or else ``of_several``, or else all of them.

    Raises:
        CommandError: There is no such stack, or no ``tarry dev`` runs here.
    """
    if stack is not None:
        from tarry_dev.cli.stacks import connect_stack

        with connect_stack(stack) as connection:
            yield connection
    else:
        from tarry_dev.cli.dev_connection import connect_dev

        with connect_dev(chosen_app(), of_several) as connection:
            yield connection


@contextmanager
def time_of(stack: str | None) -> Iterator[None]:
    """Within it, this process has the time of the app: ``tarry advance`` may have moved that of ``tarry dev``.

    A command that reads a moment such as ``2h`` before it connects, reads it within this::

        tarry dev    ── 6 d ahead ── run begins ────────── retry asks for runs up to "now"
        command      ── its own time, 6 d earlier: "now" is before the run

    Without a ``tarry dev`` it is this machine's time: the command says so when it connects.
    """
    if stack is not None:
        yield
        return
    from tarry_dev.cli.endpoint import Endpoint

    try:
        endpoint = Endpoint.find(chosen_app())[0]
    except CommandError:
        endpoint = None
    with nullcontext() if endpoint is None else endpoint.time():
        yield

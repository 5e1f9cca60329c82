"""The connection to a stack on AWS."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import boto3

from tarry_dev.cli.connection import Connection
from tarry_dev.stack_access import open_stack, person_session

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["connect_stack"]


@contextmanager
def connect_stack(stack: str) -> Iterator[Connection]:
    """Connect to the app of the stack, with the person's own credentials, profile, region and endpoint.

    Raises:
        UsageError: There is no such stack, or it is not Tarry's.
    """
    session = person_session()
    with _default(session):
        opened = open_stack(stack, session)
        yield Connection(opened.lookups.deployment, opened.lookups, opened.outputs)


@contextmanager
def _default(session: boto3.Session) -> Iterator[None]:
    """Within it, this session makes the clients of this process."""
    before = boto3.DEFAULT_SESSION
    boto3.DEFAULT_SESSION = session
    try:
        yield
    finally:
        boto3.DEFAULT_SESSION = before

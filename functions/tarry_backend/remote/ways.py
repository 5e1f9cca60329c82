"""The way to an app, by the form of its address."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from tarry.errors import UsageError
from tarry_backend.remote.connection import Connection
from tarry_backend.remote.transport import Http, LambdaInvoke

__all__ = ["LAMBDA", "connect"]

LAMBDA = "arn:"
"""What the address of an app that is a Lambda begins with. The SDK's path follows behind ``#``."""

_PATH = "/api/inngest"


def connect(url: str, key: str | None, *, signs: bool = True) -> Connection:
    """Return the connection to an app. ``signs``: its SDK signs all of its answers.

    Raises:
        UsageError: The address is neither HTTP's nor a Lambda's.
    """
    if not url.startswith(LAMBDA):
        return Connection(url, Http(url), key, signs)
    arn, _, path = url.partition("#")
    if ":function:" not in arn:
        raise UsageError(f"the address {url!r} of an app is no Lambda's ARN")
    return Connection(url, LambdaInvoke(arn, path or _PATH, _client), key, signs)


def _client(patience: float) -> Any:
    """Return a client that waits for about as long: a client has one time for all of its requests."""
    return _made(max(5, int(patience) // 30 * 30))


@lru_cache(maxsize=32)
def _made(seconds: int) -> Any:
    import boto3
    from botocore.config import Config

    config = Config(
        read_timeout=seconds, connect_timeout=10, retries={"total_max_attempts": 1}, max_pool_connections=20
    )
    return boto3.client("lambda", config=config)

"""The AWS account of an embedded cloud: moto, in this process, sealed off from any real one."""

from __future__ import annotations

import os
import re
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING
from unittest.mock import patch

import boto3
from botocore.useragent import UserAgentString
from moto import mock_aws
from moto.core import models
from moto.core.custom_responses_mock import CallbackResponse

from tarry.errors import UsageError
from tarry_dev.cloud import moto_direct  # noqa: F401 - botocore is told of it
from tarry_dev.cloud.moto_shortcut import shortcut
from tarry_dev.cloud.shared_clients import shared_clients

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

    from tarry import App

__all__ = ["ACCOUNT_ID", "Clients", "account", "forget_clients"]

ACCOUNT_ID = "123456789012"

_open = Lock()

_USER_AGENT = "tarry-embedded"

_KEYS = {"AWS_ACCESS_KEY_ID": "tarry", "AWS_SECRET_ACCESS_KEY": "embedded"}

_LAMBDA = {
    "POWERTOOLS_METRICS_DISABLED": "true",
    "POWERTOOLS_TRACE_DISABLED": "true",
    # No profile, endpoint or region of the user's reaches in here.
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


_AWS = re.compile(r"https?://([^/]+\.)?(amazonaws\.com(\.cn)?|api\.aws|169\.254\.169\.254)(:\d+)?(/|$)")


@dataclass(frozen=True, slots=True)
class Clients:
    """The cloud's own way to its account, and the session from which all others get theirs."""

    session: boto3.Session
    dynamodb: DynamoDBClient
    events: EventBridgeClient
    s3: S3Client
    sqs: SQSClient

    @property
    def region(self) -> str:
        """Where they are."""
        return self.session.region_name


@cache
def _clients(region: str) -> Clients:
    """Made once a process and region: they are half of what a cloud costs, and keep nothing of an account."""
    key, secret = _KEYS.values()
    session = boto3.Session(key, secret, region_name=region)
    return Clients(
        session,
        dynamodb=session.client("dynamodb"),
        events=session.client("events"),
        s3=session.client("s3"),
        sqs=session.client("sqs"),
    )


@contextmanager
def account(region: str, at_aws: Callable[[], AbstractContextManager[None]] = nullcontext) -> Iterator[Clients]:
    """An empty AWS account, which every boto client made meanwhile speaks to; it is gone at the end.

    Each call is carried out within ``at_aws``.

    The variables ``AWS_*`` and ``TARRY_*`` are those of a Lambda in it, and at the end what they were before.
    """
    regions = {"AWS_DEFAULT_REGION": region, "AWS_REGION": region}
    with _alone(), _environment(_KEYS | regions | _LAMBDA), _moto(at_aws):
        clients = _clients(region)
        with _default_session(clients.session), shared_clients(region):
            yield clients


def forget_clients(app: App) -> None:
    """The app's clients are of one account. One made before may even speak to a real one."""
    app.bus.disconnect()
    app.signals.disconnect()


@contextmanager
def _alone() -> Iterator[None]:
    if not _open.acquire(blocking=False):
        raise UsageError(
            "an embedded cloud is already open in this process: close it first, since a process has one at a time"
        )
    try:
        yield
    finally:
        _open.release()


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = _take_variables()
    os.environ.update(variables)
    try:
        yield
    finally:
        _take_variables()
        os.environ.update(before)


def _take_variables() -> dict[str, str]:
    """Removes what a Lambda would find, and returns it."""
    ours = [name for name in os.environ if name.startswith(("AWS_", "TARRY_")) or name in _LAMBDA]
    return {name: os.environ.pop(name) for name in ours}


@contextmanager
def _moto(at_aws: Callable[[], AbstractContextManager[None]]) -> Iterator[None]:
    # Session and keys are ours: moto would have the service descriptions read anew for each cloud.
    mock = mock_aws(config={"core": {"reset_boto3_session": False, "mock_credentials": False}})
    with ExitStack() as life:
        # moto would tell ``requests``, which a user's code may call AWS by, of each service's addresses anew: that took
        # a third of the time that a cloud takes to open.
        with patch.object(models, "RESPONSES_METHODS", ()):
            life.enter_context(mock)
        for method in models.RESPONSES_METHODS:
            models.responses_mock.add(CallbackResponse(method, _AWS, models.botocore_stubber.process_prepared_request))
        life.enter_context(shortcut(at_aws))
        # Nobody reads it here. botocore puts it together anew for each call, which takes a twelfth of the call.
        life.enter_context(patch.object(UserAgentString, "to_string", lambda _: _USER_AGENT))
        yield


@contextmanager
def _default_session(new: boto3.Session) -> Iterator[None]:
    before = boto3.DEFAULT_SESSION
    boto3.DEFAULT_SESSION = new
    try:
        yield
    finally:
        boto3.DEFAULT_SESSION = before

"""Between the clients and AWS: what is asked and answered, and what a test makes of it.

Everything goes through moto's one door, so what is done here is done to every client in the process.
"""

import json
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest
from moto.core.models import botocore_stubber

__all__ = ["Ask", "Json", "Tamper", "interrupt", "skip_pauses", "tamper"]

Json = dict[str, Any]

Ask = Callable[[Json], Json]
"""Has AWS carry out a request, and returns its answer. If AWS refuses it, so the client gets to hear."""

Tamper = Callable[[Json, Ask], Json]
"""Answers one request, with or without asking AWS."""

Carry = Callable[[AWSPreparedRequest], Any]


class _RefusedError(Exception):
    """AWS has answered with an error: its whole response."""


def tamper(monkeypatch: pytest.MonkeyPatch, operations: Iterable[str], answer: Tamper) -> None:
    """Has ``answer`` answer the requests of these operations, such as ``DynamoDB.Query``, of every client."""

    def respond(request: AWSPreparedRequest, carry: Carry) -> Any:
        def ask(body: Json) -> Json:
            request.body = json.dumps(body).encode()
            response = carry(request)
            if response[0] != 200:
                raise _RefusedError(response)
            answered: Json = json.loads(response[2])
            return answered

        try:
            answered = answer(json.loads(_text(request)), ask)
        except _RefusedError as error:
            return error.args[0]
        return 200, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(answered)

    _stand_between(monkeypatch, operations, respond)


def skip_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The main thread does not rest between its tries. Others do: a thread of an earlier test may live on by rests."""
    rest = time.sleep
    monkeypatch.setattr(
        "time.sleep", lambda seconds: None if threading.current_thread() is threading.main_thread() else rest(seconds)
    )


def interrupt(monkeypatch: pytest.MonkeyPatch, operations: Iterable[str], after: Callable[[], None]) -> None:
    """Calls ``after`` once such a request is carried out, well or not; what it raises is all that the client gets."""

    def respond(request: AWSPreparedRequest, carry: Carry) -> Any:
        response = carry(request)
        after()
        return response

    _stand_between(monkeypatch, operations, respond)


def _stand_between(
    monkeypatch: pytest.MonkeyPatch,
    operations: Iterable[str],
    respond: Callable[[AWSPreparedRequest, Carry], Any],
) -> None:
    chosen = set(operations)
    carry = botocore_stubber.process_request

    def process_request(request: AWSPreparedRequest) -> Any:
        return respond(request, carry) if _operation(request) in chosen else carry(request)

    monkeypatch.setattr(botocore_stubber, "process_request", process_request)


def _operation(request: AWSPreparedRequest) -> str:
    """The service and its operation, of the services that speak JSON."""
    target: str | bytes = request.headers.get("X-Amz-Target", "")
    service, _, operation = (target if isinstance(target, str) else target.decode()).partition(".")
    return f"{service.partition('_')[0]}.{operation}"


def _text(request: AWSPreparedRequest) -> str | bytes:
    assert isinstance(request.body, str | bytes)
    return request.body

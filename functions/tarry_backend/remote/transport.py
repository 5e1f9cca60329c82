"""The two ways to an app: HTTP, and the invocation of a Lambda. It does I/O."""

from __future__ import annotations

import base64
import json
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import urllib3

from tarry_backend.remote.address import checked_address
from tarry_backend.remote.answers import Answer, AppError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tarry_backend.remote.connection import Call

__all__ = ["Http", "LambdaInvoke", "exchange"]

_MOST_ANSWER = 64 * 1024 * 1024
"""The longest answer that is read, in bytes: a run stores at most 32 MB."""

_CONNECT = 10.0
"""The longest, in seconds, until a connection stands."""

_PROMPT = 0.5
"""Within how many seconds a request fails over a connection that the app has just closed."""

_LEAST = 0.1

_pool = urllib3.PoolManager(num_pools=20, maxsize=20, retries=False)


class Http:
    """The way over HTTP. Only the given address is called: a redirect is no answer."""

    most_bytes = 100 * 1024 * 1024

    def __init__(self, url: str) -> None:
        self._url = checked_address(url)

    def send(self, call: Call) -> Answer:
        """Send the request."""
        address = f"{self._url}?{urlencode(call.query)}" if call.query else self._url
        return _asked(call.method, address, call.headers, call.body, call.patience)


class LambdaInvoke:
    """The way to a Lambda with ``inngest/lambda``: the event that an API Gateway would give it."""

    most_bytes = 5_500_000

    def __init__(self, arn: str, path: str, client: Callable[[float], Any]) -> None:
        self._arn = arn
        self._path = path or "/"
        self._client = client

    def send(self, call: Call) -> Answer:
        """Invoke the Lambda, and return what it answers as API Gateway would."""
        try:
            result = self._client(call.patience).invoke(
                FunctionName=self._arn, Payload=json.dumps(self._event(call)).encode()
            )
            payload = result["Payload"].read()
        except Exception as error:
            raise AppError(f"the app's Lambda {self._arn} cannot be invoked: {error}") from error
        if "FunctionError" in result:
            shown = payload[:500].decode(errors="replace")
            raise AppError(f"the app's Lambda {self._arn} failed ({result['FunctionError']}): {shown}")
        return self._answer(payload)

    def _event(self, call: Call) -> dict[str, Any]:
        headers = {**call.headers, "host": "lambda.invalid"}
        return {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": self._path,
            "rawQueryString": urlencode(call.query),
            "headers": headers,
            "queryStringParameters": dict(call.query),
            "requestContext": {"http": {"method": call.method, "path": self._path, "protocol": "HTTP/1.1"}},
            "body": call.body.decode(),
            "isBase64Encoded": False,
        }

    def _answer(self, payload: bytes) -> Answer:
        try:
            given = json.loads(payload)
            body = given.get("body") or ""
            raw = base64.b64decode(body) if given.get("isBase64Encoded") else body.encode()
            headers = {str(name).lower(): str(value) for name, value in (given.get("headers") or {}).items()}
            return Answer(int(given["statusCode"]), headers, raw)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            shown = payload[:200].decode(errors="replace")
            raise AppError(f"the app's Lambda {self._arn} gives no HTTP answer: {shown}") from error


def _asked(method: str, url: str, headers: Mapping[str, str], body: bytes | None, patience: float) -> Answer:
    """One request, which ends within ``patience``, whatever the app does."""
    began = time.monotonic()
    try:
        try:
            return exchange(_pool, method, url, headers, body, began + patience)
        except urllib3.exceptions.ProtocolError:
            # A kept connection may end at this very moment, on the app's side: then another one is opened. The app may
            # have begun, too, and have died at once. Its step runs at least once, as after any death.
            if time.monotonic() - began > _PROMPT:
                raise
            return exchange(_pool, method, url, headers, body, began + patience)
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise AppError(f"no answer ({type(error).__name__}: {str(error)[:300]})") from error


def exchange(
    pool: urllib3.PoolManager, method: str, url: str, headers: Mapping[str, str], body: bytes | None, until: float
) -> Answer:
    """Make one request over a connection of the pool. It ends at ``until`` by the monotonic clock, whatever answers.

    Raises:
        AppError: The answer is too long. What the library raises passes through.
    """
    left = max(_LEAST, until - time.monotonic())
    timeout = urllib3.Timeout(connect=min(_CONNECT, left), read=left)
    response = pool.request(
        method, url, body=body, headers=dict(headers), timeout=timeout, redirect=False, preload_content=False
    )
    # A read waits for each part of the answer anew. An app that sends a byte now and then would never be through.
    watch = threading.Timer(max(_LEAST, until - time.monotonic()), _cut_off, (response,))
    watch.daemon = True
    watch.start()
    try:
        data = response.read(_MOST_ANSWER + 1)
    finally:
        watch.cancel()
        response.close()  # a connection whose answer was read to its end is back in the pool by now
    if len(data) > _MOST_ANSWER:
        raise AppError(f"the answer has more than {_MOST_ANSWER:,} bytes")
    return Answer(response.status, {name.lower(): value for name, value in response.headers.items()}, data)


def _cut_off(response: urllib3.BaseHTTPResponse) -> None:
    with suppress(RuntimeError, ValueError, OSError):  # it has just come to its end
        response.shutdown()

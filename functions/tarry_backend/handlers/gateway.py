"""Entry point of the gateway: what the SDKs of remote apps call, at a function URL without IAM.

SDKs cannot sign for IAM. So each call has to bring a key of the stack: see ``tarry_backend.api.sdk_calls``.
"""

from __future__ import annotations

import base64
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from tarry_backend import initialisation
from tarry_backend.api.sdk_calls import SdkCall, SdkCalls
from tarry_backend.runtime import runtime
from tarry_backend.telemetry import logged, meter, published

if TYPE_CHECKING:
    from tarry_backend.log_lines import LambdaContext

_MOST = 5_900_000
"""The most bytes of an answer: a Lambda answers with 6 MB at most."""


@logged
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer a request that the function URL brings."""
    with published():
        reply = _calls().answer(_call(event))
        status, document = reply or (HTTPStatus.NOT_FOUND, {"error": "this is Tarry's gateway for Inngest SDKs"})
        text = json.dumps(document, ensure_ascii=False)
        if len(text.encode()) > _MOST:
            status, text = HTTPStatus.REQUEST_ENTITY_TOO_LARGE, '{"error": "the answer is larger than 6 MB"}'
        meter.count("SdkCalls")
        return {"statusCode": int(status), "headers": {"content-type": "application/json"}, "body": text}


def _calls() -> SdkCalls:
    parts = runtime()
    remote = parts.remote
    assert remote is not None, "a stack without remote apps has no gateway"
    return SdkCalls(
        parts.manifest.id,
        parts.store,
        parts.bus,
        parts.signals,
        remote.event_key(),
        remote.signing_key,
        parts.manifest.functions,
        lambda _: remote.directory.forget(),
    )


def _call(event: dict[str, Any]) -> SdkCall:
    body = event.get("body") or ""
    raw = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    return SdkCall(event["requestContext"]["http"]["method"], event["rawPath"], headers, raw)


initialisation.end()

"""The requests of remote apps' SDKs to a served cloud."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

    from tarry_backend.api.sdk_calls import SdkCalls

__all__ = ["answer_sdk"]

_BEARER = "Bearer"
"""How the SDKs authorise themselves. What is signed otherwise is AWS's."""


def answer_sdk(calls: SdkCalls, request: Request) -> Response | None:
    """Return the answer to an SDK; ``None`` if the request is not an SDK's."""
    if not request.headers.get("Authorization", _BEARER).startswith(_BEARER):
        return None
    from tarry_backend.api.sdk_calls import SdkCall

    headers = {name.lower(): value for name, value in request.headers.items()}
    reply = calls.answer(SdkCall(request.method, request.path, headers, request.get_data()))
    if reply is None:
        return None
    status, body = reply
    return Response(json.dumps(body, ensure_ascii=False), status, mimetype="application/json")

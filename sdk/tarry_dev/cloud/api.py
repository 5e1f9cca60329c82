"""The HTTP API on the embedded cloud: the deployed handler, asked as a function's URL asks it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ask"]


def ask(method: str, path: str, query: Mapping[str, str] | None = None, body: str | None = None) -> tuple[int, str]:
    """The status and the JSON with which the API of the cloud that is open answers. ``path`` is percent-encoded."""
    from tarry_backend.handlers.api import handler

    http = {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": ""}
    event: dict[str, Any] = {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "queryStringParameters": dict(query or {}),
        "headers": {},
        "requestContext": {"http": http, "stage": "$default", "requestId": "embedded"},
        "body": body,
        "isBase64Encoded": False,
    }
    answer = handler(event, None)
    return answer["statusCode"], answer["body"]

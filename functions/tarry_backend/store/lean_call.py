"""What botocore works out anew for each call, kept by operation: the request's form, and its endpoint.

Each operation is compared once. Its first request is written by botocore and by the lean way; if the two differ by one
byte, botocore goes on to write this operation's requests.
"""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["cached_endpoint", "lean_serializer"]

_MOST = 64


def lean_serializer(plain: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return botocore's ``serialize_to_request`` of a JSON service without the walk along its description."""
    forms: dict[str, dict[str, Any] | None] = {}

    def serialize(parameters: Any, operation_model: Any) -> Any:
        name = operation_model.name
        if (form := forms.get(name)) is not None:
            return {**form, "headers": dict(form["headers"]), "body": _json(parameters)}
        request = plain(parameters, operation_model)
        if name not in forms:
            forms[name] = {**request, "headers": dict(request["headers"])} if _is_same(request, parameters) else None
        return request

    return serialize


def _is_same(request: Any, parameters: Any) -> bool:
    try:
        return bool(request["body"] == _json(parameters)) and request["url_path"] == "/"
    except (TypeError, ValueError):
        return False


def _json(parameters: Any) -> bytes:
    return json.dumps(parameters, default=_base64).encode()


def _base64(value: Any) -> str:
    if isinstance(value, (bytes, bytearray)):
        return b64encode(value).decode("ascii")
    raise TypeError(f"{type(value).__name__} is not a value of DynamoDB")


def cached_endpoint(plain: Callable[..., Any]) -> Callable[..., Any]:
    """Return botocore's ``construct_endpoint``, which asks the service's rules once for each operation and table."""
    known: dict[Any, Any] = {}

    def construct_endpoint(operation_model: Any, call_args: Any, request_context: Any) -> Any:
        key = operation_model.name, call_args.get("TableName") or tuple(call_args.get("RequestItems", ()))
        if (found := known.get(key)) is None:
            found = plain(operation_model=operation_model, call_args=call_args, request_context=request_context)
            if key[1] and len(known) < _MOST:  # a transaction names its tables further in
                known[key] = found
        return found

    return construct_endpoint

"""moto's shortest way: the calls that are made most, from the client's method to moto's action.

On the short way (``moto_shortcut``) botocore still builds the request, and moto reads it: the endpoint's rules,
headers, JSON, hooks that hear nothing. That is as much work as the call itself. Here moto gets a copy of the
parameters, which are checked as botocore checks them.

A call that anybody wants to see takes the longer way: one for which a client has a hook of somebody else's, a client
with an endpoint of its own, parameters of unusual types.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.client import BaseClient
from botocore.validate import ParamValidationDecorator, ParamValidator

from tarry_dev.cloud import moto_shortcut
from tarry_dev.cloud.crash import watch
from tarry_dev.cloud.moto_shortcut import carried_out, is_open, metadata, response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.model import OperationModel

__all__ = ["DIRECT"]

DIRECT = {
    "BatchGetItem",
    "BatchWriteItem",
    "ChangeMessageVisibility",
    "CreateEventBus",
    "CreateQueue",
    "CreateTable",
    "DeleteItem",
    "DeleteMessageBatch",
    "GetItem",
    "PutEvents",
    "PutItem",
    "PutRule",
    "PutTargets",
    "Query",
    "ReceiveMessage",
    "SendMessageBatch",
    "UpdateItem",
    "UpdateTimeToLive",
}
"""The operations that have a shortest way: what a run costs, and what a cloud costs to open."""

_HOOKS = ("provide-client-params", "before-parameter-build", "before-endpoint-resolution", "before-call", "after-call")
"""What botocore emits of a call that is answered before it is sent."""

_WITHOUT_EFFECT = {
    ("botocore.discovery", "block_endpoint_discovery_required_operations"),
    ("botocore.handlers", "_handle_request_validation_mode_member"),
    ("botocore.handlers", "_handle_sqs_compatible_error"),  # of errors, for which the hooks are asked
    ("botocore.handlers", "add_recursion_detection_header"),
    ("botocore.handlers", "generate_idempotent_uuid"),  # no operation here has such a parameter
    ("botocore.handlers", "inject_api_version_header_if_needed"),
    ("botocore.retries.standard", "RetryQuotaChecker.release_retry_quota"),
    ("tarry_dev.cloud.crash", "_watch"),  # asked here
    ("tarry_dev.cloud.moto_shortcut", "_answer"),
}
"""Hooks that a call here need not hear: they change what is sent, or are asked otherwise."""

_PLAIN = frozenset({str, int, float, bool, bytes, type(None)})

_BLOBS = frozenset({"B", "BinaryValue"})
"""Parameters for which botocore takes a text, too, and makes bytes of it."""

_WAYS = "_tarry_ways"


class _UnusualError(Exception):
    """A parameter of a type that botocore would translate."""


@dataclass(frozen=True, slots=True)
class _Way:
    """What is known of the calls of one operation by one client. It counts while the client has the same hooks."""

    hooks: object
    is_direct: bool
    is_checked: bool
    model: OperationModel
    service: str


def _call(client: Any, operation: str, params: dict[str, Any]) -> Any:
    """Carry a call out, in place of the client's own ``_make_api_call``."""
    if operation in DIRECT and is_open() and (way := _way(client, operation)).is_direct:
        try:
            copied = _checked(params, way)
        except _UnusualError:
            return _make_api_call(client, operation, params)
        return _answer(client, way, copied)
    return _make_api_call(client, operation, params)


def _answer(client: Any, way: _Way, params: dict[str, Any]) -> dict[str, Any]:
    model, region = way.model, client.meta.region_name
    watch(way.service, model.name, answered=False)
    url = f"https://{model.service_model.service_name}.{region}.amazonaws.com/"
    status, parsed = carried_out(model, params, region, url)
    answer = {
        **parsed,
        "ResponseMetadata": metadata(status, f"application/x-amz-json-{model.service_model.metadata['jsonVersion']}"),
    }
    if status < 300:
        watch(way.service, model.name, answered=True)
        return answer
    context = {"client_region": region}
    http = response(url, status, answer["ResponseMetadata"]["HTTPHeaders"])
    event = f"after-call.{way.service}.{model.name}"
    client.meta.events.emit(event, http_response=http, parsed=answer, model=model, context=context)
    error = answer.get("Error", {})
    raise client.exceptions.from_code(context.get("error_code_override") or error.get("Code"))(answer, model.name)


def _way(client: Any, operation: str) -> _Way:
    # A hook that comes or goes puts a new cache in this place.
    hooks = getattr(getattr(client.meta.events, "_emitter", None), "_lookup_cache", None)
    ways: dict[str, _Way] = vars(client).setdefault(_WAYS, {})
    way = ways.get(operation)
    if way is None or way.hooks is not hooks:
        way = ways[operation] = _found(client, operation, hooks)
    return way


def _found(client: Any, operation: str, hooks: object) -> _Way:
    model: OperationModel = client.meta.service_model.operation_model(operation)
    service = model.service_model.service_id.hyphenize()
    name, meta = model.service_model.service_name, client.meta
    is_theirs = meta.endpoint_url == f"https://{name}.{meta.region_name}.amazonaws.com"
    is_checked = isinstance(getattr(client, "_serializer", None), ParamValidationDecorator)
    is_direct = (
        name in moto_shortcut.ANSWERERS
        and is_theirs
        and hooks is not None
        and all(_is_without_effect(hook) for hook in _hooks(client, f"{service}.{operation}"))
    )
    return _Way(hooks, is_direct, is_checked, model, service)


def _hooks(client: Any, call: str) -> list[Any]:
    handlers = client.meta.events._emitter._handlers
    return [hook for event in _HOOKS for hook in handlers.prefix_search(f"{event}.{call}")]


def _is_without_effect(hook: Any) -> bool:
    return (getattr(hook, "__module__", ""), getattr(hook, "__qualname__", "")) in _WITHOUT_EFFECT


def _checked(params: Mapping[str, Any], way: _Way) -> dict[str, Any]:
    """Return a copy of the parameters as moto would read them in the request.

    Raises:
        _UnusualError: The longer way translates them, or says what is wrong with them.
    """
    shape = way.model.input_shape
    if shape is None or (way.is_checked and _validator.validate(params, shape).has_errors()):
        raise _UnusualError
    return {name: _copied(value) for name, value in params.items()}


def _copied(value: Any) -> Any:
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is dict:
        if not _BLOBS.isdisjoint(value) and any(type(value.get(name)) is str for name in _BLOBS):
            raise _UnusualError
        return {name: _copied(each) for name, each in value.items()}
    if kind is list or kind is tuple:
        return [_copied(each) for each in value]
    if kind is datetime and value.tzinfo is not None:
        return int(value.timestamp() // 1)  # as JSON has it
    raise _UnusualError


_validator = ParamValidator()
_make_api_call = BaseClient._make_api_call  # type: ignore[attr-defined]

# Once for all clients of this process: without an open cloud it changes nothing.
BaseClient._make_api_call = _call  # type: ignore[attr-defined]

"""The lean road: a boto3 client that spends less CPU on each request, and answers as before.

A request to DynamoDB takes some milliseconds of CPU, most of them in botocore. Here a client is told to do the same
with less: see ``lean_session``, ``lean_signature`` and ``lean_answer``. What botocore decides (endpoints,
credentials, retries, checksums, errors, events) it still decides. ADR 42 lists the seams, and what of botocore they
lean on.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from tarry_backend.telemetry import logger

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PLAIN", "is_plain", "take_lean_road"]

PLAIN = "TARRY_PLAIN_CLIENTS"
"""The environment variable that leaves clients as boto3 makes them, if it is ``1``."""


def is_plain() -> bool:
    """Return whether the environment asks for the plain road."""
    return os.environ.get(PLAIN) == "1"


def take_lean_road(client: Any) -> None:
    """Have a new client of a JSON service take the lean road, unless the environment says ``TARRY_PLAIN_CLIENTS=1``.

    If botocore is not as this was written for, the client stays as it is, and the log has a warning.
    """
    if is_plain():
        return
    try:
        # Imported here: if botocore lacks a name that they import, that is no error of the Lambda.
        steps = [_same_user_agent(client), _lean_session(client), _lean_events(client)]
        if client.meta.service_model.service_name == "dynamodb":
            steps.append(_lean_calls(client))
    except Exception as error:
        logger.warning("clients of AWS take the plain road: botocore or urllib3 has changed", exc_info=error)
        return
    for step in steps:
        step()


def _same_user_agent(client: Any) -> Callable[[], None]:
    """Return what makes the client build its user agent once. botocore builds it twice for each request."""
    creator = client._user_agent_creator
    text = creator.to_string()
    if not (isinstance(text, str) and text):
        raise TypeError(f"the user agent is {text!r}")
    return lambda: setattr(creator, "to_string", lambda: text)


def _lean_session(client: Any) -> Callable[[], None]:
    """Return what puts the lean session over the client's own."""
    from botocore.httpsession import URLLib3Session

    from tarry_backend.store.lean_session import LeanSession

    endpoint = client._endpoint
    if type(endpoint.http_session) is not URLLib3Session:
        raise TypeError(f"the session is a {type(endpoint.http_session).__name__}")
    session = LeanSession(endpoint.http_session)
    return lambda: setattr(endpoint, "http_session", session)


def _lean_calls(client: Any) -> Callable[[], None]:
    """Return what keeps the form and the endpoint of each operation."""
    from tarry_backend.store.lean_call import cached_endpoint, lean_serializer

    serializer, resolver = client._serializer, client._ruleset_resolver
    serialize = lean_serializer(serializer.serialize_to_request)
    endpoint = cached_endpoint(resolver.construct_endpoint)

    def keep() -> None:
        serializer.serialize_to_request = serialize
        resolver.construct_endpoint = endpoint

    return keep


def _lean_events(client: Any) -> Callable[[], None]:
    """Return what registers the handlers, by botocore's documented events."""
    from tarry_backend.store.lean_answer import read_at_once
    from tarry_backend.store.lean_signature import choose_signer, lighten, prove

    prove()
    events, service = client.meta.events, client.meta.service_model.service_id.hyphenize()
    handlers: dict[str, Callable[..., Any]] = {"before-sign": lighten, "choose-signer": choose_signer}
    if service == "dynamodb":
        handlers["before-parse"] = read_at_once

    def register() -> None:
        for event, handler in handlers.items():
            events.register(f"{event}.{service}", handler)

    return register

"""Each call of a Lambda, held against what its role allows: every test of this folder plays into it."""

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from functools import wraps
from typing import Any

from botocore.client import BaseClient

import tarry_dev.cloud.api
from tarry_backend.store.access import INDEXES, ITEMS, LISTED, OBJECTS, PUBLISHERS, SENDERS
from tarry_dev.cloud.crash import Invocation
from tests.aws_requests import AwsRequest, Bystander, requests_of, table_requests

__all__ = ["is_allowed", "refused", "violations"]

violations: list[str] = []
"""The calls that IAM would have refused, since somebody cleared it."""

_READ = {"matcher": "events", "executor": "runs", "timers": "timers"}
"""Which queue each Lambda reads: it may hold back, and delete, the messages of that queue."""

_OTHERS = ("firehose", "secretsmanager", "lambda", "kms")
"""The services whose grants depend on the stack: ``tests/infra/test_calls.py`` checks these calls."""


def refused(function: str, operation: str, body: Mapping[str, Any]) -> list[AwsRequest]:
    """The parts of a request to the table that the role of the function does not allow."""
    return [each for each in table_requests(function, operation, body) if not is_allowed(each)]


def is_allowed(request: AwsRequest) -> bool:
    """Whether the tables of ``tarry_backend.store.access`` allow it."""
    service, _, action = request.action.partition(":")
    place, _, name = request.resource.partition("/")
    match service, place:
        case ("dynamodb", _) if "/index/" in request.resource:
            return action == "Query" and request.resource.rpartition("/")[2] in INDEXES.get(request.function, ())
        case "dynamodb", _:
            return _reaches_items(request, action)
        case "s3", _ if name:
            return any(fnmatchcase(name, each) for each in OBJECTS.get(request.function, {}).get(action, ()))
        case "s3", _:
            return fnmatchcase(request.prefix or "", LISTED.get(request.function, ""))
        case ("sqs", _) if action == "SendMessage":
            return name in SENDERS.get(request.function, ())
        case "sqs", _:
            return _READ.get(request.function) == name
        case "events", _:
            return request.function in PUBLISHERS
    return service in _OTHERS


def _reaches_items(request: AwsRequest, action: str) -> bool:
    return any(
        action in access.actions
        and all(any(fnmatchcase(key, pattern) for pattern in access.keys) for key in request.keys)
        and (not access.attributes or request.attributes <= set(access.attributes))
        for access in ITEMS.get(request.function, ())
    )


def _note(client: Any, operation: str, params: Any) -> Any:
    asked = requests_of(client, operation, params)
    violations.extend(f"{each.function}: {each}" for each in asked if not is_allowed(each))
    return _carry_out(client, operation, params)


# Not a hook of botocore: the shortest way to moto is closed to a call that somebody else's hook is to hear.
_carry_out = BaseClient._make_api_call  # type: ignore[attr-defined]
BaseClient._make_api_call = _note  # type: ignore[attr-defined]


def _as_a_lambda(ask: Callable[..., tuple[int, str]]) -> Callable[..., tuple[int, str]]:
    """``ask``, whose calls are the API's: the embedded cloud has no Lambda of that name."""

    @wraps(ask)
    def asked(method: str, path: str, query: Mapping[str, str] | None = None, body: str | None = None) -> Any:
        with Invocation("api", None, Bystander()):
            return ask(method, path, query, body)

    return asked


tarry_dev.cloud.api.ask = _as_a_lambda(tarry_dev.cloud.api.ask)

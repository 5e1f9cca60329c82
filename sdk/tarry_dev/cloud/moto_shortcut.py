"""moto's two doors: a request in full, as for any service, and a short way for the calls that are made most.

A call in full is a request that botocore builds, signs and has looked at by whoever wants to, and that moto finds its
way for among all of AWS's addresses, reads, answers and writes into a response, which botocore reads: for a ``PutItem``
five times the work of the write itself, for a ``Query`` of twenty items even more. On the short way botocore asks here
before it builds a request, and moto's action is called with what botocore has written for AWS. The caller gets the
same answer, and the same error, by either.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import count
from threading import RLock
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.handlers import BUILTIN_HANDLERS, REGISTER_LAST
from botocore.parsers import create_parser
from moto.core.botocore_stubber import BotocoreStubber, MockRawResponse
from moto.core.exceptions import ServiceException
from moto.core.models import DEFAULT_ACCOUNT_ID, botocore_stubber
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.responses import ActionResult
from moto.core.utils import camelcase_to_underscores, get_service_model
from moto.dynamodb.responses import DynamoHandler
from moto.events.responses import EventsHandler
from moto.sqs.responses import SQSResponse
from werkzeug.exceptions import HTTPException

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from botocore.awsrequest import AWSPreparedRequest
    from botocore.model import OperationModel
    from moto.core.common_types import TYPE_RESPONSE
    from moto.core.responses import BaseResponse

__all__ = [
    "ANSWERERS",
    "ONE_AT_A_TIME",
    "SHORT",
    "at_aws",
    "carried_out",
    "is_open",
    "metadata",
    "response",
    "shortcut",
]

ONE_AT_A_TIME = RLock()
"""Held during each call: moto has no locks of its own, and two threads could both pass one condition."""

ANSWERERS: dict[str, type[BaseResponse]] = {
    "dynamodb": DynamoHandler,
    "events": EventsHandler,
    "sqs": SQSResponse,
}
"""moto's classes that answer for the services with a short way. All three speak JSON."""

_ITEMS = {
    "BatchGetItem",
    "BatchWriteItem",
    "DeleteItem",
    "GetItem",
    "PutItem",
    "Query",
    "Scan",
    "TransactWriteItems",
    "UpdateItem",
}
"""The operations of DynamoDB whose answers moto has in the form in which botocore would read them."""

_MESSAGES = {"DeleteMessageBatch", "ReceiveMessage", "SendMessageBatch"}
"""The operations of SQS for which the same is true."""

SHORT = (
    _ITEMS
    | _MESSAGES
    | {
        "ChangeMessageVisibility",
        "CreateEventBus",
        "CreateQueue",
        "CreateTable",
        "PutEvents",
        "PutRule",
        "PutTargets",
        "SendMessage",
        "UpdateTimeToLive",
    }
)
"""The operations that have a short way: what Tarry does, and what the embedded cloud does to begin with."""

_ACTIONS = {operation: camelcase_to_underscores(operation) for operation in SHORT}
"""moto's methods."""

_at_aws: Callable[[], AbstractContextManager[None]] = nullcontext

_parser = create_parser("json")
_numbers = count(1)


@contextmanager
def shortcut(at_aws: Callable[[], AbstractContextManager[None]] = nullcontext) -> Iterator[None]:
    """Meanwhile both doors lead to moto, which is to be on, for one call at a time, each within ``at_aws``.

    Who stands at the door in full (``botocore_stubber.process_request``) sees each call: the short way is closed then.
    """
    global _at_aws  # botocore is told of this module's functions once, for all sessions
    botocore_stubber.process_request = _carry_out  # type: ignore[method-assign]
    _at_aws = at_aws
    try:
        yield
    finally:
        _at_aws = nullcontext
        vars(botocore_stubber).pop("process_request", None)  # a test may have put its own over it


def at_aws() -> AbstractContextManager[None]:
    """Within it a call is carried out that comes by neither door: one over HTTP."""
    return _at_aws()


def _carry_out(request: AWSPreparedRequest) -> TYPE_RESPONSE | None:
    with ONE_AT_A_TIME, _at_aws():
        return BotocoreStubber.process_request(botocore_stubber, request)


def is_open() -> bool:
    """Whether the short ways lead to moto now."""
    return vars(botocore_stubber).get("process_request") is _carry_out


def carried_out(model: OperationModel, params: dict[str, Any], region: str, url: str) -> tuple[int, dict[str, Any]]:
    """Carry out a call whose parameters are as moto reads them; return the HTTP status and what botocore would read."""
    answerer = ANSWERERS[model.service_model.service_name]()
    answerer.params = answerer.body = params
    if not answerer.automated_parameter_parsing:
        answerer._get_param = params.get  # type: ignore[assignment, method-assign]
    _place(answerer, {"X-Amz-Target": f".{model.name}"}, region, url)
    with ONE_AT_A_TIME, _at_aws():
        return _ask(answerer, model)


def metadata(status: int, content_type: str) -> dict[str, Any]:
    """What botocore adds to each answer."""
    request_id = f"{next(_numbers):052}"
    headers = {"x-amzn-requestid": request_id, "content-type": content_type}
    return {"RequestId": request_id, "HTTPStatusCode": status, "HTTPHeaders": headers, "RetryAttempts": 0}


def response(url: str, status: int, headers: Mapping[str, str]) -> AWSResponse:
    """The response as hooks see it. Its body has been read."""
    return AWSResponse(url, status, HTTPHeaders.from_dict(headers), MockRawResponse(b""))


def _answer(
    model: OperationModel, params: Mapping[str, Any], context: Mapping[str, Any], **_: object
) -> tuple[AWSResponse, dict[str, Any]] | None:
    """The answer to a call that can take the short way. botocore sends what nobody answers here."""
    service, region = model.service_model.service_name, context["client_region"]
    answerer = ANSWERERS.get(service)
    is_theirs = params["url"] == f"https://{service}.{region}.amazonaws.com/"  # and no endpoint of a test's own
    if answerer is None or model.name not in SHORT or not is_theirs or not is_open():
        return None
    with ONE_AT_A_TIME, _at_aws():
        status, parsed = _ask(_told(answerer(), model, params, region), model)
    added = metadata(status, params["headers"]["Content-Type"])
    return response(params["url"], status, added["HTTPHeaders"]), {**parsed, "ResponseMetadata": added}


def _told(answerer: BaseResponse, model: OperationModel, params: Mapping[str, Any], region: str) -> BaseResponse:
    """As it would be, had it read the request itself."""
    operation = get_service_model(model.service_model.service_name).operation_model(model.name)
    request: Any = {"body": params["body"]}
    answerer.params = PROTOCOL_PARSERS["json"](operation).parse(request)
    answerer.body = answerer.params if isinstance(answerer, DynamoHandler) else params["body"]
    _place(answerer, params["headers"], region, params["url"])
    return answerer


def _place(answerer: BaseResponse, headers: Any, region: str, url: str) -> None:
    answerer.querystring, answerer.uri_match, answerer.uri = {}, {}, url
    answerer.headers, answerer.response_headers = headers, {}
    answerer.current_account, answerer.region = DEFAULT_ACCOUNT_ID, region


def _ask(answerer: BaseResponse, model: OperationModel) -> tuple[int, dict[str, Any]]:
    """The HTTP status, and what botocore would read in the response."""
    try:
        answer = getattr(answerer, _ACTIONS[model.name])()
    except ServiceException as error:
        return _read(model, *answerer.serialized(ActionResult(error)))
    except HTTPException as error:
        return _read(model, error.code or 400, dict(error.get_headers()), error.description or "")
    if model.name in _ITEMS:
        # A copy of what moto keeps, made for this answer, in the very form in which botocore would read it: to write it
        # and to read it is most of the longer way. What AWS does not document is left out there.
        documented: Any = model.output_shape
        return 200, {name: answer.result[name] for name in documented.members if answer.result.get(name) is not None}
    if model.name in _MESSAGES:
        return 200, _documented(model.output_shape, answer.result)
    if isinstance(answer, ActionResult):
        return _read(model, *answerer.serialized(answer))
    return _read(model, *((200, {}, answer) if isinstance(answer, str) else answerer._transform_response({}, answer)))


def _read(
    model: OperationModel, status: int, headers: Mapping[str, str], body: str | bytes
) -> tuple[int, dict[str, Any]]:
    """As botocore reads a response. Of an error first what each has, then what it has more, such as the item."""
    response = {"status_code": status, "headers": headers, "body": body.encode() if isinstance(body, str) else body}
    shape: Any = model.output_shape
    parsed: dict[str, Any] = _parser.parse(response, shape)
    shape = model.service_model.shape_for_error_code(parsed["Error"]["Code"]) if status >= 300 else None
    return status, parsed if shape is None else parsed | _parser.parse(response, shape)


def _documented(shape: Any, value: Any) -> Any:
    """A copy of what AWS documents of a result. Texts, numbers and bytes are as botocore reads them."""
    match shape.type_name:
        case "structure":
            members = ((name, each, value.get(name)) for name, each in shape.members.items())
            return {name: _documented(each, found) for name, each, found in members if found is not None}
        case "list":
            return [_documented(shape.member, each) for each in value]
        case "map":
            return {name: _documented(shape.value, each) for name, each in value.items()}
    return value


# As moto does, so that every client of every session made from here on is reached. Whoever else looks at a call before
# it is sent, and may answer it or raise, is asked first.
BUILTIN_HANDLERS += [("before-call", _answer, REGISTER_LAST)]

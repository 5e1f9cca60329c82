"""Entry point: a request at the function's URL. IAM has let it in."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver, Response, content_types

from tarry import TarryError
from tarry_backend.api.queries import Api
from tarry_backend.runtime import runtime

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from tarry_backend.api.documents import Document

MAX_ANSWER = 6_000_000
"""In bytes, written as Lambda's own answer: it carries 6 MB."""

_routes = LambdaFunctionUrlResolver()


def handler(event: dict[str, Any], context: LambdaContext | None) -> Any:
    """Answers in JSON; an error is its ``message`` and ``statusCode``."""
    answer: dict[str, Any] = _routes.resolve(event, context)  # type: ignore[arg-type]
    if (size := len(json.dumps(answer))) > MAX_ANSWER:
        too_much = f"the answer has {size:,} bytes, an answer here {MAX_ANSWER:,} at most: ask with the command tarry"
        return {**answer, "statusCode": 413, "body": _refusal(413, too_much)}
    return answer


@_routes.get("/events/<event_id>")
def event(event_id: str) -> Document:
    """What an event did."""
    query = _routes.current_event.query_string_parameters
    return _api().receipt(unquote(event_id), query.get("name"), query.get("since", "1d"))


@_routes.get("/runs/<run_id>")
def run(run_id: str) -> Document:
    """What a run is at."""
    return _api().run(run_id)


@_routes.post("/runs/<run_id>/cancel")
def cancel(run_id: str) -> tuple[Document, int]:
    """Cancels a run."""
    return _api().cancel(run_id), HTTPStatus.ACCEPTED


@_routes.exception_handler(TarryError)  # type: ignore[untyped-decorator]
def refuse(error: TarryError) -> Response[str]:
    """Of what cannot be asked: a span that is none, say."""
    return Response(400, content_types.APPLICATION_JSON, _refusal(400, str(error)))


def _refusal(status: int, message: str) -> str:
    """As Powertools writes one."""
    return json.dumps({"statusCode": status, "message": message})


def _api() -> Api:
    parts = runtime()
    return Api(parts.app, parts.store, parts.queues)

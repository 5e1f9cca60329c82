"""Entry point of the HTTP API: a request at the function's URL. IAM has admitted it."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver, Response, content_types

from tarry.errors import TarryError
from tarry_backend.api.documents import finite
from tarry_backend.api.function_controls import FunctionControls
from tarry_backend.api.lists import Lists
from tarry_backend.api.queries import Api
from tarry_backend.runtime import prepare, runtime
from tarry_backend.telemetry import logger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tarry_backend.api.documents import Document
    from tarry_backend.log_lines import LambdaContext

MAX_ANSWER = 6_000_000
"""The largest answer, in bytes, inside of Lambda's own answer, which has at most 6 MB."""


def _text(document: Any) -> str:
    """Return JSON that every reader takes: Python alone would read ``Infinity``."""
    return json.dumps(finite(document), separators=(",", ":"), allow_nan=False)


_routes = LambdaFunctionUrlResolver(serializer=_text)


def handler(event: dict[str, Any], context: LambdaContext | None) -> Any:
    """Answer in JSON; an error has a ``message`` and a ``statusCode``."""
    try:
        answer: dict[str, Any] = _routes.resolve(event, context)  # type: ignore[arg-type]
    except Exception:  # else the caller gets Lambda's 502, without a message
        logger.exception("the API failed over a request")
        answer = _answer(500, "the API failed over this request; the log of its Lambda says why")
    if (size := len(json.dumps(answer))) > MAX_ANSWER:
        instead = "give a list a smaller limit, or use the command tarry"
        too_much = f"the answer has {size:,} bytes; at most {MAX_ANSWER:,} are allowed here: {instead}"
        return _answer(413, too_much)
    return answer


@_routes.get("/runs")
def runs() -> Document:
    """Return a page of the runs."""
    return _lists().runs(_query())


@_routes.get("/waits")
def waits() -> Document:
    """Return a page of the open waits."""
    return _lists().waits(_query())


@_routes.get("/events")
def events() -> Document:
    """Return a page of the events of one name."""
    return _lists().events(_query())


@_routes.get("/events/<event_id>")
def event(event_id: str) -> Document:
    """Return what an event did."""
    query = _query()
    return _api().receipt(unquote(event_id), query.get("name"), query.get("source"), query.get("since", "1d"))


@_routes.get("/runs/<run_id>")
def run(run_id: str) -> Document:
    """Return the state of a run."""
    return _api().run(run_id)


@_routes.post("/runs/<run_id>/cancel")
def cancel(run_id: str) -> tuple[Document, int]:
    """Cancel a run."""
    return _api().cancel(run_id), HTTPStatus.ACCEPTED


@_routes.post("/runs/<run_id>/retry")
def retry(run_id: str) -> tuple[Document, int]:
    """Retry a failed run."""
    return _api().retry(run_id, _query().get("from")), HTTPStatus.ACCEPTED


@_routes.post("/runs/<run_id>/rerun")
def rerun(run_id: str) -> tuple[Document, int]:
    """Start a run again, as a new run."""
    query, body = _query(), _routes.current_event.decoded_body
    return _api().rerun(run_id, query.get("from"), query.get("nonce"), body), HTTPStatus.ACCEPTED


@_routes.get("/functions")
def functions() -> Document:
    """Return the functions with their limits."""
    return _functions().all()


@_routes.post("/functions/<function_id>/pause")
def pause(function_id: str) -> tuple[Document, int]:
    """Pause a function."""
    return _functions().pause(unquote(function_id)), HTTPStatus.ACCEPTED


@_routes.post("/functions/<function_id>/drain")
def drain(function_id: str) -> tuple[Document, int]:
    """Drain a function."""
    return _functions().drain(unquote(function_id)), HTTPStatus.ACCEPTED


@_routes.post("/functions/<function_id>/resume")
def resume(function_id: str) -> tuple[Document, int]:
    """Let a function go on."""
    return _functions().resume(unquote(function_id)), HTTPStatus.ACCEPTED


@_routes.post("/functions/<function_id>/limit")
def limit(function_id: str) -> tuple[Document, int]:
    """Give a function another limit."""
    query = _query()
    answer = _functions().limit(unquote(function_id), query.get("limit"), query.get("of", "concurrency"))
    return answer, HTTPStatus.ACCEPTED


@_routes.exception_handler(TarryError)  # type: ignore[untyped-decorator]
def refuse(error: TarryError) -> Response[str]:
    """Answer an invalid request, such as one with an invalid duration."""
    return Response(400, content_types.APPLICATION_JSON, _refusal(400, str(error)))


def _answer(status: int, message: str) -> dict[str, Any]:
    """Return an error as the function's URL takes it."""
    headers = {"Content-Type": content_types.APPLICATION_JSON}
    body = _refusal(status, message)
    return {"statusCode": status, "headers": headers, "cookies": [], "isBase64Encoded": False, "body": body}


def _refusal(status: int, message: str) -> str:
    """Return an error body as Powertools writes it."""
    return json.dumps({"statusCode": status, "message": message})


def _query() -> Mapping[str, str]:
    return _routes.current_event.query_string_parameters


def _lists() -> Lists:
    parts = runtime()
    return Lists(parts.declared, parts.store)


def _functions() -> FunctionControls:
    parts = runtime()
    return FunctionControls(parts.manifest, parts.store, parts.queues)


def _api() -> Api:
    parts = runtime()
    return Api(parts.declared, parts.store, parts.queues)


prepare("manifest")

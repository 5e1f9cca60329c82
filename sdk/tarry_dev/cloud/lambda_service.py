"""AWS Lambda's ``Invoke`` in the embedded cloud, for the one function that senders call: the signals Lambda.

moto would run a function in a container. Here it is called in this process.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.handlers import BUILTIN_HANDLERS
from moto.core.botocore_stubber import MockRawResponse

from tarry._wire.steady_logger import steady_logger
from tarry_dev.cloud.crash import Crash

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.awsrequest import AWSPreparedRequest

    from tarry_dev.cloud.function import LambdaFunction

__all__ = ["PATH", "LambdaService"]

PATH = "/2015-03-31/functions/"
"""How the path of each call of Lambda's begins."""

_CALL = "/invocations"

_open: list[LambdaService] = []
"""That of the open cloud, if one is open."""

_log = steady_logger(__name__)


class LambdaService:
    """Calls a function as AWS does: the payload goes through JSON, and what the function raises is an answer, too."""

    def __init__(self, function: LambdaFunction) -> None:
        self._function = function

    @property
    def function_name(self) -> str:
        """The function's name on AWS."""
        return self._function.function_name

    @contextmanager
    def answers(self) -> Iterator[None]:
        """Within it, each boto client's ``Invoke`` comes here."""
        _open.append(self)
        try:
            yield
        finally:
            _open.remove(self)

    def respond(self, path: str, payload: bytes) -> tuple[int, dict[str, str], bytes]:
        """The status, the headers and the body of the response to such a request."""
        asked = unquote(path).removeprefix(PATH).removesuffix(_CALL)
        name = asked.rpartition(":function:")[2].partition(":")[0]
        if name != self._function.function_name or not path.endswith(_CALL):
            problem = f"the embedded cloud has no Lambda {name!r} to invoke, only {self._function.function_name!r}"
            return 404, {"x-amzn-errortype": "ResourceNotFoundException"}, json.dumps({"Message": problem}).encode()
        try:
            answer = self._function.invoke(json.loads(payload or b"{}"))
        except (Exception, Crash) as error:
            _log.exception("the %s failed", name)
            said = {"errorMessage": str(error), "errorType": type(error).__name__}
            return 200, {"x-amz-function-error": "Unhandled"}, json.dumps(said).encode()
        return 200, {}, json.dumps(answer).encode()


def _answer(request: AWSPreparedRequest, **_: object) -> AWSResponse | None:
    """The response to a request to AWS's own address. A client with an endpoint of its own goes there."""
    place = urlsplit(request.url)
    if not _open or not (place.hostname or "").endswith(".amazonaws.com"):
        return None
    payload = request.body if isinstance(request.body, bytes) else b""
    status, headers, body = _open[-1].respond(place.path, payload)
    headers |= {"content-type": "application/json", "content-length": str(len(body))}
    return AWSResponse(request.url, status, HTTPHeaders.from_dict(headers), MockRawResponse(body))


# As moto does it for all services. Who is registered for one operation is asked before who is for all.
BUILTIN_HANDLERS += [("before-send.lambda.Invoke", _answer)]

"""The stack's signals Lambda, as a sender outside of the stack invokes it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

from tarry._wire.aws import client
from tarry._wire.signal_request import read_answer
from tarry.errors import SignalError

if TYPE_CHECKING:
    from tarry._wire.signal_request import SignalRequest
    from tarry.signalreceipt import SignalReceipt

__all__ = ["TIMEOUT", "SignalLambda"]

TIMEOUT = 20
"""The Lambda's timeout in seconds, with its cold start. A client waits longer, so that it does not send again while the
Lambda is still at work."""


class SignalLambda:
    """The Lambda, by its name or ARN. Thread-safe; boto3 loads with the first signal."""

    _client: Any = client(
        "lambda",
        connect_timeout=3,
        read_timeout=TIMEOUT + 5,
        retries={"total_max_attempts": 4, "mode": "standard"},
    )

    def __init__(self, function: str) -> None:
        self._function = function

    def deliver(self, request: SignalRequest) -> SignalReceipt:
        """Have the Lambda deliver one signal; return its receipt, or raise its error.

        boto3 repeats an invocation that Lambda throttled, or whose answer was lost. The repetition is the same call,
        so it gets the same answer.

        Raises:
            TarryError: What the Lambda refused the request with, of the kind that it names.
            SignalError: Lambda has no capacity for it now, makes a new snapshot, or the Lambda failed.
        """
        known = self._client.exceptions
        try:
            answer = self._client.invoke(FunctionName=self._function, Payload=request.text().encode())
        except known.TooManyRequestsException as error:
            raise _not_sent(request, "AWS throttles the signals Lambda") from error
        except (known.SnapStartNotReadyException, known.SnapStartTimeoutException, known.SnapStartException) as error:
            raise _not_sent(request, f"the snapshot of the signals Lambda is not ready ({error})") from error
        payload = answer["Payload"].read()
        if "FunctionError" in answer:
            _refuse(request, payload)
        try:
            document = json.loads(payload)
            return read_answer(document)
        except (ValueError, KeyError, TypeError, AttributeError):
            _refuse(request, payload)


def _not_sent(request: SignalRequest, why: str) -> SignalError:
    return SignalError(f"signal {request.name!r}: {why}, so nothing was sent; send it again, with id={request.id!r}")


def _refuse(request: SignalRequest, payload: bytes) -> NoReturn:
    said = payload[:300].decode("utf-8", "replace")
    raise SignalError(
        f"signal {request.name!r}: the signals Lambda failed ({said}), and the signal may have been sent or not; read"
        f" the Lambda's log, and send it again, with id={request.id!r}"
    )

"""Entry point of the signals Lambda: one signal from a sender outside of the stack. IAM has admitted it.

It can deliver a signal and nothing else. It loads neither the app nor PynamoDB: its sender waits for the answer.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from tarry._wire.signal_post import SignalPost
from tarry._wire.signal_request import SignalRequest, answer_document, error_document
from tarry.errors import TarryError
from tarry_backend import initialisation

if TYPE_CHECKING:
    from tarry_backend.log_lines import LambdaContext


def handler(event: Any, context: LambdaContext) -> dict[str, Any]:
    """Deliver the signal, and answer with its receipt, or with the error for its sender to raise.

    Any other error fails the invocation, so that the alarm goes off.
    """
    try:
        request = SignalRequest.parse(event)
        post = _post(os.environ["TARRY_TABLE"], os.environ["TARRY_RUNS_QUEUE"], os.environ.get("AWS_REGION"))
        return answer_document(post.deliver(request))
    except TarryError as error:
        return error_document(error)


@cache
def _post(table: str, runs_queue: str, region: str | None) -> SignalPost:
    return SignalPost(table, runs_queue)


initialisation.end()

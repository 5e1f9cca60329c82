"""Signals: a message to the one run that waits for it, whose sender knows the result at once."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tarry.errors import UsageError

if TYPE_CHECKING:
    from tarry._wire.signal_lambda import SignalLambda
    from tarry._wire.signal_post import SignalPost
    from tarry.durations import Duration
    from tarry.signalreceipt import SignalReceipt

__all__ = ["FUNCTION", "Signals"]

FUNCTION = "TARRY_SIGNALS"
"""The environment variable with the name or the ARN of the stack's signals Lambda."""

_TABLE, _RUNS_QUEUE = "TARRY_TABLE", "TARRY_RUNS_QUEUE"


class Signals:
    """One app's way to its waiting runs.

    A sender outside of the stack invokes the signals Lambda. A step runs in the executor, which has the table and the
    queue anyway: it delivers by itself, and no Lambda waits for another one.

    Args:
        function: The name or ARN of the stack's signals Lambda; by default the environment variable ``TARRY_SIGNALS``.
    """

    def __init__(self, function: str | None = None) -> None:
        self._function = function

    def send(self, name: str, data: Any, signal_id: str | None, keep: Duration | None) -> SignalReceipt:
        """Send one signal; see ``App.send_signal``. What cannot be sent is refused before AWS is asked."""
        from tarry._wire.signal_request import SignalRequest  # few apps send signals

        return self._road.deliver(SignalRequest.of(name, data, signal_id, keep))

    def disconnect(self) -> None:
        """Close the connections; the next signal opens new ones, from the environment at that time."""
        self.__dict__.pop("_road", None)

    @cached_property
    def _road(self) -> SignalLambda | SignalPost:
        if function := self._function or os.environ.get(FUNCTION):
            from tarry._wire.signal_lambda import SignalLambda

            return SignalLambda(function)
        # The Lambdas of the stack have these two, and a test's embedded cloud has them.
        table, queue = os.environ.get(_TABLE), os.environ.get(_RUNS_QUEUE)
        if table and queue:
            from tarry._wire.signal_post import SignalPost

            return SignalPost(table, queue)
        raise UsageError(
            f"{FUNCTION} is not set: to send a signal, set it to the value of the stack's output SignalsFunction, and "
            "allow the sender by TarryStack.grant_send_signals"
        )

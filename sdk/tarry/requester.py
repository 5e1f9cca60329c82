"""What code asks of an app's deployment: to take events and signals, to cancel and retry runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tarry._engine.chain import Chain
from tarry._engine.sender import send, send_sync
from tarry._wire.run_requests import cancellations
from tarry._wire.run_requests import retries as retry_requests
from tarry.eventtypes import as_events

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Sequence

    from tarry._wire.bus import EventBus
    from tarry.durations import Duration
    from tarry.eventtypes import Sendable
    from tarry.middleware import MakeMiddleware
    from tarry.signalreceipt import SignalReceipt
    from tarry.signals import Signals

__all__ = ["Requester"]


class Requester:
    """What an app inherits to send events and signals, and to cancel and retry runs."""

    bus: EventBus
    signals: Signals
    _middleware: Sequence[MakeMiddleware]

    def send(self, events: Sendable | Iterable[Sendable]) -> Awaitable[list[str]]:
        """Put events on the app's bus and return their ids: ``await app.send(event)``.

        The request runs in a thread, so the event loop goes on meanwhile. It begins at the call, awaited or not. Where
        no event loop runs, the call itself sends, and returns once the bus has answered; there write ``send_sync``.

        The events go in batches of up to ten. Tarry retries a refused event twice.

        Args:
            events: One or several ``Event`` objects, or instances of event types (see ``tarry.event_type``).

        Raises:
            EventError: The bus would never accept an event, or its name begins with ``tarry/``. Then nothing was sent.
            SendError: Some events did not go, or may not have gone. It names them, and holds them with their ids:
                ``await app.send(error.left)`` tries again, and no event counts twice.
        """
        return send(Chain(self._middleware), as_events(events), self.bus.send)

    def send_sync(self, events: Sendable | Iterable[Sendable]) -> list[str]:
        """Put events on the app's bus and return their ids, in plain code. As ``send``."""
        return send_sync(Chain(self._middleware), as_events(events), self.bus.send)

    def send_signal(
        self,
        name: str,
        data: Any = None,
        *,
        id: str | None = None,  # noqa: A002 - the name that Event uses
        keep: Duration | None = None,
    ) -> SignalReceipt:
        """Send a signal to the one run that waits for it with ``ctx.step.wait_for_signal``.

        Unlike an event, a signal has one receiver, and its sender knows the result at once. To retry a send whose
        result you do not know, send again under the same ``id``.

        It works wherever AWS credentials allow it. In a function, call it in a step. Outside the app's Lambdas, set
        ``TARRY_SIGNALS`` to the stack output ``SignalsFunction``: the stack's signals Lambda, which delivers for you.
        ``TarryStack.grant_send_signals`` lets a sender invoke it.

        Args:
            name: The signal's name, 1 to 512 bytes.
            data: JSON, at most 32,000 bytes; ``{}`` by default.
            id: The signal's identity, at most 512 bytes; a new one by default. Tarry remembers the ids of the last 20
                signals of a name that it delivered or kept. A signal with one of them is a duplicate.
            keep: How long to keep the signal for a later wait, at most 366 days, such as ``"1h"``. Tarry keeps up to
                ten signals a name. Without ``keep``, a signal that no step waits for is dropped.

        Returns:
            A receipt with the status ``delivered``, ``kept``, ``duplicate`` or ``nobody waits``.

        Raises:
            UsageError: The name, the id or ``keep`` is not valid, or the environment variable is missing.
            OutputError: ``data`` is not JSON.
            LimitError: ``data`` is too large, or ten signals of the name are already kept.
            SignalError: Too many senders use the name at once, or the signals Lambda has no capacity now or failed.
        """
        return self.signals.send(name, data, id, keep)

    def cancel(self, run_ids: str | Iterable[str]) -> None:
        """Cancel runs by their ids (``ctx.run_id``).

        A step that executes now still finishes, and no step begins after it. Tarry withdraws the run's waits and
        timers, and puts ``tarry/function.cancelled`` on the bus. It ignores an ended run and an unknown id.

        The request is an event on the app's bus. In a function, call it in a step. Outside the app's Lambdas,
        ``TarryStack.grant_cancel_runs`` grants the permission; that to send events does not suffice.

        Args:
            run_ids: One id, or several.

        Raises:
            UsageError: A value cannot be a run id.
            SendError: As for ``send``.
        """
        self.bus.send_internal(cancellations(run_ids))

    def retry(self, run_ids: str | Iterable[str], *, from_step: str | None = None) -> None:
        """Retry failed runs by their ids, in place: each goes on from the step whose error ended it.

        What a run has kept stays, and its waits come back with their deadlines. See ``tarry retry``, which also says
        why a run cannot be retried; here such a run, and an unknown id, is ignored without an error.

        The request is an event on the app's bus. In a function, call it in a step. Outside the app's Lambdas,
        ``TarryStack.grant_retry_runs`` grants the permission; that to send events does not suffice.

        Args:
            run_ids: One id, or several.
            from_step: The failed step to go on from, if the function raised an error of its own over it.

        Raises:
            UsageError: A value cannot be a run id, or ``from_step`` no step's.
            SendError: As for ``send``.
        """
        self.bus.send_internal(retry_requests(run_ids, from_step))

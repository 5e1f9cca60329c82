"""The app: a name, its functions, and the way to send events."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

from tarry._engine.chain import Chain
from tarry._wire.bus import EventBus
from tarry.cancel import MAX_CANCELS, Cancel, Timeouts, cancellations
from tarry.errors import UsageError
from tarry.eventtypes import as_events
from tarry.function import DEFAULT_BACKOFF, Function, Retries
from tarry.middleware import checked_middleware
from tarry.signals import Signals
from tarry.triggers import Trigger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from tarry.context import Handler
    from tarry.durations import Duration
    from tarry.eventtypes import Sendable
    from tarry.middleware import MakeMiddleware
    from tarry.signals import SignalReceipt

__all__ = ["App"]

logger = logging.getLogger("tarry")

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class App:
    """A set of durable functions that are deployed together.

    ``app_id`` names it: letters, digits, ``.``, ``_`` and ``-``, at most 64 characters. ``bus`` is the
    EventBridge bus to which ``send`` puts; without it the environment's ``TARRY_BUS``, which the deployed
    Lambdas and ``tarry dev`` set, and else ``tarry-<app_id>``, the name that the stack gives its bus.
    ``middleware`` are classes derived from ``tarry.Middleware``, or functions that make instances of such; they are
    around every function of the app and around ``send``, the first outermost.
    """

    def __init__(self, app_id: str, *, bus: str | None = None, middleware: Sequence[MakeMiddleware] = ()) -> None:
        self.id = _checked(app_id, "app")
        self._functions: dict[str, Function] = {}
        self._middleware = checked_middleware(middleware, f"app {app_id!r}")
        self.bus = EventBus(self.id, bus)
        self.signals = Signals()

    @property
    def functions(self) -> Mapping[str, Function]:
        """The app's functions by their ids."""
        return self._functions

    def create_function(
        self,
        *,
        fn_id: str,
        trigger: Trigger | Sequence[Trigger],
        retries: int = 4,
        backoff: Sequence[Duration] = DEFAULT_BACKOFF,
        cancel: Cancel | Sequence[Cancel] = (),
        timeouts: Timeouts | None = None,
        idempotency: str | None = None,
        on_failure: Handler | None = None,
        middleware: Sequence[MakeMiddleware] = (),
    ) -> Callable[[Handler], Function]:
        """Makes the decorated handler a durable function of this app.

        ``fn_id`` is its lasting name: runs in flight find their code by it, so keep it when you rename the
        handler. ``trigger`` is what starts it, one or several. A step that fails is tried again ``retries``
        times (0 to 20) after the pauses of ``backoff``, the last of which repeats; then it has failed for good.
        ``cancel`` are up to 5 events that cancel its runs, ``timeouts`` the time they have to start and to finish.
        ``middleware`` goes inside of the app's.

        ``idempotency`` is CEL over the event that starts it, such as ``event.data.orderId``; its value may be any JSON.
        Of the events that give the same value within 24 hours of the first that started a run, none but that one does.
        Values are equal as in expressions: 1 and 1.0 are, ``"1"`` is another. An event for which it fails, since it
        lacks the field, say, starts a run of its own and counts as a match error; a ``TriggerCron`` and ``step.invoke``
        start a run each time. An expression that is not CEL brings the function's events to the dead-letter queue, from
        where they start it once it is mended.

        ``on_failure`` is a handler, ``async def`` or ``def``, that is run once for each run that fails, also for one
        whose executor died again and again. It is a function of its own, ``<fn_id>-failure``, with the same
        ``retries``. Its ``ctx.event`` is ``tarry/function.failed``, whose ``data`` has ``function_id``, ``run_id``, the
        ``error`` (``name``, ``message``, ``stack``) and the ``event`` that had started the run; if all of that is more
        than the bus carries, the event is left out, and ``truncated`` is true.
        """
        own = checked_middleware(middleware, f"function {fn_id!r}")
        triggers = tuple(trigger) if isinstance(trigger, list | tuple) else (trigger,)
        if not triggers or not all(isinstance(one, Trigger) for one in triggers):
            raise UsageError(
                f"function {fn_id!r}: trigger is {trigger!r}; give a TriggerEvent or a TriggerCron, or a list of some"
            )
        if isinstance(backoff, str):
            raise UsageError(
                f"function {fn_id!r}: backoff is {backoff!r}; give a list of pauses, such as [{backoff!r}]"
            )
        cancels = _cancels(fn_id, cancel)
        if not isinstance(timeouts, Timeouts | None):
            raise UsageError(
                f"function {fn_id!r}: timeouts is {timeouts!r}; give tarry.Timeouts(start=..., finish=...)"
            )

        _check_expression(fn_id, idempotency)
        if not callable(on_failure) and on_failure is not None:
            raise UsageError(f"function {fn_id!r}: on_failure is {on_failure!r}; give a handler, a def or an async def")

        def register(handler: Handler) -> Function:
            function = Function(
                id=_checked(fn_id, "function"),
                app_id=self.id,
                handler=handler,
                triggers=triggers,
                retries=Retries(retries, tuple(backoff)),
                cancels=cancels,
                timeouts=timeouts or Timeouts(),
                idempotency=idempotency,
                middleware=(*self._middleware, *own),
            )
            self._add(function, *([] if on_failure is None else [function.on_failure(on_failure)]))
            _tell_of_all(function)
            return function

        return register

    def send(self, events: Sendable | Iterable[Sendable]) -> list[str]:
        """Puts events on the app's bus and returns their ids.

        Each is an ``Event``, or an instance of an event type (see ``tarry.event_type``).
        They go in batches of ten. An event that the bus refuses is tried again, twice; then ``SendError`` names
        those which did not go. An event that no bus would carry raises ``EventError`` before anything is sent.
        """
        chain = Chain(self._middleware)
        if not chain:
            return self.bus.send(as_events(events))
        return chain.begin().send_now(as_events(events), self.bus.send)

    def send_signal(
        self,
        name: str,
        data: Any = None,
        *,
        id: str | None = None,  # noqa: A002 - it is called so in an Event, too
        keep: Duration | None = None,
    ) -> SignalReceipt:
        """Sends a signal to the one run that waits for it (``ctx.step.wait_for_signal``); tells what became of it.

        ``data`` is JSON, at most 32,000 bytes; ``{}`` if there is none. Unlike an event a signal has one receiver, and
        its sender knows at once: it is ``delivered``; or nobody waits for it now, and it is ``kept`` for a wait that
        begins within ``keep`` (a span such as ``"1h"``, at most 366 days; ten a name), or without ``keep`` gone. A
        signal with the ``id`` (at most 512 bytes) of one of the last twenty of its name that were delivered or kept
        is a ``duplicate``, so a sender that does not know how its last attempt ended tries again under the same id.

        It works wherever AWS credentials allow it, in the Lambdas of the app by themselves: call it in a step there.
        Elsewhere ``TARRY_TABLE`` and ``TARRY_RUNS_QUEUE`` in the environment say where, as the stack's outputs
        ``Table`` and ``RunsQueue`` do, and ``TarryStack.grant_send_signals`` grants what it takes.

        Raises ``UsageError`` for a name, an id or data that cannot be, ``LimitError`` for too much of it,
        ``SignalError`` if too many send it at once.
        """
        return self.signals.send(name, data, id, keep)

    def cancel(self, run_ids: str | Iterable[str]) -> None:
        """Asks for runs to be cancelled, by their ids (``ctx.run_id``): one, or several.

        The step that such a run executes now ends, nothing comes after it, its waits and timers are withdrawn, and
        ``tarry/function.cancelled`` goes over the bus. A run that has ended stays as it is, and an id of no run does
        nothing: nobody is told so. It is asked for by an event on the app's bus, so it works wherever ``send`` does; in
        a function call it in a step.

        Raises ``UsageError`` for what can be no run's id, ``SendError`` as ``send`` does.
        """
        self.bus.send(cancellations([run_ids] if isinstance(run_ids, str) else run_ids))

    def _add(self, *functions: Function) -> None:
        for function in functions:
            if function.id in self._functions:
                raise UsageError(f"app {self.id!r} has a function {function.id!r} already: each fn_id stands for one")
        self._functions |= {function.id: function for function in functions}

    def __repr__(self) -> str:
        return f"App({self.id!r}, functions={sorted(self._functions)})"


def _cancels(fn_id: str, cancel: Cancel | Sequence[Cancel]) -> tuple[Cancel, ...]:
    cancels = tuple(cancel) if isinstance(cancel, list | tuple) else (cancel,)
    if not all(isinstance(one, Cancel) for one in cancels):
        raise UsageError(f"function {fn_id!r}: cancel is {cancel!r}; give a Cancel, or a list of some")
    if len(cancels) > MAX_CANCELS:
        raise UsageError(f"function {fn_id!r} has {len(cancels)} cancels; at most {MAX_CANCELS}")
    return cancels


def _check_expression(fn_id: str, idempotency: Any) -> None:
    if idempotency is not None and (not isinstance(idempotency, str) or not idempotency.strip()):
        raise UsageError(
            f"function {fn_id!r}: idempotency is {idempotency!r}; give an expression, such as 'event.data.orderId'"
        )


def _tell_of_all(function: Function) -> None:
    for cancel in function.cancels:
        if cancel.takes_all:
            logger.warning(
                "function %r: each event %r cancels every run of it, for this cancel has neither if_exp nor match",
                function.id,
                cancel.event,
            )


def _checked(name: Any, what: str) -> str:
    if not isinstance(name, str) or not _ID.fullmatch(name):
        raise UsageError(f"{what} id {name!r}: use 1 to 64 letters, digits, '.', '_' or '-', a letter or digit first")
    return name

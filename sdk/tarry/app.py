"""The app: its name, its functions, and the means to send events and signals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from tarry._engine.combination import check_combination
from tarry._engine.declaration import (
    check_expressions,
    check_idempotency,
    checked_announce,
    checked_bus,
    checked_cancels,
    checked_concurrency,
    checked_function,
    checked_id,
    checked_name,
    checked_pausable,
    checked_retries,
    checked_timeouts,
    checked_triggers,
    disagreement,
    has_cron,
    warn_of_cancels,
)
from tarry._engine.flow import checked_flow
from tarry._engine.handler import checked_handler
from tarry._engine.place import place_of_code
from tarry._wire.bus import EventBus
from tarry.errors import UsageError
from tarry.function import Function
from tarry.middleware import checked_middleware
from tarry.requester import Requester
from tarry.signals import Signals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tarry._engine.register import Register
    from tarry.batch import Batch
    from tarry.cancel import Cancel, Timeouts
    from tarry.concurrency import Concurrency
    from tarry.context import Handler
    from tarry.debounce import Debounce
    from tarry.durations import Duration
    from tarry.flow import Priority, RateLimit, Singleton, Throttle
    from tarry.middleware import MakeMiddleware
    from tarry.triggers import Trigger

__all__ = ["App"]


class App(Requester):
    """A set of durable functions that you deploy together.

    Args:
        app_id: The app's name: 1 to 64 letters, digits, ``.``, ``_`` and ``-``.
        bus: The EventBridge bus to which ``send`` puts events. By default the environment variable ``TARRY_BUS``, which
            the deployed Lambdas and ``tarry dev`` set; without it ``tarry-<app_id>``, the bus of the stack of that
            name. A stack of another name has a bus of its own name: the stack's output ``Bus``.
            It is a name, not an ARN: the bus is in the stack's account.
        middleware: Classes derived from ``tarry.Middleware``, or functions that return an instance. They surround every
            function of the app and ``send``, the first one outermost.
        announce: Which finished runs Tarry announces on the bus with ``tarry/function.finished``. By default those that
            something in the app can hear: a trigger or a wait on that name. The log and the audit trail have all of
            them. Give ``"all"`` if a rule of your own, or another app on the same bus, hears them. Failed and cancelled
            runs are always announced on the bus.
        pausable: Whether each function can be paused and drained (``tarry pause``, ``tarry drain``), unless it says
            otherwise. Then an executor asks at most each ten seconds whether people have done so.

    Raises:
        UsageError: The name, the bus, a middleware, ``announce`` or ``pausable`` is not valid.
    """

    def __init__(
        self,
        app_id: str,
        *,
        bus: str | None = None,
        middleware: Sequence[MakeMiddleware] | None = None,
        announce: Literal["heard", "all"] = "heard",
        pausable: bool = False,
    ) -> None:
        self.id = checked_id(app_id, "app")
        self._announces_all = checked_announce(app_id, announce)
        self._pausable = bool(checked_pausable(f"app {app_id!r}", pausable))
        self._functions: dict[str, Function] = {}
        self._middleware = checked_middleware(middleware or (), f"app {app_id!r}")
        self.bus = EventBus(self.id, checked_bus(app_id, bus))
        self.signals = Signals()

    @property
    def functions(self) -> Mapping[str, Function]:
        """The app's functions by their ids."""
        return self._functions

    @property
    def announces_all(self) -> bool:
        """Whether each finished run is announced on the bus."""
        return self._announces_all

    def create_function(
        self,
        *,
        fn_id: str,
        trigger: Trigger | Sequence[Trigger] | None = None,
        name: str | None = None,
        retries: int | None = None,
        backoff: Sequence[Duration] | None = None,
        cancel: Cancel | Sequence[Cancel] | None = None,
        timeouts: Timeouts | None = None,
        idempotency: str | None = None,
        concurrency: int | Concurrency | Sequence[int | Concurrency] | None = None,
        rate_limit: RateLimit | None = None,
        debounce: Debounce | None = None,
        singleton: Singleton | None = None,
        throttle: Throttle | None = None,
        batch_events: Batch | None = None,
        priority: Priority | None = None,
        pausable: bool | None = None,
        on_failure: Handler | None = None,
        middleware: Sequence[MakeMiddleware] | None = None,
        strict: bool | None = False,
    ) -> Register:
        """Make the decorated handler a durable function of this app.

        Args:
            fn_id: The function's permanent id, any text of up to 200 characters. Runs in flight find their code by it,
                so keep it when you rename the handler.
            trigger: What starts the function: a ``TriggerEvent``, a ``TriggerCron``, or a list of them. Without one,
                only ``step.invoke`` starts it.
            name: The function's name for people; its id by default.
            retries: How often Tarry retries a failing step, 0 to 20; 4 by default. Then the step has failed for good.
            backoff: The pauses before the retries, from 15 seconds to 2 hours by default; the last one repeats.
            cancel: Up to 5 events that cancel the function's runs.
            timeouts: The time limits for a run's start and end.
            idempotency: CEL over the starting event, such as ``event.data.orderId``; the value may be any JSON. For 24
                hours after an event started a run, other events with the same value start none. Values are equal as in
                expressions: 1 equals 1.0, but not ``"1"``. If the expression fails for an event, such as for a missing
                field, the event starts a run, and Tarry counts a match error. Cron times and ``step.invoke`` always
                start a run.
            concurrency: How many runs are at work at a time: a number, a ``Concurrency``, or a list of two. Further
                runs wait in the order of their starting events, and none is lost.
            rate_limit: How many events may start a run within any period. Further events start none.
            debounce: Starts one run, with the latest event, once no further event has come for a while.
            singleton: At most one run runs at a time. An event that comes meanwhile starts none, or cancels that run.
            throttle: How many runs may begin within a period. The others wait, and none is lost.
            batch_events: Starts one run with several events, ``ctx.events``: when there are enough, or after a time.
            priority: Which of the runs that wait at a limit of ``concurrency`` goes on first.
            pausable: Whether people can pause and drain the function (``tarry pause``, ``tarry drain``), and the one of
                ``on_failure``. By default as ``App`` says. A function with ``concurrency`` can always be paused.
            on_failure: A handler, ``async def`` or ``def``, that runs once for each failed run, also if the run's
                executor died repeatedly. If the run is retried and fails again, it runs again; ``data["life"]`` is then
                2 or more. It is a function of its own, ``<fn_id>-failure``, with the same ``retries``.
                Its ``ctx.event`` is ``tarry/function.failed``, whose ``data`` have ``function_id``, ``run_id``, the
                ``error`` (``name``, ``message``, ``stack``), and the ``event`` that started the run. If that is more
                than the bus carries, the event is left out, and ``truncated`` is true.
            middleware: As that of ``App``, inside the app's.
            strict: Fail a run whose replay asks for a stored step with other arguments than those it began with, as
                after a loop over a set, or a changed argument. By default Tarry logs a warning.

        ``None`` leaves an option at its default.

        Returns:
            A decorator that registers the handler and returns its ``Function``.

        Raises:
            UsageError: An argument is not valid, or the app already has a function of this id.
            ExpressionError: An expression of a trigger, of a cancel, ``idempotency`` or some ``key`` does not
                compile, or uses a field that its event type lacks. Outside of a Lambda only: there, synthesis has
                checked it.
        """
        own = checked_middleware(middleware or (), f"function {fn_id!r}")
        triggers = checked_triggers(fn_id, trigger)
        attempts = checked_retries(fn_id, retries, backoff)
        cancels = checked_cancels(fn_id, () if cancel is None else cancel)
        times = checked_timeouts(fn_id, timeouts)
        limits = checked_concurrency(fn_id, concurrency)
        can_pause = checked_pausable(f"function {fn_id!r}", pausable, limits)
        check_idempotency(fn_id, idempotency)
        if on_failure is not None:
            checked_handler(fn_id, on_failure, "on_failure")
        starts = {"rate_limit": rate_limit, "singleton": singleton, "throttle": throttle, "priority": priority}
        gathers = {"debounce": debounce, "batch_events": batch_events}
        flow = checked_flow(fn_id, **starts, **gathers)
        options = {"cancel": cancels, "timeouts": timeouts, "idempotency": idempotency, "concurrency": limits}
        check_combination(fn_id, {"cron": has_cron(triggers), **options, **flow.used})
        check_expressions(fn_id, triggers, cancels, idempotency, limits, flow)

        def register(handler: Any) -> Function[Any]:
            function = Function(
                id=checked_function(fn_id),
                app_id=self.id,
                handler=checked_handler(fn_id, handler),
                triggers=triggers,
                retries=attempts,
                cancels=cancels,
                timeouts=times,
                idempotency=idempotency,
                middleware=(*self._middleware, *own),
                strict=bool(strict),
                name=checked_name(fn_id, name),
                concurrency=limits,
                flow=flow,
                pausable=self._pausable if can_pause is None else can_pause,
            )
            self._add(function, *([] if on_failure is None else [function.on_failure(on_failure)]))
            warn_of_cancels(function)
            return function

        return register

    def _add(self, *functions: Function) -> None:
        for function in functions:
            if function.id in self._functions:
                first, second = (place_of_code(one.handler) for one in (self._functions[function.id], function))
                taken = f"app {self.id!r} already has a function {function.id!r}{first}"
                raise UsageError(f"{taken}: give each its own fn_id, also the one here{second}")
        if problem := disagreement([*self._functions.values(), *functions]):
            raise UsageError(f"app {self.id!r}: {problem}")
        self._functions |= {function.id: function for function in functions}

    def __repr__(self) -> str:
        return f"App({self.id!r}, functions={sorted(self._functions)})"

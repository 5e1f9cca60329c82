"""Durable functions that wait for events, on your own AWS account.

The names in ``__all__`` are the stable API, with their public members. So are those of ``tarry.encryption`` and
``tarry.traces``. Everything else may change in any release: the modules in which these names are defined, and all that
begins with an underscore. ``__version__`` is the version of this release.

A name loads its module when it is first used. So code that needs one part, such as a Lambda that runs no function, does
not load the others.
"""

import typing as _typing

from tarry._lazy import lazy_names as _lazy_names

if _typing.TYPE_CHECKING:
    from tarry._engine.current_run import CurrentRun, current
    from tarry.app import App
    from tarry.batch import Batch
    from tarry.cancel import Cancel, Timeouts
    from tarry.concurrency import Concurrency
    from tarry.context import Context, ContextSync
    from tarry.debounce import Debounce
    from tarry.errors import (
        DurationError,
        EventDataError,
        EventError,
        ExpressionError,
        LimitError,
        MiddlewareError,
        NonRetriableError,
        OutputError,
        ReplayError,
        RetryAfterError,
        SendError,
        SignalError,
        StepCallError,
        StepDataError,
        StepError,
        Suspended,
        TarryError,
        UsageError,
    )
    from tarry.event import Event
    from tarry.eventtypes import event_type
    from tarry.flow import Priority, RateLimit, Singleton, Throttle
    from tarry.function import Function
    from tarry.matches import EventMatch
    from tarry.middleware import Middleware, StepInfo
    from tarry.signalreceipt import SignalReceipt, SignalStatus
    from tarry.steperrors import StepInterruptedError, StepTimeoutError
    from tarry.triggers import TriggerCron, TriggerEvent

__version__ = "0.1.0"

__all__ = [
    "App",
    "Batch",
    "Cancel",
    "Concurrency",
    "Context",
    "ContextSync",
    "CurrentRun",
    "Debounce",
    "DurationError",
    "Event",
    "EventDataError",
    "EventError",
    "EventMatch",
    "ExpressionError",
    "Function",
    "LimitError",
    "Middleware",
    "MiddlewareError",
    "NonRetriableError",
    "OutputError",
    "Priority",
    "RateLimit",
    "ReplayError",
    "RetryAfterError",
    "SendError",
    "SignalError",
    "SignalReceipt",
    "SignalStatus",
    "Singleton",
    "StepCallError",
    "StepDataError",
    "StepError",
    "StepInfo",
    "StepInterruptedError",
    "StepTimeoutError",
    "Suspended",
    "TarryError",
    "Throttle",
    "Timeouts",
    "TriggerCron",
    "TriggerEvent",
    "UsageError",
    "current",
    "event_type",
]

_MODULES = {
    "tarry._engine.current_run": ("CurrentRun", "current"),
    "tarry.app": ("App",),
    "tarry.batch": ("Batch",),
    "tarry.cancel": ("Cancel", "Timeouts"),
    "tarry.concurrency": ("Concurrency",),
    "tarry.context": ("Context", "ContextSync"),
    "tarry.debounce": ("Debounce",),
    "tarry.errors": (
        "DurationError",
        "EventDataError",
        "EventError",
        "ExpressionError",
        "LimitError",
        "MiddlewareError",
        "NonRetriableError",
        "OutputError",
        "ReplayError",
        "RetryAfterError",
        "SendError",
        "SignalError",
        "StepCallError",
        "StepDataError",
        "StepError",
        "Suspended",
        "TarryError",
        "UsageError",
    ),
    "tarry.event": ("Event",),
    "tarry.eventtypes": ("event_type",),
    "tarry.flow": ("Priority", "RateLimit", "Singleton", "Throttle"),
    "tarry.function": ("Function",),
    "tarry.matches": ("EventMatch",),
    "tarry.middleware": ("Middleware", "StepInfo"),
    "tarry.signalreceipt": ("SignalReceipt", "SignalStatus"),
    "tarry.steperrors": ("StepInterruptedError", "StepTimeoutError"),
    "tarry.triggers": ("TriggerCron", "TriggerEvent"),
}
"""The modules in which the public names are defined."""

if not _typing.TYPE_CHECKING:  # else a type checker would take every name for one of tarry's
    __getattr__ = _lazy_names(__name__, _MODULES)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

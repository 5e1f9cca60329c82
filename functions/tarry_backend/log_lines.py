"""The log lines of the Lambdas: one JSON document a line, with the keys of AWS Lambda Powertools for Python.

Powertools itself costs a cold start a tenth of its time. So the Lambdas that handle events write its format themselves.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from time import localtime, strftime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from tarry._wire.steady_logger import steady_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["LambdaContext", "LineFormatter", "NotTarry", "WrittenOnce", "add_keys", "concerning", "logged", "logger"]

R = TypeVar("R")

_OWN = {*vars(logging.makeLogRecord({})), "message", "asctime"}
"""The attributes of every record. Any other is an extra, which its writer wants in the line."""

_IN_LAMBDA = {"AWS_LAMBDA_LOG_LEVEL", "AWS_LAMBDA_FUNCTION_NAME"}
"""The first one is there with the log format JSON alone, which some regions do not have."""

_common: dict[str, Any] = {"service": "tarry"}
_local: ContextVar[Mapping[str, Any]] = ContextVar("tarry_log_keys")


class LambdaContext(Protocol):
    """The parts of Lambda's context object that Tarry uses."""

    function_name: str
    memory_limit_in_mb: Any
    invoked_function_arn: str
    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Return how many milliseconds the invocation has left."""


class LineFormatter(logging.Formatter):
    """Formats a record as one JSON document: what it is, the keys of all lines, those of its context, its extras."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "level": record.levelname,
            "location": f"{record.funcName}:{record.lineno}",
            "message": _message(record),
            "timestamp": _timestamp(record),
            **_common,
            **_local.get({}),
            **{key: value for key, value in vars(record).items() if key not in _OWN},
            **self._exception(record),
            "xray_trace_id": _trace(),
        }
        kept = {key: value for key, value in line.items() if value is not None}
        return json.dumps(kept, default=str, separators=(",", ":"), ensure_ascii=False)

    def _exception(self, record: logging.LogRecord) -> dict[str, Any]:
        if not record.exc_info or record.exc_info[1] is None:
            return {}
        error = record.exc_info[1]
        frames = [
            {"file": frame.filename, "line": frame.lineno, "function": frame.name, "statement": frame.line}
            for frame in traceback.extract_tb(record.exc_info[2])
        ]
        kind = type(error)
        return {
            "exception": self.formatException(record.exc_info),
            "exception_name": kind.__name__,
            "exception_notes": getattr(error, "__notes__", None),
            "stack_trace": {"type": kind.__name__, "value": error, "module": kind.__module__, "frames": frames},
        }


def add_keys(**keys: Any) -> None:
    """Add these keys to all lines of this process."""
    _common.update(keys)


@contextmanager
def concerning(**keys: str) -> Iterator[None]:
    """Add these keys to the log lines of this thread, and of the threads that it starts, within the block."""
    before = _local.set({**_local.get({}), **keys})
    try:
        yield
    finally:
        _local.reset(before)


def logged(handler: Callable[[dict[str, Any], LambdaContext], R]) -> Callable[[dict[str, Any], LambdaContext], R]:
    """Add the invocation's keys to the lines that a Lambda's handler writes."""
    is_cold = True

    @wraps(handler)
    def invoke(event: dict[str, Any], context: LambdaContext) -> R:
        nonlocal is_cold
        add_keys(
            cold_start=is_cold,
            function_name=context.function_name,
            function_memory_size=context.memory_limit_in_mb,
            function_arn=context.invoked_function_arn,
            function_request_id=context.aws_request_id,
        )
        is_cold = False
        return handler(event, context)

    return invoke


def _message(record: logging.LogRecord) -> Any:
    """Return the text, or the document if the message is one: so its fields can be queried."""
    if record.args or not isinstance(record.msg, str):
        return record.msg if isinstance(record.msg, dict) else record.getMessage()
    try:
        return json.loads(record.msg)
    except ValueError:
        return record.msg


def _timestamp(record: logging.LogRecord) -> str:
    moment = localtime(record.created)
    return f"{strftime('%Y-%m-%d %H:%M:%S', moment)},{int(record.msecs):03}{strftime('%z', moment)}"


def _trace() -> str | None:
    found = os.environ.get("_X_AMZN_TRACE_ID")
    return found.partition(";")[0].removeprefix("Root=") if found else None


class NotTarry(logging.Filter):
    """Keeps Tarry's records from a handler of the root logger, which would write them once more."""

    def filter(self, record: logging.LogRecord) -> bool:
        is_tarrys = record.name == logger.name or record.name.startswith(f"{logger.name}.")
        return not (is_tarrys and logger.handlers)


class WrittenOnce(logging.Filter):
    """For a handler of Tarry's logger: no handler of the root logger writes the same record to the console.

    The app may replace the root's handlers at any time (``logging.config.dictConfig``). logging asks the root's
    handlers last, so each is known by then.
    """

    def filter(self, _: logging.LogRecord) -> bool:
        for handler in logging.root.handlers:
            if _writes_to_console(handler) and not any(type(each) is NotTarry for each in handler.filters):
                handler.addFilter(NotTarry())
        return True


def _writes_to_console(handler: logging.Handler) -> bool:
    streams = (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
    return isinstance(handler, logging.StreamHandler) and any(handler.stream is stream for stream in streams)


def _set_up() -> logging.Logger:
    made = steady_logger("tarry")
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(LineFormatter())
    handler.addFilter(WrittenOnce())
    made.addHandler(handler)
    made.setLevel(_level())
    for root in logging.root.handlers:
        if type(root).__name__ != "LogCaptureHandler":  # pytest's, for the fixture caplog
            root.addFilter(NotTarry())
    if "POWERTOOLS_LOG_LEVEL" in os.environ and not _IN_LAMBDA.isdisjoint(os.environ):
        logging.getLogger().setLevel(_level())
    return made


def _level() -> str | int:
    """Return the level that the stack sets; INFO without one, or with one that does not exist.

    AWS_LAMBDA_LOG_LEVEL is for Lambda's own filter. It lets metrics through, because they are INFO lines to it. Lambda
    would use it as the level of the root logger, too.
    """
    level = (os.environ.get("POWERTOOLS_LOG_LEVEL") or os.environ.get("AWS_LAMBDA_LOG_LEVEL") or "INFO").upper()
    return level if level in logging.getLevelNamesMapping() else logging.INFO


logger = _set_up()
"""The logger of all of Tarry. POWERTOOLS_LOG_LEVEL sets its level."""

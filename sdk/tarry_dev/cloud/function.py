"""A Lambda function of the embedded cloud: the deployed handler, and the context that it is given."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from tarry_dev.cloud.crash import Call, Crash, Invocation

__all__ = ["Handler", "LambdaContext", "LambdaFunction"]

Handler = Callable[[dict[str, Any], Any], Any]

MEMORY_MB = 1024


@dataclass(frozen=True, slots=True)
class LambdaContext:
    """What AWS gives each invocation beside its event."""

    function_name: str
    invoked_function_arn: str
    remaining: Callable[[], int]
    memory_limit_in_mb: int = MEMORY_MB
    function_version: str = "$LATEST"
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def get_remaining_time_in_millis(self) -> int:
        """The milliseconds until the function is stopped."""
        return max(0, self.remaining())


class LambdaFunction:
    """One function.

    ``timeout`` is in seconds, counted by the real clock from each invocation's start. A test may set it, or
    ``remaining``: the milliseconds that are left, whenever an invocation asks, or a function that says how
    many. An invocation is told so, and never stopped. ``dies`` is asked at each AWS call whether to die
    there.
    """

    def __init__(self, name: str, function_name: str, arn: str, timeout: float, handler: Handler | None) -> None:
        self.name = name
        self.timeout = timeout
        self.remaining: int | Callable[[], int] | None = None
        self.dies: Callable[[Call], bool] | None = None
        self._function_name = function_name
        self._arn = arn
        self._handler = handler

    def invoke(self, event: Mapping[str, Any]) -> Any:
        """Calls the handler as AWS would, and returns or raises what it does: ``Crash``, if it died."""
        handler = self._handler or self._load()
        with Invocation(self.name, self.dies) as invocation:
            answer = handler(dict(event), self._context())
            if invocation.dead:
                raise Crash(f"{self.name} died, and something in it caught the crash")
        return answer

    def _load(self) -> Handler:
        handler: Handler = import_module(f"tarry_backend.handlers.{self.name}").handler
        self._handler = handler
        return handler

    def _context(self) -> LambdaContext:
        return LambdaContext(self._function_name, self._arn, self._countdown())

    def _countdown(self) -> Callable[[], int]:
        if callable(self.remaining):
            return self.remaining
        if (fixed := self.remaining) is not None:
            return lambda: fixed
        end = time.monotonic() + self.timeout
        return lambda: int((end - time.monotonic()) * 1000)

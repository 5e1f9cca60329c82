"""A Lambda function of the embedded cloud: the deployed handler, and the context that it is given."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tarry._wire.signal_lambda import TIMEOUT as SIGNALS_TIMEOUT
from tarry_backend.runtime import process
from tarry_dev.cloud.account import ACCOUNT_ID
from tarry_dev.cloud.clock import Clock, MovedClock
from tarry_dev.cloud.crash import Call, Crash, Invocation
from tarry_dev.cloud.turns import give_way, takes_turns

if TYPE_CHECKING:
    from tarry_dev.cloud.chaos import Odds

__all__ = ["Handler", "LambdaContext", "LambdaFunction", "lambda_functions"]

_TIMEOUTS = {"matcher": 30, "executor": 150, "timers": 30, "sweep": 55, "signals": SIGNALS_TIMEOUT}
"""In seconds, as the stack sets them."""

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


class LambdaSurroundings:
    """What surrounds an invocation of a function: its clock, its end, and the other invocations under way."""

    def __init__(self, function: str, clock: Clock, odds: Odds, timeout: float) -> None:
        self._clock = clock if isinstance(clock, MovedClock) else None
        self._odds = odds
        self._ahead = odds.ahead(function)
        self._end = clock.now() + timeout * 1000 if odds.chaos.timeouts else None

    @property
    def is_timed_out(self) -> bool:
        """Whether its timeout is over, by the cloud's clock."""
        return self._end is not None and self._clock is not None and self._clock.now() > self._end

    @property
    def takes_turns(self) -> bool:
        """Whether this thread is an invocation that takes turns with others."""
        return takes_turns()

    def remaining(self) -> int | None:
        """The milliseconds until then; ``None`` if it may take as long as it likes."""
        return None if self._end is None or self._clock is None else int(self._end - self._clock.now())

    def enter(self) -> None:
        """The process has this Lambda's clock from now on."""
        if self._clock is not None and self._ahead:
            self._clock.skew(self._ahead)

    def leave(self) -> None:
        """The process has the cloud's clock again."""
        if self._clock is not None and self._ahead:
            self._clock.skew(0)

    def let_others_move(self) -> None:
        """Return once it is this Lambda's turn again."""
        give_way()

    def check(self, operation: str) -> None:
        """Raise what AWS refuses the call with, if it does."""
        self._odds.check_throttled(operation)


class LambdaFunction:
    """One function.

    ``timeout`` is in seconds, counted by the real clock from each invocation's start. A test may set it, or
    ``remaining``: the milliseconds that are left, whenever an invocation asks, or a function that says how
    many. An invocation is told so, and stopped only if the cloud's chaos has ``timeouts``. ``dies`` is asked at
    each AWS call whether to die there.
    """

    def __init__(
        self,
        name: str,
        function_name: str,
        arn: str,
        timeout: float,
        handler: Handler | None,
        clock: Clock,
        odds: Odds,
    ) -> None:
        self.name = name
        self.timeout = timeout
        self._clock = clock
        self._odds = odds
        self.remaining: int | Callable[[], int] | None = None
        self.dies: Callable[[Call], bool] | None = None
        self.function_name = function_name
        self._arn = arn
        self._handler = handler

    def invoke(self, event: Any) -> Any:
        """Calls the handler as AWS would, and returns or raises what it does: ``Crash``, if it died."""
        handler = self._handler or self._load()
        around = self._surroundings()
        with process(self._odds.process(self.name)), Invocation(self.name, self.dies, around) as invocation:
            answer = handler(event, self._context(around))
            if invocation.is_lost:
                raise Crash(f"{self.name} died, and something in it caught the crash, or its time was over")
        return answer

    def _load(self) -> Handler:
        handler: Handler = import_module(f"tarry_backend.handlers.{self.name}").handler
        self._handler = handler
        return handler

    def _surroundings(self) -> LambdaSurroundings:
        return LambdaSurroundings(self.name, self._clock, self._odds, self.timeout)

    def _context(self, around: LambdaSurroundings | None = None) -> LambdaContext:
        return LambdaContext(self.function_name, self._arn, self._countdown(around or self._surroundings()))

    def _countdown(self, around: LambdaSurroundings) -> Callable[[], int]:
        if callable(self.remaining):
            return self.remaining
        if (fixed := self.remaining) is not None:
            return lambda: fixed
        if around.remaining() is not None:
            return lambda: around.remaining() or 0
        end = time.monotonic() + self.timeout
        return lambda: int((end - time.monotonic()) * 1000)


def lambda_functions(
    app_id: str, region: str, handlers: Mapping[str, Handler], clock: Clock, odds: Odds
) -> dict[str, LambdaFunction]:
    """Return the Lambdas of an app by their names, with these handlers in place of Tarry's."""

    def made(name: str, timeout: float) -> LambdaFunction:
        function_name = f"tarry-{app_id}-{name}"
        arn = f"arn:aws:lambda:{region}:{ACCOUNT_ID}:function:{function_name}"
        return LambdaFunction(name, function_name, arn, timeout, handlers.get(name), clock, odds)

    return {name: made(name, timeout) for name, timeout in _TIMEOUTS.items()}

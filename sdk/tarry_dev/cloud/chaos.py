"""What AWS may do at any time, and an embedded cloud does only if a test asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import ClientError

from tarry.errors import UsageError
from tarry_dev.cloud.clock import MovedClock

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence

    from tarry_dev.cloud.clock import Clock

T = TypeVar("T")

__all__ = ["CALM", "Chaos", "Odds", "check"]

_WRITES = {"BatchWriteItem", "DeleteItem", "PutItem", "TransactWriteItems", "UpdateItem"}

_LATE = 1_000
"""By how many milliseconds at most a standard queue hands a message out late."""

_SECOND_COPY = 20_000
"""Within how many milliseconds the second copy of a message comes."""

_CHANCES = ("duplicates", "disorder", "throttled_writes", "expiry")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chaos:
    """Switches for what AWS may do at any time. Each is off by default.

    Set it with ``cloud.chaos = Chaos(...)`` on a cloud with a ``MovedClock``. The same seed gives the same play, unless
    bodies of steps run at the same time: threads are as the system schedules them.

    A chance is a number from 0 to 1. Give less than 1, or the play does not end.

    Attributes:
        seed: Where the play of chances begins.
        processes: How many processes each Lambda has. Each remembers what it has read of event names by itself.
        at_once: How many invocations are under way at the same time. They take turns at each of their AWS calls, in an
            order of chance: two matchers, or a matcher and an executor, meet as they may on AWS.
        clocks: By how many seconds a Lambda's clock is ahead of AWS's own, by the function's name (``matcher``,
            ``executor``, ``timers``, ``sweep``). Your functions see the executor's clock.
        duplicates: The chance that a standard queue hands out a message once more, within 20 seconds.
        disorder: The chance that a message comes out of a standard queue up to a second late, so behind later ones.
        timeouts: Whether an invocation dies at its first AWS call after its timeout, by the cloud's clock. A body of a
            step that moves the cloud's clock is a slow one.
        throttled_writes: The chance that DynamoDB refuses a Lambda's write.
        index_lag: By how many seconds DynamoDB's indexes show a change later than the table.
        expiry: The chance, at each batch, that time to live removes one of the expired items.
    """

    seed: int = 0
    processes: int = 1
    at_once: int = 1
    clocks: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    duplicates: float = 0
    disorder: float = 0
    timeouts: bool = False
    throttled_writes: float = 0
    index_lag: float = 0
    expiry: float = 0

    def __post_init__(self) -> None:
        for name in _CHANCES:
            if not 0 <= (chance := getattr(self, name)) < 1:
                raise UsageError(f"chaos: {name}={chance!r} is not a chance: give 0 or more, and less than 1")
        for name in ("processes", "at_once"):
            if (count := getattr(self, name)) < 1:
                raise UsageError(f"chaos: {name}={count!r}; give 1 or more")

    def __str__(self) -> str:
        return ", ".join(f"{each.name}={getattr(self, each.name)!r}" for each in fields(self))


CALM = Chaos()
"""Nothing of it."""


def check(chaos: Chaos, clock: Clock, functions: Container[str]) -> None:
    """Check that a cloud with this clock and these functions can have the chaos.

    Raises:
        UsageError: It cannot.
    """
    if not isinstance(clock, MovedClock):
        raise UsageError("chaos plays in a test's time: make the cloud with a MovedClock, its default")
    for name in chaos.clocks:
        if name not in functions:
            raise UsageError(f"chaos: clocks has {name!r}; the functions are matcher, executor, timers and sweep")


class Odds:
    """The chaos that a cloud has at present, and its play of chances."""

    def __init__(self) -> None:
        self.set(CALM)

    def set(self, chaos: Chaos) -> None:
        """Begin the play of another chaos."""
        self.chaos = chaos
        self.random = Random(chaos.seed)

    def happens(self, chance: float) -> bool:
        """Whether something of that chance happens now."""
        return chance > 0 and self.random.random() < chance

    def lateness(self) -> int:
        """By how many milliseconds a message comes out of a standard queue later than it could."""
        return self.random.randint(1, _LATE) if self.happens(self.chaos.disorder) else 0

    def second_copy(self) -> int | None:
        """In how many milliseconds a standard queue hands out a message once more; ``None`` if it does not."""
        return self.random.randint(1, _SECOND_COPY) if self.happens(self.chaos.duplicates) else None

    def expiring(self, expired: Callable[[], Sequence[T]]) -> Sequence[T]:
        """The expired item, if any, that time to live removes now."""
        items = expired() if self.happens(self.chaos.expiry) else ()
        return [self.random.choice(items)] if items else ()

    def ahead(self, function: str) -> int:
        """By how many milliseconds a Lambda's clock is ahead."""
        return round(self.chaos.clocks.get(function, 0) * 1000)

    def process(self, function: str) -> str:
        """Which process of a Lambda takes an invocation; the cloud's one process is the empty name."""
        count = self.chaos.processes
        return "" if count == 1 else f"{function} {self.random.randrange(count)}"

    def check_throttled(self, operation: str) -> None:
        """Refuse a write, as DynamoDB does once the client has tried it several times.

        Raises:
            ClientError: DynamoDB's own.
        """
        if operation in _WRITES and self.happens(self.chaos.throttled_writes):
            code = "ProvisionedThroughputExceededException"
            raise ClientError({"Error": {"Code": code, "Message": "the embedded cloud's chaos: throttled"}}, operation)

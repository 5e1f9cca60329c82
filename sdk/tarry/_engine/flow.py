"""The flow control of a function: which of its options are used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tarry.errors import UsageError

if TYPE_CHECKING:
    from tarry.batch import Batch
    from tarry.debounce import Debounce
    from tarry.flow import Priority, RateLimit, Singleton, Throttle

__all__ = ["Flow", "checked_flow", "flow_kind"]


@dataclass(frozen=True, slots=True)
class Flow:
    """What limits the starts of a function's runs, or gathers their events. ``None`` does neither."""

    rate_limit: RateLimit | None = None
    singleton: Singleton | None = None
    throttle: Throttle | None = None
    priority: Priority | None = None
    debounce: Debounce | None = None
    batch_events: Batch | None = None

    @property
    def used(self) -> dict[str, Any]:
        """The options that are used, by their names."""
        given = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: each for name, each in given.items() if each is not None}

    @property
    def keys(self) -> dict[str, str]:
        """The expressions, by what they are for people."""
        found: dict[str, Any] = {f"key of {name}": getattr(each, "key", None) for name, each in self.used.items()}
        if self.priority is not None:
            found["priority"] = self.priority.run
        return {name: key for name, key in found.items() if key is not None}

    @property
    def decides_starts(self) -> bool:
        """Whether an event may start no run because of it."""
        return self.rate_limit is not None or self.singleton is not None

    @property
    def delays_starts(self) -> bool:
        """Whether a run may wait before it begins because of it."""
        return self.throttle is not None or (self.singleton is not None and self.singleton.mode == "cancel")


def flow_kind(option: str) -> type[Any]:
    """Return the class of an option, by its name. The classes load with the first function that has one."""
    from tarry.batch import Batch
    from tarry.debounce import Debounce
    from tarry.flow import Priority, RateLimit, Singleton, Throttle

    return {
        "rate_limit": RateLimit,
        "singleton": Singleton,
        "throttle": Throttle,
        "priority": Priority,
        "debounce": Debounce,
        "batch_events": Batch,
    }[option]


def checked_flow(fn_id: str, **given: Any) -> Flow:
    """Return the flow control of a function; raise ``UsageError`` if an option is of another class."""
    for name, value in given.items():
        if value is not None and not isinstance(value, flow_kind(name)):
            raise UsageError(f"function {fn_id!r}: {name} is {value!r}; give a tarry.{flow_kind(name).__name__}(...)")
    return Flow(**given)

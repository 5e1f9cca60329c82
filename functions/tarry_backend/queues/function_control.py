"""The control of a function by people: it pauses, goes on, or has another limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tarry.errors import TarryError
from tarry_backend.clock import now
from tarry_backend.matching.gate_keys import pause_gate
from tarry_backend.queues.messages import Due
from tarry_backend.store.controls import HEEDED
from tarry_backend.store.due_index import GATE

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from tarry import Concurrency
    from tarry._engine.flow import Flow
    from tarry_backend.model.control import Control, Limited
    from tarry_backend.queues.sender import Queues
    from tarry_backend.store import Store

__all__ = ["ControlError", "Controllable", "check_control", "drain", "pause", "resume", "set_limit"]

_HEARD = HEEDED // 1000 + 5
"""After how many seconds every executor knows of a change."""


class ControlError(TarryError):
    """A function cannot be controlled so. Nothing has changed."""


class Controllable(Protocol):
    """What is known of a function that is to be controlled."""

    @property
    def limits(self) -> Sequence[Concurrency]:
        """The limits on its runs at work."""

    @property
    def is_pausable(self) -> bool:
        """Whether its executors ask for its control."""

    @property
    def flow(self) -> Flow:
        """What limits its starts."""


def check_control(
    function_id: str, names: Collection[str], known: Controllable | None, *, limit: Limited | None = None
) -> None:
    """Check that the function can be paused or drained, or, with ``limit``, that it can have another limit.

    Args:
        function_id: The function's id.
        names: The ids of all functions.
        known: What is known of the function; ``None`` if its stack does not say.
        limit: The option that is to have another limit.

    Raises:
        ControlError: There is no such function, or its executors do not ask.
    """
    if function_id not in names:
        raise ControlError(f"there is no function {function_id!r}, only {', '.join(names)}")
    if known is None:
        raise ControlError(
            f"the stack does not say whether the executors of function {function_id!r} ask for its control: an older"
            " version of Tarry deployed it, or its triggers are too long for an output. Deploy it again, or use the"
            " HTTP API"
        )
    if not known.is_pausable:
        raise ControlError(
            f"function {function_id!r} has no limit and is not pausable, so its executors do not ask for its control:"
            " create it with pausable=True (or the app with App(..., pausable=True), for all of its functions), and"
            " deploy it. To stop the whole app now, without a deployment, disable the event source mapping of its runs"
            " queue: docs/operate.md, 'Stop the whole app', has the two commands"
        )
    if limit is not None:
        _check_limit(function_id, known, limit)


def _check_limit(function_id: str, known: Controllable, limit: Limited) -> None:
    given = {"concurrency": known.limits, "throttle": known.flow.throttle, "rate_limit": known.flow.rate_limit}
    if not given[limit]:
        others = " or ".join(name for name, option in given.items() if option)
        hint = f", or say that you mean its {others}: --of {others.partition(' ')[0]}" if others else ""
        raise ControlError(
            f"function {function_id!r} has no limit of {limit} that could be another one: create it with {limit}=...,"
            f" and deploy it{hint}"
        )
    if limit == "concurrency" and not any(each.scope == "fn" for each in known.limits):
        raise ControlError(
            f"function {function_id!r} has only a limit with scope='app', which other functions share:"
            " change it in the code"
        )


def drain(function_id: str, store: Store) -> Control:
    """Let the function start no run from ten seconds on. Those that it has go on to their ends.

    The receipt of an event says why it started none. A run that continues as a new one does so: the two are one work.
    """
    return store.controls.drain(function_id)


def pause(function_id: str, store: Store) -> Control:
    """Pause the function: within ten seconds, none of its runs is replayed. Their waits and deadlines go on."""
    return store.controls.pause(function_id)


def resume(function_id: str, store: Store, queues: Queues) -> Control:
    """Let the function go on: those of its runs that wait are admitted in their order."""
    return _after(store.controls.resume(function_id), function_id, queues)


def set_limit(
    function_id: str, limit: int | None, store: Store, queues: Queues, of: Limited = "concurrency"
) -> Control:
    """Give an option of the function another limit, or its code's with ``None``.

    Another limit of a throttle is for runs that get their times from then on. A limiter has every start of its period,
    so another limit of it counts from the next event on.
    """
    return _after(store.controls.limit(function_id, limit, of), function_id, queues)


def _after(control: Control, function_id: str, queues: Queues) -> Control:
    """Have the gate looked at once every executor knows. The sweep would come within five minutes.

    person      resumed ── look, delayed ──────────────── look: grants
    executor             may know no better for HEEDED ── knows: takes the place
    """
    look = Due(pause_gate(function_id), None, GATE, now() + _HEARD * 1000)
    queues.send_to_timers([(look, _HEARD)])
    return control

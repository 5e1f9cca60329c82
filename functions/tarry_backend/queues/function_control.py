"""The control of a function by people: it pauses, goes on, or has another limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tarry.errors import TarryError
from tarry_backend.clock import now
from tarry_backend.matching.gate_keys import pause_gate
from tarry_backend.queues.messages import Due
from tarry_backend.store.controls import HEEDED
from tarry_backend.store.due_index import GATE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tarry import Concurrency
    from tarry_backend.model.control import Control
    from tarry_backend.queues.sender import Queues
    from tarry_backend.store import Store

__all__ = ["ControlError", "check_control", "drain", "pause", "resume", "set_limit"]

_HEARD = HEEDED // 1000 + 5
"""After how many seconds every executor knows of a change."""


class ControlError(TarryError):
    """A function cannot be controlled so. Nothing has changed."""


def check_control(function_id: str, limits: Mapping[str, Sequence[Concurrency]], *, limit: bool = False) -> None:
    """Check that the function can be paused or drained, or, with ``limit``, that it can have another limit.

    Raises:
        ControlError: There is no such function, or it has no limit, so that its executors do not ask.
    """
    if function_id not in limits:
        raise ControlError(f"there is no function {function_id!r}, only {_named(limits)}")
    if not limits[function_id]:
        raise ControlError(
            f"function {function_id!r} has no limit, so its executors do not ask whether it is paused: create it with"
            " concurrency=..., such as concurrency=1000, and deploy it"
        )
    if limit and not any(each.scope == "fn" for each in limits[function_id]):
        raise ControlError(
            f"function {function_id!r} has only a limit with scope='app', which other functions share:"
            " change it in the code"
        )


def _named(names: Iterable[str]) -> str:
    return ", ".join(names)


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


def set_limit(function_id: str, limit: int | None, store: Store, queues: Queues) -> Control:
    """Give the function another limit, or its code's with ``None``."""
    return _after(store.controls.limit(function_id, limit), function_id, queues)


def _after(control: Control, function_id: str, queues: Queues) -> Control:
    """Have the gate looked at once every executor knows. The sweep would come within five minutes.

    person      resumed ── look, delayed ──────────────── look: grants
    executor             may know no better for HEEDED ── knows: takes the place
    """
    look = Due(pause_gate(function_id), None, GATE, now() + _HEARD * 1000)
    queues.send_to_timers([(look, _HEARD)])
    return control

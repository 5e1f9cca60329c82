"""The gates that a run has to pass, from the limits of its function and the event that started it. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from tarry.errors import ExpressionError
from tarry_backend import matching
from tarry_backend.model.gate import Gate, GateName
from tarry_backend.model.shared_key import SHARED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tarry import Concurrency, Event, Priority
    from tarry._cel.dialect import Dialect

__all__ = ["current_limit", "gates_of", "pause_gate", "priority_of", "replaced"]

_MOST = 600
"""By how many seconds a priority moves a run ahead or back, at most."""


def gates_of(
    function_id: str, limits: Iterable[Concurrency], event: Event, received_at: int, dialect: Dialect = "tarry"
) -> list[Gate]:
    """Return the gates of a run in the order in which every run takes them.

    The order is the same for all runs: so two runs never wait for each other. A gate whose place a run keeps to its end
    comes first. A run that goes on has that place, and takes the other one anew:

        run 1    kept gate ── other gate ── suspends: gives the other back ── takes the other
        run 2                  kept gate: waits, and holds nothing that run 1 needs

    Then a gate with a key comes first. So what a run holds while it waits is the narrow one, which few others want.
    """
    gates = [_gate(function_id, limit, event, received_at, dialect) for limit in limits]
    return [gate for *_, gate in sorted(gates, key=lambda each: each[:-1])]


def current_limit(name: str, functions: Mapping[str, Sequence[Concurrency]]) -> int | None:
    """Return the limit of that gate by the code as it is now; ``None`` if no function has it any more."""
    gate = GateName.parse(name)
    candidates = functions.items() if gate.scope == "app" else [(gate.function_id, functions.get(gate.function_id, ()))]
    for _, limits in candidates:
        for limit in limits:
            if limit.scope == gate.scope and _key(limit) == gate.key:
                return limit.limit
    return None


def pause_gate(function_id: str) -> str:
    """Return the gate of all runs of a function, at which they wait while it is paused."""
    return GateName("fn", SHARED, SHARED, function_id).text()


def priority_of(
    priority: Priority | None, event: Event, received_at: int, dialect: Dialect = "tarry"
) -> tuple[int, bool]:
    """Return by how many milliseconds a run goes before those of its time, and whether its priority has no value."""
    if priority is None:
        return 0, False
    try:
        seconds = matching.seconds_of(priority.run, event, received_at, dialect)
    except (matching.MatchError, ExpressionError):
        return 0, True
    return max(-_MOST, min(_MOST, seconds)) * 1000, False


def replaced(limits: Sequence[Concurrency], limit: int | None) -> tuple[Concurrency, ...]:
    """Return the limits with another one in place of the first that counts the function's runs alone."""
    first = next((each for each in limits if each.scope == "fn"), None)
    if limit is None or first is None:
        return tuple(limits)
    return tuple(replace(each, limit=limit) if each is first else each for each in limits)


def _gate(
    function_id: str, limit: Concurrency, event: Event, received_at: int, dialect: Dialect
) -> tuple[bool, bool, bool, str, Gate]:
    """Return the gate behind what decides its place in the order."""
    value, lacks_value = SHARED, False
    if limit.key is not None:
        try:
            value = matching.value_key(limit.key, event, received_at, dialect)
        except (matching.MatchError, ExpressionError):  # a limit that opened for such an event would protect nothing
            lacks_value = True
    is_app = limit.scope == "app"
    name = GateName(limit.scope, _key(limit), value, "" if is_app else function_id).text()
    gate = Gate(name, limit.limit, limit.hold == "run", lacks_value)
    return not gate.keeps, limit.key is None, is_app, hashlib.sha256(name.encode()).hexdigest(), gate


def _key(limit: Concurrency) -> str:
    return SHARED if limit.key is None else hashlib.sha256(limit.key.strip().encode()).hexdigest()[:16]

"""A wait, the event that started its run, and an event that comes in: what the tests of matching are about."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from tarry.event import Event
from tarry_backend.matching import Alternative, Condition, MatchError, Plan, match_key, plan, residual_holds

Outcome = Literal["match", "none", "counted"]

NAME = "order/paid"
RECEIVED_AT = 1_735_732_800_000  # 2025-01-01T12:00:00Z
MATCH: Outcome = "match"
NONE: Outcome = "none"
COUNTED: Outcome = "counted"


def event(data: Mapping[str, Any] | None = None, **fields: Any) -> Event:
    """An event in which only what matters needs to be said."""
    return replace(Event(name=NAME, data=data or {}, id="01J", ts=1, source="shop"), **fields)


def planned(expression: Condition | str | None, trigger: Event, *, indexed: bool = True) -> Plan:
    """The plan of a wait for ``NAME``, as it comes back from being stored."""
    made = plan(NAME, expression, trigger, indexed=indexed)
    return Plan(tuple(map(_stored, made.alternatives)))


def _stored(alternative: Alternative) -> Alternative:
    return replace(alternative, bindings=json.loads(json.dumps(alternative.bindings, allow_nan=False)))


def found(wait: Plan, incoming: Event) -> list[Alternative]:
    """The alternatives that the incoming event's keys lead to."""
    return [one for one in wait.alternatives if match_key(NAME, one.shape, incoming) == one.key]


def resolved(wait: Plan, incoming: Event, received_at: int = RECEIVED_AT) -> Outcome:
    """What the matcher makes of an incoming event. ``counted``: no match, because of an error."""
    outcome = NONE
    for one in found(wait, incoming):
        try:
            if one.residual is None or residual_holds(one.residual, one.bindings, incoming, received_at):
                return MATCH
        except MatchError:
            outcome = COUNTED
    return outcome


def outcome(expression: str, trigger: Mapping[str, Any], incoming: Mapping[str, Any]) -> Outcome:
    """What becomes of a wait, given the data of both events. The same with and without an index."""
    by_key, by_name = (planned(expression, event(trigger), indexed=indexed) for indexed in (True, False))
    answer = resolved(by_key, event(incoming))
    assert (answer == MATCH) == (resolved(by_name, event(incoming)) == MATCH)
    return answer


def by_key(wait: Plan) -> bool:
    """Whether every way in which the wait can be resolved is found by a value, not by the name alone."""
    return bool(wait.alternatives) and not any(one.shape.startswith("*") for one in wait.alternatives)

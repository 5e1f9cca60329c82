"""The plan of a wait: its match keys, and the residuals that no key can answer.

At registration, ``plan`` reads the expression with the trigger event. Each alternative in which the expression can be
true gets a key, made of the values that the incoming event must have. Its residual holds the conditions that no key
expresses. The whole expression is true exactly for the events that have the key and for which the residual is true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tarry._cel.constants import check_constants
from tarry._cel.errors import CelError
from tarry._cel.evaluator import Scope
from tarry._cel.nodes import And, Known, Node, Or
from tarry._cel.text import write
from tarry.errors import ExpressionError
from tarry_backend.matching.condition import Condition
from tarry_backend.matching.disjuncts import Disjunct, ways
from tarry_backend.matching.fold import fold, sound
from tarry_backend.matching.keys import Path, envelope, key_for, shape_and_key
from tarry_backend.matching.residual import Residual
from tarry_backend.model.alternative import NAME_ONLY, Alternative, Shape

if TYPE_CHECKING:
    from tarry.event import Event

__all__ = ["Plan", "plan"]


@dataclass(frozen=True, slots=True)
class Plan:
    """The alternatives of a wait, each with its own key. All of it is JSON.

    ``absent`` are the fields that the condition uses and the trigger event lacks, in Inngest's dialect.
    """

    alternatives: tuple[Alternative, ...]
    absent: tuple[str, ...] = ()

    @property
    def never(self) -> bool:
        """Whether no event can match, so that the wait can only time out."""
        return not self.alternatives

    @property
    def note(self) -> str | None:
        """What a person should know of the wait, if anything."""
        notes = [_absent_note(self.absent), "no event can match; it can only time out" if self.never else None]
        return "; ".join(filter(None, notes)) or None


def _absent_note(absent: tuple[str, ...]) -> str | None:
    """Return the note on a wait whose condition uses these missing fields."""
    verb = "is" if len(absent) == 1 else "are"
    return f"{', '.join(absent)} {verb} missing in the event that started the run" if absent else None


def plan(event_name: str, condition: Condition | str | None, trigger: Event, *, indexed: bool = True) -> Plan:
    """Plan a wait for ``event_name``. Without a condition, every event of the name matches.

    Args:
        event_name: The event's name.
        condition: What an event must meet: a ``Condition``, or its expression alone.
        trigger: The event that started the run.
        indexed: Whether to use keys of paths. If false, the event's name alone leads to the wait, for a name that
            already has too many shapes.

    Raises:
        ExpressionError: The expression is not CEL, is not boolean, is too large, or uses a field that the trigger
            lacks. Or ``where``, ``bind`` or the event type does not go with it.
    """
    if not isinstance(condition, Condition):
        condition = Condition(expression=condition)
    node = condition.node()
    if node is None:
        return Plan((_by_name(event_name),))
    scope = Scope({"event": envelope(trigger), **condition.values})
    try:
        if condition.dialect == "inngest":
            return _inngest_plan(event_name, node, scope, indexed)
        folded = sound(fold(node, scope))
        check_constants(folded)
        return _planned(event_name, folded, ways(folded), lambda node: Residual(node, scope), indexed)
    except CelError as error:
        raise condition.refusal(error) from None
    except RecursionError:
        problem = "the event that started the run is nested too deeply"
        raise ExpressionError(condition.expression or "", problem) from None


def _inngest_plan(event_name: str, node: Node, scope: Scope, by_key: bool) -> Plan:
    from tarry_backend.matching import inngest_plan as inngest  # its evaluator loads only where an expression needs it

    absent = inngest.absent_fields(node, scope)
    folded = inngest.fold_inngest(inngest.with_nulls(node, scope), scope)
    found = inngest.true_ways(folded)
    planned = _planned(event_name, folded, found, lambda node: inngest.InngestResidual(node, scope), by_key)
    return replace(planned, absent=absent)


def _planned(
    event_name: str, node: Node, found: Iterable[Disjunct], residual: Callable[[Node], Residual], by_key: bool
) -> Plan:
    groups = _grouped(found)
    if not groups:
        return Plan(())
    if isinstance(node, Known):
        return Plan((_by_name(event_name),))
    if not by_key or not all(groups):
        return Plan((_by_name(event_name, residual(node)),))
    return Plan(tuple(_by_key(event_name, dict(group), rests, residual) for group, rests in groups.items()))


Group = frozenset[tuple[Path, str]]


def _grouped(found: Iterable[Disjunct]) -> dict[Group, list[tuple[Node, ...]]]:
    """Group the conditions that no key expresses by what the key expresses: each key is stored once."""
    groups: dict[Group, list[tuple[Node, ...]]] = {}
    for way in found:
        groups.setdefault(frozenset(way.values.items()), []).append(way.rest)
    return groups


def _by_name(event_name: str, residual: Residual | None = None) -> Alternative:
    return _alternative(NAME_ONLY, key_for(event_name, NAME_ONLY), residual)


def _by_key(
    event_name: str, values: Mapping[Path, str], rests: Sequence[tuple[Node, ...]], residual: Callable[[Node], Residual]
) -> Alternative:
    left = residual(_any_of(rests)) if all(rests) else None
    return _alternative(*shape_and_key(event_name, values), left)


def _alternative(shape: Shape, key: str, residual: Residual | None) -> Alternative:
    return Alternative(shape, key, residual.text, residual.bindings) if residual else Alternative(shape, key)


def _any_of(rests: Sequence[tuple[Node, ...]]) -> Node:
    """Join them into one expression, without duplicates."""
    conjunctions = [rest[0] if len(rest) == 1 else And(start=0, parts=rest) for rest in rests]
    distinct = tuple({write(node): node for node in conjunctions}.values())
    return distinct[0] if len(distinct) == 1 else Or(start=0, parts=distinct)

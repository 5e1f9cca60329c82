"""The alternatives in which an expression is true, and which of them a key can lead to.

Only *true* counts, so each part is followed in two directions: when is it true, and when is it false? An error is
neither. That makes De Morgan's rules, and the rule for ``c ? x : y`` (``c && x || !c && y``), exact.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product

from tarry._cel.nodes import (
    And,
    Binary,
    Choice,
    Has,
    Index,
    Known,
    Name,
    Node,
    Not,
    Or,
    Select,
    walk,
)
from tarry_backend.matching.keys import OversizeError, Path, UnmatchableError, canonical

__all__ = ["MAX_WAYS", "Disjunct", "equal_to", "path_of", "together", "ways"]

MAX_WAYS = 8
"""The most alternatives of an expression: each is one item for every wait."""


@dataclass(frozen=True, slots=True)
class Disjunct:
    """One conjunction: these paths have these (canonical) values, and all of ``rest`` is true."""

    values: Mapping[Path, str] = field(default_factory=dict)
    rest: tuple[Node, ...] = ()


def ways(node: Node, truth: bool = True) -> list[Disjunct]:
    """Return the alternatives under which ``node`` has this truth value; none, if it never has.

    What would make more than ``MAX_WAYS`` stays whole, in the rest of one disjunct.
    """
    match node:
        case Known(value=value):
            return [Disjunct()] if value is truth else []
        case Not(parts=(part,)):
            return ways(part, not truth)
        case And(parts=parts) | Or(parts=parts) if isinstance(node, And) is truth:
            return _all_of([(part, truth) for part in parts])
        case And(parts=parts) | Or(parts=parts):
            return _any_of(node, truth, (ways(part, truth) for part in parts))
        case Choice() if _opens(node):
            return _any_of(node, truth, _branches(node, truth))
    return _equalities(node, truth)


def _opaque(node: Node, truth: bool) -> list[Disjunct]:
    return [Disjunct(rest=(node if truth else Not(start=node.start, parts=(node,)),))]


def _any_of(node: Node, truth: bool, options: Iterable[list[Disjunct]]) -> list[Disjunct]:
    found = [way for option in options for way in option]
    return found if len(found) <= MAX_WAYS else _opaque(node, truth)


def _all_of(conditions: list[tuple[Node, bool]]) -> list[Disjunct]:
    """Combine one alternative of each. If there were too many, those with the most alternatives stay whole."""
    options = [ways(node, truth) for node, truth in conditions]
    for place in sorted(range(len(options)), key=lambda place: len(options[place]), reverse=True):
        if math.prod(map(len, options)) > MAX_WAYS:
            options[place] = _opaque(*conditions[place])
    combined = map(together, product(*options))
    return [way for way in combined if way is not None]


def together(parts: Iterable[Disjunct]) -> Disjunct | None:
    """Join the alternatives; ``None`` if they need two values at one place, which no event has."""
    values: dict[Path, str] = {}
    rest: list[Node] = []
    for way in parts:
        if any(values.setdefault(path, value) != value for path, value in way.values.items()):
            return None
        rest.extend(way.rest)
    presences = [_presence(node, values) for node in rest]
    if False in presences:
        return None
    return Disjunct(values, tuple(node for node, present in zip(rest, presences, strict=True) if present is None))


def _presence(node: Node, values: Iterable[Path]) -> bool | None:
    """The value of ``has(…)`` or ``!has(…)`` for an event that has these values; ``None`` if they do not decide it."""
    match node:
        case Not(parts=(Has() as has,)):
            return False if _presence(has, values) else None
        case Has(field=field, parts=(of,)):
            if path := _further(of, field):
                return any(value[: len(path)] == path for value in values) or None
    return None


def _opens(node: Choice) -> bool:
    """Whether to split the choice, which writes its condition twice. Choices in conditions would double each time."""
    return not any(isinstance(part, Choice) for part in walk(node.parts[0]))


def _branches(node: Choice, truth: bool) -> Iterable[list[Disjunct]]:
    condition, then, otherwise = node.parts
    yield _all_of([(condition, True), (then, truth)])
    yield _all_of([(condition, False), (otherwise, truth)])


def _equalities(node: Node, truth: bool) -> list[Disjunct]:
    """Split ``path == value`` either way round, ``!(path != value)``, ``path in list``, and ``path`` itself."""
    match node:
        case Binary(operator="==" | "!=", parts=(left, right)) if (node.operator == "==") is truth:
            if path := path_of(left) or path_of(right):
                other = right if path_of(left) else left
                if isinstance(other, Known):
                    return equal_to(node, truth, path, [other.value])
        case Binary(operator="in", parts=(left, Known(value=list() | tuple() as items))) if truth:
            # To compare more than eight, even equal ones, may take more steps than a residual has.
            if (path := path_of(left)) and len(items) <= MAX_WAYS:
                return equal_to(node, truth, path, items)
        case Select() | Index():
            if path := path_of(node):
                return equal_to(node, truth, path, [truth])
    return _opaque(node, truth)


def equal_to(node: Node, truth: bool, path: Path, values: Iterable[object]) -> list[Disjunct]:
    found: dict[str, Disjunct] = {}
    for value in values:
        try:
            text = canonical(value)
        except UnmatchableError:
            continue
        except OversizeError:
            return _opaque(node, truth)
        found[text] = Disjunct({path: text})
    return list(found.values())


def path_of(node: Node) -> Path | None:
    """Return the path from the incoming event to this node's value, if the expression's text alone determines it."""
    match node:
        case Name(name="async"):
            return ()
        case Select(field=name, parts=(of,)):
            return _further(of, name)
        case Index(parts=(of, Known(value=int() | str() as step, origin=origin))) if not origin.names:
            return _further(of, step)
    return None


def _further(of: Node, step: str | int) -> Path | None:
    path = path_of(of)
    if path is None or isinstance(step, bool) or (isinstance(step, int) and step < 0):
        return None
    return (*path, step)

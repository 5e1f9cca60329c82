"""The facts of an app's functions for commands that do not load the app: triggers, cancels, attempts."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import tarry
from tarry._engine.flow import Flow
from tarry._wire.internal_events import accepts
from tarry_backend.deploy.flow_facts import read_flow, written_flow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tarry import App, Function
    from tarry._cel.dialect import Dialect
    from tarry.concurrency import Concurrency

__all__ = [
    "FunctionFacts",
    "TriggerFacts",
    "facts_of",
    "parts_of_facts",
    "read_facts",
    "read_options",
    "write_facts",
]

MAX_FACTS = 4_000
"""The most characters of the facts of functions in one stack output."""

_INTERNAL = "tarry/"


class TriggerFacts(NamedTuple):
    """A trigger: the name or prefix of its events, and its expression."""

    event: str
    expression: str | None = None

    def names(self, event_name: str) -> bool:
        """Whether the trigger accepts events of this name, as ``TriggerEvent.names``."""
        return accepts(self.event, event_name)


@dataclass(frozen=True, slots=True)
class FunctionFacts:
    """The facts of one function.

    Attributes:
        id: The function's id.
        attempts: How many attempts a step has, at most.
        triggers: The events that start it, each with its expression.
        cancels: The events that cancel its runs, in the order of its guards.
        idempotency: The expression of its idempotency key. The stack's outputs do not have it.
        limits: The limits on its runs at work.
        dialect: How its expressions are evaluated.
        flow: What limits the starts of its runs.
        pausable: Whether people can pause it although it has no limit.
    """

    id: str
    attempts: int
    triggers: tuple[TriggerFacts, ...] = ()
    cancels: tuple[str, ...] = ()
    idempotency: str | None = None
    limits: tuple[Concurrency, ...] = ()
    dialect: Dialect = "tarry"
    flow: Flow = field(default_factory=Flow)
    pausable: bool = False

    @property
    def is_pausable(self) -> bool:
        """Whether people can pause it: its executors ask whether they have."""
        return self.pausable or bool(self.limits)

    @property
    def written_options(self) -> list[object]:
        """What few functions have, at the end of a row: without it, it is the row of an older version."""
        dialect = [] if self.dialect == "tarry" else [self.dialect]
        limits = ([each.limit, each.key, each.scope, each.hold] for each in self.limits)
        return [*dialect, *limits, *written_flow(self.flow), *([True] if self.pausable else [])]

    @property
    def event_triggers(self) -> tuple[TriggerFacts, ...]:
        """The triggers that are events, as ``Function`` has them: these are all that there are."""
        return self.triggers

    @classmethod
    def of(cls, function: Function) -> Self:
        """Return the facts of a function."""
        triggers = tuple(TriggerFacts(each.event, each.expression) for each in function.event_triggers)
        cancels = tuple(each.event for each in function.cancels)
        attempts, limits = function.retries.limit + 1, function.concurrency
        options = (function.idempotency, limits, function.dialect, function.flow, function.pausable)
        return cls(function.id, attempts, triggers, cancels, *options)

    def triggers_on(self, event_name: str) -> list[TriggerFacts]:
        """Return the triggers that name the event. ``*`` does not include Tarry's own events."""
        return [trigger for trigger in self.triggers if _names(trigger, event_name)]


def facts_of(app: App) -> tuple[FunctionFacts, ...]:
    """Return the facts of the app's functions."""
    return tuple(map(FunctionFacts.of, app.functions.values()))


def write_facts(facts: Iterable[FunctionFacts], most: int = MAX_FACTS) -> str:
    """Return the facts as JSON, or an empty list if they are longer than ``most``. Then a command knows less."""
    rows = [[each.id, each.attempts, each.triggers, each.cancels, *each.written_options] for each in facts]
    text = json.dumps(rows, separators=(",", ":"))
    return text if len(text) <= most else "[]"


def parts_of_facts(facts: Iterable[FunctionFacts], most: int = MAX_FACTS) -> list[str]:
    """Return the facts in as many texts as it takes, for several outputs. A function that is too long is left out."""
    parts: list[list[FunctionFacts]] = [[]]
    for each in facts:
        if write_facts([each], most) == "[]":
            continue
        if parts[-1] and write_facts([*parts[-1], each], most) == "[]":
            parts.append([])
        parts[-1].append(each)
    return [write_facts(part, most) for part in parts]


def read_facts(text: str) -> tuple[FunctionFacts, ...]:
    """Return the facts that ``write_facts`` wrote."""
    rows: list[Any] = json.loads(text)
    return tuple(
        FunctionFacts(
            function,
            attempts,
            tuple(TriggerFacts(*trigger) for trigger in triggers),
            tuple(cancels),
            **read_options(options),
        )
        for function, attempts, triggers, cancels, *options in rows
    )


def read_options(options: Sequence[Any]) -> dict[str, Any]:
    """Return the arguments of ``FunctionFacts`` that ``written_options`` wrote."""
    return {
        "dialect": next((each for each in options if isinstance(each, str)), "tarry"),
        "limits": tuple(tarry.Concurrency(*each) for each in options if isinstance(each, list)),
        "flow": next((read_flow(each) for each in options if isinstance(each, dict)), Flow()),
        "pausable": any(each is True for each in options),
    }


def _names(trigger: TriggerFacts, event_name: str) -> bool:
    if event_name.startswith(_INTERNAL) and not trigger.event.startswith(_INTERNAL):
        return False
    return trigger.names(event_name)

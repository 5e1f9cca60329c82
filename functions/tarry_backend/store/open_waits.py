"""The open waits on an event's name, found without their match keys, for a receipt that says why none matched.

The index of waits is sparse and its key is the match key, so it cannot list a name's waits. An open wait has a
deadline, and so is in the index of what is due. A guard of a ``Cancel`` without a timeout is only in its run. Both
lookups stop at a bound, so a receipt costs the same in a table of any size:

    due index      4 shards, one page each        ≤ 1,000 timers        4 queries
    runs index     runs of those with a cancel    ≤ 1,000 runs         20 queries
    steps          those of both                  by 100               20 batch reads
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from tarry_backend.model.step import END_OF_TIME, LISTENING
from tarry_backend.store.due_index import SHARDS
from tarry_backend.store.models import StepItem
from tarry_backend.store.run_index import StartedRuns
from tarry_backend.store.step_items import StepItems, run_pk, step_sk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tarry_backend.model.step import Step
    from tarry_backend.store.due_index import DueEntry, Dues
    from tarry_backend.store.large_values import Values
    from tarry_backend.store.table import Table

__all__ = ["GUARDS_LOOKED_AT", "TIMERS_LOOKED_AT", "NamedWaits", "OpenWaits"]

_PAGE = 250

TIMERS_LOOKED_AT = _PAGE * len(SHARDS)
"""Among how many timers, the nearest ones, the lookup searches for open waits."""

_FUNCTIONS, _RUNS = 5, 200

GUARDS_LOOKED_AT = _FUNCTIONS * _RUNS
"""Among how many runs the lookup searches: the newest of each of at most five functions with a ``Cancel``.

Runs that have finished are among them.
"""

_ATTRIBUTES = (
    *("kind", "status", "begun_order", "began", "attempt"),
    *("event_name", "expression", "values", "since", "deadline", "note", "others", "due"),
)
"""The attributes that the lookup reads of a step: not its bindings, which may be large."""

Target = tuple[str, str]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NamedWaits:
    """The open waits on a name, each with its run's id, the nearest deadline first.

    ``names`` are the names of all events for which a wait was seen. ``is_whole`` is false if there may be more waits.
    """

    steps: tuple[tuple[str, Step], ...]
    names: frozenset[str]
    is_whole: bool


class OpenWaits:
    """The lookup of open waits by the name of their event."""

    def __init__(self, table: Table, values: Values, dues: Dues) -> None:
        self._table = table
        self._dues = dues
        self._started = StartedRuns(table)
        self._steps = StepItems(values)

    def on(self, event_name: str, since: int, cancels: Iterable[tuple[str, str]]) -> NamedWaits:
        """Return the open waits and guards on that name whose deadline is not before ``since`` (Unix milliseconds).

        Args:
            event_name: The event's name.
            since: When the event was received.
            cancels: The functions that the event may cancel, each with the key of its guard.
        """
        timers, all_timers = _first((self._timers(shard, since) for shard in SHARDS), _PAGE)
        timed = sorted((due for due in timers if due.kind in LISTENING), key=lambda due: due.at)
        wanted = tuple(cancels)
        guards, all_guards = _first((self._guards(*each) for each in wanted[:_FUNCTIONS]), _RUNS)
        targets = [*((due.run_id, due.step_key or "") for due in timed), *guards]
        found, all_read = self._read(dict.fromkeys(targets))
        return NamedWaits(
            steps=tuple((run_id, step) for run_id, step in found if event_name in _names(step)),
            names=frozenset(name for _, step in found for name in _names(step)),
            is_whole=all_timers and all_guards and all_read and len(wanted) <= _FUNCTIONS,
        )

    def _timers(self, shard: int, since: int) -> Iterator[DueEntry]:
        return self._dues.between(shard, since - 1, END_OF_TIME, page=_PAGE + 1)

    def _guards(self, function_id: str, key: str) -> Iterator[Target]:
        for run_id in self._started.begun(function_id, _RUNS + 1):
            yield run_id, key

    def _read(self, targets: Iterable[Target]) -> tuple[list[tuple[str, Step]], bool]:
        """Return the steps that still wait, in this order; and whether DynamoDB returned all."""
        keys = [(run_pk(run_id), step_sk(key)) for run_id, key in targets]
        items, is_whole = self._table.get_many(keys, _ATTRIBUTES)
        by_key = {(item.pk, item.sk): item for item in items}
        there = (item for key in keys if isinstance(item := by_key.get(key), StepItem))
        steps = ((item.pk.partition("#")[2], self._steps.step(item)) for item in there)
        return [(run_id, step) for run_id, step in steps if step.is_open and step.wait is not None], is_whole


def _first(lanes: Iterable[Iterator[T]], most: int) -> tuple[list[T], bool]:
    """Return the first ``most`` items of each lane, and whether these are all items."""
    parts = [list(islice(lane, most + 1)) for lane in lanes]
    return [each for part in parts for each in part[:most]], all(len(part) <= most for part in parts)


def _names(step: Step) -> list[str]:
    return [] if step.wait is None else [each.event_name for each in step.wait.all]

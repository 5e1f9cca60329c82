"""What each event of a play did, and what became of each run: read off the store's runs. Pure."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from tarry_backend.model.event_identity import identity
from tarry_backend.model.run import RunStatus
from tarry_dev.cli.describe import SHORT, answer, failure, outcome
from tarry_dev.cli.times import compact

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_backend.model.run import RunSnapshot
    from tarry_dev.cli.times import Calendar

__all__ = ["Effect", "Ends", "effects", "ends", "most_telling"]

_ALIKE = 4
"""How many events, or runs, with the same result are shown one by one; more become one line."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One event, or ``count`` of them on end that did the same, and what they did."""

    received: ReceivedEvent
    count: int
    did: str


@dataclass(frozen=True, slots=True)
class Ends:
    """Runs that came to the same end for the same reason."""

    snapshots: tuple[RunSnapshot, ...]
    end: str
    why: str

    @property
    def shown_as_one(self) -> bool:
        """Whether they are too many to show one by one."""
        return len(self.snapshots) > _ALIKE


def effects(events: Iterable[ReceivedEvent], snapshots: Sequence[RunSnapshot]) -> list[Effect]:
    """The events in their order, each with the runs that it started and resumed."""
    started, resumed = _started(snapshots), _resumed(snapshots)

    def did(received: ReceivedEvent) -> str:
        known_as = received.position.identity
        return _did(started[known_as], resumed[known_as])

    def kind(received: ReceivedEvent) -> tuple[str, int, int]:
        known_as = received.position.identity
        return received.event.name, len(started[known_as]), len(resumed[known_as])

    made: list[Effect] = []
    for (_, starts, resumes), alike in groupby(events, kind):
        group = list(alike)
        if len(group) > _ALIKE:
            all_of_them = _counts(starts * len(group), resumes * len(group))
            made.append(Effect(group[0], len(group), all_of_them))
        else:
            made += [Effect(received, 1, did(received)) for received in group]
    return made


def ends(snapshots: Iterable[RunSnapshot], calendar: Calendar) -> list[Ends]:
    """The runs by what they came to and why, the ends in the order of the first start of each."""
    groups: dict[tuple[str, str], list[RunSnapshot]] = defaultdict(list)
    for snapshot in snapshots:
        groups[_end(snapshot), _why(snapshot, calendar)].append(snapshot)
    made = [Ends(tuple(group), end, why) for (end, why), group in groups.items()]
    order = {each.end: place for place, each in reversed(list(enumerate(made)))}
    return sorted(made, key=lambda each: order[each.end])


def most_telling(snapshots: Iterable[RunSnapshot]) -> RunSnapshot | None:
    """The run with the most to show: events that resumed it, then steps."""
    return max(
        snapshots,
        key=lambda snapshot: (sum(answer(step) is not None for step in snapshot.steps), len(snapshot.steps)),
        default=None,
    )


def _started(snapshots: Iterable[RunSnapshot]) -> dict[str, list[str]]:
    runs: dict[str, list[str]] = defaultdict(list)
    for snapshot in snapshots:
        runs[identity(snapshot.run.event)].append(snapshot.run.id)
    return runs


def _resumed(snapshots: Iterable[RunSnapshot]) -> dict[str, list[str]]:
    runs: dict[str, list[str]] = defaultdict(list)
    for snapshot in snapshots:
        for step in snapshot.steps:
            if step.wait is not None and step.wait.resolved_by is not None:
                runs[step.wait.resolved_by.identity].append(snapshot.run.id)
    return runs


def _did(started: Sequence[str], resumed: Sequence[str]) -> str:
    if len(started) + len(resumed) > 1:
        return _counts(len(started), len(resumed))
    if started:
        return f"started {started[0][:SHORT]}"
    return f"resumed {resumed[0][:SHORT]}" if resumed else "nothing matched"


def _counts(started: int, resumed: int) -> str:
    did = [(word, count) for word, count in (("started", started), ("resumed", resumed)) if count]
    words = [f"{word} {count} run{'s' * (count > 1)}" for word, count in did]
    return ", ".join(words) or "nothing matched"


def _end(snapshot: RunSnapshot) -> str:
    run = snapshot.run
    if run.status is not RunStatus.FINISHED:
        return run.status.value
    output = json.loads(run.output or "null")
    return output if isinstance(output, str) else compact(output, 40)


def _why(snapshot: RunSnapshot, calendar: Calendar) -> str:
    if snapshot.run.error is not None:
        return failure(snapshot.run.error)
    waits = dict.fromkeys(outcome(step, calendar) for step in snapshot.steps if step.wait is not None)
    return ", ".join(list(waits)[-2:])

"""What commands ask of a ``tarry dev`` that serves several apps: each app is asked, and the answers are one."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from tarry_backend.clock import now
from tarry_dev.cli.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

    from tarry import Event, SignalReceipt
    from tarry_backend.api.asked_event import AskedEvent
    from tarry_backend.api.receipts import Receipt
    from tarry_backend.model.bulk import Bulk
    from tarry_backend.model.control import Control, HeldBack, Limited
    from tarry_backend.model.queue_length import QueueLength
    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_backend.model.run import Run, RunSnapshot, RunStatus
    from tarry_backend.model.step import Step
    from tarry_dev.cli.connection import Lookups

__all__ = ["JoinedLookups"]

T = TypeVar("T")

_FRESH = 10_000
"""For how many milliseconds after its receipt by one app an event may still be on the way to the others."""

_ON_THE_WAY = 1.0
"""How many seconds a receipt waits for that."""

_AROUND = 60_000


class JoinedLookups:
    """Asks the apps in ``parts``, by their ids. What is sent without an app's id goes out as the first one's."""

    def __init__(self, parts: Mapping[str, Lookups]) -> None:
        self._parts = dict(parts)
        self._apps: dict[str, str] = {}

    def app_of(self, run_id: str) -> str | None:
        """Return the app of a run that was found here."""
        return self._apps.get(run_id)

    def run(self, run_id: str) -> Run | None:
        return self._first(run_id, lambda part: part.run(run_id))

    def newest(self, run_id: str) -> Run | None:
        return self._first(run_id, lambda part: part.newest(run_id))

    def snapshot(self, run_id: str) -> RunSnapshot | None:
        return self._first(run_id, lambda part: part.snapshot(run_id))

    def newest_runs(self, functions: Sequence[str], statuses: Sequence[RunStatus], limit: int) -> list[RunSnapshot]:
        found: list[RunSnapshot] = []
        for app, part in self._parts.items():
            newest = part.newest_runs(functions, statuses, limit)
            self._apps.update((each.run.id, app) for each in newest)
            found += newest
        return sorted(found, key=lambda each: each.run.started, reverse=True)[:limit]

    def run_ids(self, functions: Sequence[str], prefix: str) -> list[str]:
        return [each for part in self._parts.values() for each in part.run_ids(functions, prefix)]

    def running(self, function: str, since: int, until: int, limit: int | None = None) -> Sequence[str]:
        return self._of_one(function, lambda part: part.running(function, since, until, limit))

    def started(self, function: str, statuses: Sequence[RunStatus], since: int, until: int) -> Sequence[str]:
        return self._of_one(function, lambda part: part.started(function, statuses, since, until))

    def some_runs(self, run_ids: Sequence[str]) -> list[Run]:
        there: dict[str, Run] = {}
        for app, part in self._parts.items():
            there |= (found := {run.id: run for run in part.some_runs(run_ids)})
            self._apps.update(dict.fromkeys(found, app))
        return [there[run_id] for run_id in run_ids if run_id in there]

    def open_waits(self, limit: int) -> list[tuple[Run, Step]]:
        found: list[tuple[Run, Step]] = []
        for app, part in self._parts.items():
            waits = part.open_waits(limit)
            self._apps.update((run.id, app) for run, _ in waits)
            found += waits
        return sorted(found, key=lambda each: _deadline(each[1]))[:limit]

    def newest_events(
        self, name: str | None, since: int, until: int, limit: int, on_page: Callable[[int], bool]
    ) -> list[ReceivedEvent]:
        """Each event once, although each app on its bus has logged it."""
        asked = [part.newest_events(name, since, until, limit, on_page) for part in self._parts.values()]
        return _once(asked)[-limit:]

    def events_of_id(self, event_id: str, name: str | None, since: int, until: int) -> list[ReceivedEvent]:
        return _once(part.events_of_id(event_id, name, since, until) for part in self._parts.values())

    def event(self, asked: AskedEvent, since: str, on_page: Callable[[int], bool]) -> ReceivedEvent | None:
        found = (part.event(asked, since, on_page) for part in self._parts.values())
        return next((each for each in found if each is not None), None)

    def receipt(self, received: ReceivedEvent) -> Receipt:
        """Return what the event did in all apps. One that has not logged it by now does not hear it."""
        end = time.monotonic() + (_ON_THE_WAY if received.received_at > now() - _FRESH else 0)
        made = [part.receipt(_as_logged(received, part, end)) for part in self._parts.values()]
        return _joined(received, made)

    def send(self, events: Iterable[Event]) -> Sequence[str]:
        return self._sender.send(events)

    def put(self, entries: Sequence[PutEventsRequestEntryTypeDef]) -> Sequence[str]:
        return self._sender.put(entries)

    def cancel(self, run_ids: Sequence[str]) -> None:
        for run_id in run_ids:
            self._part(run_id).cancel([run_id])

    def retry(self, run_id: str, step: str | None = None, asked_by: str | None = None) -> Run | str:
        return self._part(run_id).retry(run_id, step, asked_by)

    def rerun(
        self, run_id: str, nonce: str, step: str | None = None, fields: Mapping[str, Any] | None = None
    ) -> Run | str:
        return self._part(run_id).rerun(run_id, nonce, step, fields)

    def bulk(self, bulk_id: str) -> Bulk | None:
        return self._keeper(bulk_id).bulk(bulk_id)

    def begin_bulk(self, bulk_id: str, what: str, total: int, began: int) -> None:
        self._keeper(bulk_id).begin_bulk(bulk_id, what, total, began)

    def tell_bulk(self, bulk_id: str, done: int, ended: str | None = None) -> Bulk:
        return self._keeper(bulk_id).tell_bulk(bulk_id, done, ended)

    def stop_bulk(self, bulk_id: str) -> Bulk | None:
        return self._keeper(bulk_id).stop_bulk(bulk_id)

    def held_back(self, run: Run) -> HeldBack | None:
        return self._part(run.id).held_back(run)

    def control(self, function: str) -> Control:
        raise self._undecided(function)

    def queue_lengths(self) -> Mapping[str, tuple[QueueLength, ...]]:
        return {name: found for part in self._parts.values() for name, found in part.queue_lengths().items()}

    def drain(self, function: str) -> Control:
        raise self._undecided(function)

    def pause(self, function: str) -> Control:
        raise self._undecided(function)

    def resume(self, function: str) -> Control:
        raise self._undecided(function)

    def limit(self, function: str, limit: int | None, of: Limited = "concurrency") -> Control:
        raise self._undecided(function)

    def _undecided(self, function: str) -> CommandError:
        apps = " or --app ".join(self._parts)
        return CommandError(f"function {function!r} is controlled in one app: say in which, --app {apps}")

    def signal(self, name: str, data: Any, signal_id: str | None, keep: str | None) -> SignalReceipt:
        raise CommandError(f"a signal is for one app: say for which, --app {' or --app '.join(self._parts)}")

    @property
    def _sender(self) -> Lookups:
        return next(iter(self._parts.values()))

    def _part(self, run_id: str) -> Lookups:
        """The app of a run; the first one says that there is no such run."""
        if run_id not in self._apps:
            self.run(run_id)
        return self._parts[self._apps[run_id]] if run_id in self._apps else self._sender

    def _keeper(self, bulk_id: str) -> Lookups:
        """The app in which a command has begun a bulk, or the first one."""
        return next((part for part in self._parts.values() if part.bulk(bulk_id) is not None), self._sender)

    def _of_one(self, function: str, ask: Callable[[Lookups], Sequence[str]]) -> Sequence[str]:
        """Runs that may be meant to be cancelled: two apps may each have a function of this id."""
        found = {app: ids for app, part in self._parts.items() if (ids := ask(part))}
        if len(found) > 1:
            raise CommandError(f"function {function!r} has runs in {' and '.join(found)}: say which app, with --app ID")
        for app, ids in found.items():
            self._apps.update(dict.fromkeys(ids, app))
            return ids
        return []

    def _first(self, run_id: str, ask: Callable[[Lookups], T | None]) -> T | None:
        for app, part in self._parts.items():
            if (found := ask(part)) is not None:
                self._apps[run_id] = app
                return found
        return None


def _deadline(step: Step) -> int:
    return step.wait.deadline if step.wait else step.due or 0


def _once(asked: Iterable[Sequence[ReceivedEvent]]) -> list[ReceivedEvent]:
    """The events, each as the app logged it that received it first, in the order of their receipt."""
    found = sorted((each for events in asked for each in events), key=lambda each: each.received_at)
    return list({(each.event.source, each.event.name, each.event.id): each for each in reversed(found)}.values())[::-1]


def _as_logged(received: ReceivedEvent, part: Lookups, end: float) -> ReceivedEvent:
    event, at = received.event, received.received_at
    while True:
        logged = part.events_of_id(event.id, event.name, at - _AROUND, now() + _AROUND)
        own = next((each for each in logged if each.event.source == event.source), None)
        if own is not None or time.monotonic() > end:
            return own or received
        time.sleep(0.05)


def _joined(received: ReceivedEvent, made: Sequence[Receipt]) -> Receipt:
    near = [each.near for each in made]
    listened = [each.is_listened for each in near]
    return replace(
        made[0],
        received=received,
        started=_all(each.started for each in made),
        unstarted=_all(each.unstarted for each in made),
        resumed=_all(each.resumed for each in made),
        cancelled=_all(each.cancelled for each in made),
        pending=_all(each.pending for each in made),
        missed=_all(each.missed for each in made),
        misses=sum(each.misses for each in made),
        is_whole=all(each.is_whole for each in made),
        near=replace(
            near[0],
            waits=_all(each.waits for each in near),
            unmatched=sum(each.unmatched for each in near),
            triggers=_all(each.triggers for each in near),
            is_whole=all(each.is_whole for each in near),
            is_listened=True if True in listened else None if None in listened else False,
            similar=tuple(dict.fromkeys(_all(each.similar for each in near))),
        ),
    )


def _all(parts: Iterable[tuple[T, ...]]) -> tuple[T, ...]:
    return tuple(each for part in parts for each in part)

"""The event that somebody asks for by its id, out of the log or out of a run that it started."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tarry._wire.bus import source_of
from tarry.errors import TarryError
from tarry_backend.events.address import run_id_of
from tarry_backend.model.received_event import ReceivedEvent
from tarry_backend.model.trace import NoRun, Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tarry import Event
    from tarry_backend.model.run import Run
    from tarry_backend.store import Store

__all__ = ["AmbiguousError", "AskedEvent", "Effect", "decided_by", "find_event", "started_by"]


@dataclass(frozen=True, slots=True)
class Effect:
    """What the event did to a run: at ``step_key``, unless it started the run."""

    run: Run
    step_key: str | None = None


@dataclass(frozen=True, slots=True)
class AskedEvent:
    """The event that somebody asks for: by its id, and by name and source as far as they are given."""

    id: str
    name: str | None = None
    source: str | None = None

    def fits(self, event: Event) -> bool:
        """Whether it may be this event."""
        return event.id == self.id and self.name in (None, event.name) and self.source in (None, event.source)


class AmbiguousError(TarryError):
    """The id names several events. Whoever asks is to choose one, by name and source."""

    def __init__(self, asked: AskedEvent, found: Sequence[ReceivedEvent], choose: str = "give name and source") -> None:
        self.found = tuple(found)
        named = ", ".join(f"{each.event.name} from {each.event.source}" for each in found)
        super().__init__(f"{len(found)} events have the id {asked.id!r}: {named}; {choose}")


def find_event(
    asked: AskedEvent,
    app_id: str,
    functions: Iterable[str],
    store: Store,
    logged: Callable[[], Iterable[ReceivedEvent]],
) -> ReceivedEvent | None:
    """Return the event that is asked for, out of a run that it started or out of ``logged``; ``None`` if there is none.

    With name and source, a run is found by its id, however old the event is. With the name alone, ``logged`` comes
    first: it may hold events of several sources. If it holds none, the event may be an old one of the app's own.

    Raises:
        AmbiguousError: The log holds several such events.
    """
    functions = tuple(functions)
    own = source_of(app_id)
    if asked.name is not None and asked.source is not None:
        started = _first_started(asked.id, asked.source, asked.name, app_id, functions, store)
        if started is not None:
            return started
    found = [received for received in logged() if asked.fits(received.event)]
    if len(found) > 1:
        raise AmbiguousError(asked, found)
    if not found and asked.name is not None and asked.source is None:
        return _first_started(asked.id, own, asked.name, app_id, functions, store)
    return found[0] if found else None


def started_by(
    event_id: str, source: str, name: str, app_id: str, functions: Iterable[str], store: Store
) -> Iterator[Effect]:
    """Yield the runs that the event has started."""
    found = decided_by(event_id, source, name, app_id, functions, store)
    return (Effect(each) for each in found if not isinstance(each, Trace))


def decided_by(
    event_id: str, source: str, name: str, app_id: str, functions: Iterable[str], store: Store
) -> Iterator[Run | Trace]:
    """Yield the runs that the event has started, and why it has started none of a function."""
    for function_id in functions:
        found = store.runs.run_or_trace(run_id_of(app_id, function_id, event_id, source, name))
        if isinstance(found, Trace) and found.why is NoRun.BATCHED and found.by is not None:
            found = _refused_batch(found, found.by, store)
        if found is not None:
            yield found


def _refused_batch(found: Trace, by: str, store: Store) -> Trace:
    """Return why an event started no run that was in a batch; that of the batch, if that has started none either."""
    batch = store.runs.run_or_trace(by)
    return replace(batch, run_id=found.run_id) if isinstance(batch, Trace) else found


def _first_started(
    event_id: str, source: str, name: str, app_id: str, functions: Iterable[str], store: Store
) -> ReceivedEvent | None:
    """The event as a run has it that it started."""
    effect = next(started_by(event_id, source, name, app_id, functions, store), None)
    return None if effect is None else ReceivedEvent(effect.run.event, effect.run.received_at)

"""Of which functions an event is, or was, gathered with others before a run: for receipts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tarry_backend.events.address import run_id_of
from tarry_backend.model.trace import NoRun, Trace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tarry_backend.model.gathered_event import GatheredEvent
    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_backend.store import Store

__all__ = ["gathered_by"]


def gathered_by(received: ReceivedEvent, app_id: str, functions: Iterable[str], store: Store) -> Iterator[Trace]:
    """Yield why the event has started no run of these functions, as far as it was gathered for them.

    One request for a hundred functions, and one for each that has gathered it.
    """
    event = received.event
    run_ids = [run_id_of(app_id, each, event.id, event.source, event.name) for each in functions]
    for gathered in store.gathered.some(run_ids):
        if (trace := _debounced(gathered, store)) is not None:
            yield trace


def _debounced(gathered: GatheredEvent, store: Store) -> Trace | None:
    """Return what has become of the event: the first window that ended behind it has absorbed it.

    ``None`` if it is that window's latest. Then it starts the run: the start is under way, or a dead letter.
    """
    run_id, function_id, moment = gathered.run_id, gathered.function_id, gathered.position.received_at
    fired = store.calms.absorber(gathered.window, gathered.position)
    if fired is None:
        return Trace(run_id, function_id, NoRun.WAITS, moment)
    if fired.run_id == run_id:
        return None
    return Trace(run_id, function_id, NoRun.DEBOUNCED, fired.moment, by=fired.run_id)

"""Of which functions an event is, or was, gathered with others before a run: for receipts."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from tarry.errors import ExpressionError
from tarry_backend.events.address import run_id_of
from tarry_backend.matching import MatchError, value_key
from tarry_backend.model.trace import NoRun, Trace
from tarry_backend.model.window_name import window_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tarry_backend.deploy.function_facts import FunctionFacts
    from tarry_backend.model.gathered_event import GatheredEvent
    from tarry_backend.model.received_event import ReceivedEvent
    from tarry_backend.store import Store

__all__ = ["gathered_by", "waiting_in_batches"]


def gathered_by(received: ReceivedEvent, app_id: str, functions: Iterable[str], store: Store) -> Iterator[Trace]:
    """Yield why the event has started no run of these functions, as far as it was gathered for them.

    One request for a hundred functions, and one for each that has gathered it.
    """
    event = received.event
    run_ids = [run_id_of(app_id, each, event.id, event.source, event.name) for each in functions]
    for gathered in store.gathered.some(run_ids):
        if (trace := _debounced(gathered, store)) is not None:
            yield trace


def waiting_in_batches(
    received: ReceivedEvent, app_id: str, facts: Iterable[FunctionFacts], store: Store
) -> Iterator[Trace]:
    """Yield of which of these functions the event is in a batch that is open, or starts. One request for each batch."""
    event = received.event
    for each in facts:
        batch = each.flow.batch_events
        if batch is None or not each.triggers_on(event.name):
            continue
        with suppress(MatchError, ExpressionError):  # then the event is in no batch
            name = window_name(each.id)
            if batch.key is not None:
                name = window_name(each.id, value_key(batch.key, event, received.received_at, each.dialect))
            run_id = run_id_of(app_id, each.id, event.id, event.source, event.name)
            if store.batches.read(name).has(run_id):
                yield Trace(run_id, each.id, NoRun.WAITS, received.received_at)


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
    is_refused = isinstance(store.runs.run_or_trace(fired.run_id), Trace)  # by a limit, or while the function drained
    return Trace(run_id, function_id, NoRun.DEBOUNCED, fired.moment, by=None if is_refused else fired.run_id)

"""What waits at each function: read by key, and of windows with a key by a bounded look into the index of what is due.

Nothing is scanned. What an option with a key holds back stands under each of its values, of which there is no list; of
a run, ``tarry run`` says it.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import islice
from typing import TYPE_CHECKING

from tarry.event import Event
from tarry_backend.clock import now
from tarry_backend.matching.gate_keys import gates_of, pause_gate
from tarry_backend.matching.start_keys import start_key
from tarry_backend.model.calm import Spans
from tarry_backend.model.control import COUNTED
from tarry_backend.model.moment import iso
from tarry_backend.model.pace import Pace
from tarry_backend.model.queue_length import QueueLength
from tarry_backend.model.window_name import function_of_window, window_name
from tarry_backend.store.due_index import BATCHES, CALMS, SHARDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tarry.debounce import Debounce
    from tarry_backend.api.documents import Document
    from tarry_backend.deploy.function_facts import FunctionFacts
    from tarry_backend.model.queue_length import QueueKind
    from tarry_backend.store import Store

__all__ = ["queue_document", "queue_lengths"]

_LOOKED = 200
"""How many entries of each shard of the index of what is due are read, at most."""

_NOTHING = Event("", {})

_ALL = "\U0010ffff"
"""A place behind all places in a line."""

_END = 10**15


def queue_lengths(functions: Iterable[FunctionFacts], store: Store) -> dict[str, tuple[QueueLength, ...]]:
    """Return what waits at each of these functions, by its id. What nothing waits for is left out."""
    functions = tuple(functions)
    windows, is_cut = _keyed_windows(functions, store)
    return {each.id: tuple(_of(each, store, windows, is_cut=is_cut)) for each in functions}


def queue_document(length: QueueLength) -> Document:
    """Return what waits for one reason as JSON has it."""
    return {
        "kind": length.kind,
        "count": length.count,
        "or_more": length.is_cut,
        "events": length.events,
        "since": iso(length.since),
        "due": iso(length.due),
    }


def _of(
    function: FunctionFacts, store: Store, windows: Mapping[tuple[str, str], Sequence[tuple[int, str]]], *, is_cut: bool
) -> Iterator[QueueLength]:
    yield from _gathered(function, store, windows, is_cut=is_cut)
    yield from _throttled(function, store)
    yield from _single(function, store)
    yield from _in_line(function, store)


def _keyed_windows(
    functions: Iterable[FunctionFacts], store: Store
) -> tuple[Mapping[tuple[str, str], Sequence[tuple[int, str]]], bool]:
    """Return the open windows by kind and function, the earliest due first, and whether there may be more.

    The index is read only if a function gathers events by a key. It has everything that is due, the earliest first.
    """
    found: defaultdict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    if not any(_gathers_by_key(each) for each in functions):
        return found, False
    is_cut = False
    for shard in SHARDS:
        entries = list(islice(store.dues.between(shard, 0, _END, page=_LOOKED), _LOOKED))
        is_cut = is_cut or len(entries) == _LOOKED
        for each in entries:
            if each.kind in (CALMS, BATCHES):
                found[each.kind, function_of_window(each.run_id)].append((each.at, each.run_id))
    return {place: sorted(each) for place, each in found.items()}, is_cut


def _gathers_by_key(function: FunctionFacts) -> bool:
    gathers = function.flow.debounce or function.flow.batch_events
    return gathers is not None and gathers.key is not None


def _gathered(
    function: FunctionFacts, store: Store, windows: Mapping[tuple[str, str], Sequence[tuple[int, str]]], *, is_cut: bool
) -> Iterator[QueueLength]:
    """Yield what the function's windows have gathered. A function has a debounce or batches, not both."""
    debounce = function.flow.debounce
    if (option := debounce or function.flow.batch_events) is None:
        return
    keyed = windows.get((BATCHES if debounce is None else CALMS, function.id), ())
    if option.key is not None and not keyed:
        if is_cut:
            yield QueueLength("batch_events" if debounce is None else "debounce", 0, is_cut=True)
        return
    name, count = (window_name(function.id), None) if option.key is None else (keyed[0][1], len(keyed))
    is_cut = is_cut and count is not None
    if debounce is None:
        yield from _batched(name, count, store, is_cut=is_cut)
    else:
        yield from _debounced(debounce, name, count, store, is_cut=is_cut)


def _debounced(option: Debounce, name: str, keyed: int | None, store: Store, *, is_cut: bool) -> Iterator[QueueLength]:
    """Yield the windows of a debounce: ``keyed`` is how many its key has, the next one due being ``name``."""
    windows = store.calms.read(name).windows
    if count := len(windows) if keyed is None else keyed:
        first = windows[0] if windows else None
        due = None if first is None else first.ends(Spans(*option.limits))
        yield QueueLength("debounce", count, is_cut, first and first.first, due)


def _batched(name: str, keyed: int | None, store: Store, *, is_cut: bool) -> Iterator[QueueLength]:
    """Yield the batches: ``keyed`` is how many their key has, the next one due being ``name``."""
    batch = store.batches.read(name)
    if keyed is not None:
        yield QueueLength("batch_events", keyed, is_cut, batch.opened, batch.due)
    elif batch.opened is not None:
        yield QueueLength("batch_events", 1, is_cut, batch.opened, batch.due, len(batch.members))


def _throttled(function: FunctionFacts, store: Store) -> Iterator[QueueLength]:
    """Yield how many runs have a time that has not come. Those that were cancelled meanwhile count too."""
    if (option := function.flow.throttle) is None:
        return
    if option.key is not None:
        yield QueueLength("throttle", None)
        return
    name = start_key(function, None, _NOTHING, 0)
    taken = None if name is None else store.paces.read(name)
    if taken is not None:
        limit = (store.controls.recent(function.id).throttle if function.is_pausable else None) or option.limit
        pace, micros = Pace.of(limit, option.span, option.burst), now() * 1000
        if count := pace.waiting(taken, micros):
            due = pace.begins(taken - count * pace.interval, micros)
            yield QueueLength("throttle", count, due=-(-due // 1000))


def _single(function: FunctionFacts, store: Store) -> Iterator[QueueLength]:
    """Yield the run that waits for the one before it. With ``skip`` none waits."""
    if (option := function.flow.singleton) is None or option.mode == "skip":
        return
    if option.key is not None:
        yield QueueLength("singleton", None)
        return
    name = start_key(function, None, _NOTHING, 0)
    there = None if name is None else store.singletons.read(name)
    if there is not None and there.after is not None:
        yield QueueLength("singleton", 1, since=there.position.received_at)


def _in_line(function: FunctionFacts, store: Store) -> Iterator[QueueLength]:
    """Yield the runs that wait at the function's gates without a key, and at the one of its pauses."""
    shared = [limit for limit in function.limits if limit.key is None]
    names = {gate.name for gate in gates_of(function.id, shared, _NOTHING, 0)}
    for name in sorted(names):
        yield from _at(name, "concurrency", store)
    if len(shared) < len(function.limits):
        yield QueueLength("concurrency", None)
    if function.is_pausable and pause_gate(function.id) not in names:
        yield from _at(pause_gate(function.id), "pause", store)


def _at(name: str, kind: QueueKind, store: Store) -> Iterator[QueueLength]:
    state = store.gates.read(name)
    if state is not None and state.waiting is not None:
        count = store.gates.before(name, _ALL, COUNTED)
        if count:
            yield QueueLength(kind, count, count >= COUNTED, state.waiting)

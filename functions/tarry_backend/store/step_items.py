"""Steps and waits as items, and back."""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tarry._wire.limits import MAX_KEY
from tarry_backend.model.alternative import Alternative
from tarry_backend.model.position import Position
from tarry_backend.model.run import Alias
from tarry_backend.model.step import Failure, Invocation, Signal, Status, Step, Wait
from tarry_backend.store.models import DUE_SHARDS, AliasItem, StepItem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tarry_backend.store.large_values import Values

__all__ = [
    "StepItems",
    "alias_items",
    "alias_of",
    "alias_sk",
    "can_be_key",
    "due_shard",
    "ended_alias_item",
    "ended_key",
    "ended_ref",
    "ended_target",
    "run_pk",
    "step_sk",
    "wait_target",
]

_ENDED = "#ended"
"""The suffix of a match key under which ended waits are. A match key itself ends with a hash."""


def can_be_key(partition: str) -> bool:
    """Return whether DynamoDB takes this partition key: 1 to 2,048 bytes of UTF-8. People may type any id."""
    try:
        return 0 < len(partition.encode()) <= MAX_KEY
    except UnicodeEncodeError:
        return False


def run_pk(run_id: str) -> str:
    """Return the partition key of a run."""
    return f"run#{run_id}"


def step_sk(key: str) -> str:
    """Return the sort key of a step."""
    return f"step#{key}"


def due_shard(run_id: str) -> int:
    """Return the shard of the due index that has the run's timers."""
    return zlib.crc32(run_id.encode()) % DUE_SHARDS


def ended_key(match_key: str) -> str:
    """Return the key under which ended waits with this match key are, the earliest end first."""
    return f"{match_key}{_ENDED}"


def ended_ref(ended: int, wait_ref: str = "") -> str:
    """Return the sort key of a wait that ended then (Unix milliseconds), or without ``wait_ref`` the first such key."""
    return f"{ended:015d}#{wait_ref}"


def ended_target(place: str) -> tuple[int, str]:
    """Return when the wait at that place ended, and its place while it was open."""
    ended, _, wait_ref = place.partition("#")
    return int(ended), wait_ref


def wait_target(wait_ref: str) -> tuple[str, str]:
    """Return the run's id and the step's key that an entry of the waits index names."""
    run_id, kind, rest = wait_ref.split("#", 2)
    return run_id, rest if kind == "step" else rest.rpartition("#")[0]


def alias_items(run_id: str, step: Step) -> list[AliasItem]:
    """Return the further keys of a wait: of an expression with ``||``, and of the wait's other events."""
    if step.wait is None:
        return []
    items = []
    for number, (wait, alternative) in enumerate(_further(step.wait), start=1):
        sk = alias_sk(step.key, number)
        item = AliasItem(
            run_pk(run_id),
            sk,
            match_key=alternative.key,
            wait_ref=f"{run_id}#{sk}",
            since=wait.since.text(),
            deadline=wait.deadline,
            residual=alternative.residual,
            bindings=_json(alternative.bindings) if alternative.bindings else None,
        )
        _end(item, step)
        items.append(item)
    return items


def alias_of(item: AliasItem) -> Alias:
    """Return the item as a further key of a wait, without its residual: only the matcher uses that."""
    step_key, _, number = item.sk.partition("#")[2].rpartition("#")
    assert item.match_key is not None
    assert item.wait_ref is not None
    return Alias(
        step_key=step_key,
        number=int(number),
        match_key=item.match_key,
        wait_ref=item.wait_ref,
        since=Position.parse(item.since),
        deadline=int(item.deadline),
        resolved_by=Position.parse(item.resolved_by) if item.resolved_by else None,
    )


def ended_alias_item(run_id: str, alias: Alias, step: Step) -> AliasItem:
    """Return the further key as an item beside its ended step."""
    item = AliasItem(
        run_pk(run_id),
        alias_sk(alias.step_key, alias.number),
        match_key=alias.match_key,
        wait_ref=alias.wait_ref,
        since=alias.since.text(),
        deadline=alias.deadline,
        resolved_by=alias.resolved_by.text() if alias.resolved_by else None,
    )
    _end(item, step)
    return item


def alias_sk(step_key: str, number: int) -> str:
    """Return the sort key of a further key of a step's wait."""
    return f"wait#{step_key}#{number}"


def _end(item: AliasItem, step: Step) -> None:
    """Move the further key to the place of its step, if the step has ended."""
    if step.ended is None or item.wait_ref is None or item.match_key is None or item.match_key.endswith(_ENDED):
        return
    item.match_key, item.wait_ref = ended_key(item.match_key), ended_ref(step.ended, item.wait_ref)
    item.resolved_by = step.wait.resolved_by.text() if step.wait and step.wait.resolved_by else None
    item.residual = item.bindings = None


def _further(wait: Wait) -> Iterator[tuple[Wait, Alternative]]:
    """Yield all alternatives but the first, which is in the step's own item."""
    yield from ((wait, alternative) for alternative in wait.alternatives[1:])
    yield from ((other, alternative) for other in wait.others for alternative in other.alternatives)


class StepItems:
    """Steps as items. An open step is in the indexes that find it; an ended wait is in one, for receipts."""

    def __init__(self, values: Values) -> None:
        self._values = values

    def item(self, run_id: str, step: Step) -> StepItem:
        """Return the step as an item."""
        name = f"runs/{run_id}/{step.begun_order}-{step.attempt}"
        item = StepItem(
            run_pk(run_id),
            step_sk(step.key),
            kind=step.kind,
            status=step.status.value,
            begun_order=step.begun_order,
            ended_order=step.ended_order,
            began=step.began,
            ended=step.ended,
            attempt=step.attempt,
            output=None if step.output is None else self._values.pack(step.output, f"{name}-output"),
            error=None if step.error is None else self._values.pack(_json(step.error.stored()), f"{name}-error"),
            due=step.due,
            asked=step.asked,
            once=1 if step.once else None,
            due_shard=due_shard(run_id) if step.is_due else None,
            expires=step.expires,
        )
        if step.invocation is not None:
            item.invoked_function, item.invoked_run = step.invocation.function_id, step.invocation.run_id
        if step.wait is not None:
            _add_wait(item, step.wait, is_open=step.status is Status.WAITING)
            _place(item, step, f"{run_id}#{item.sk}", step.wait)
        if step.signal is not None:
            item.signal, item.signal_id, item.signal_at = step.signal.name, step.signal.sent_id, step.signal.sent_at
        return item

    def step(self, item: StepItem) -> Step:
        """Return the item as a step."""
        return Step(
            key=item.sk.partition("#")[2],
            kind=item.kind,
            status=Status(item.status),
            begun_order=int(item.begun_order),
            ended_order=_whole(item.ended_order),
            began=int(item.began),
            ended=_whole(item.ended),
            attempt=int(item.attempt),
            output=None if item.output is None else self._values.unpack(item.output),
            error=None if item.error is None else Failure.read(self._values.unpack(item.error)),
            due=_whole(item.due),
            asked=item.asked,
            once=bool(item.once),
            expires=_whole(item.expires),
            wait=_wait(item) if item.event_name is not None else None,
            invocation=Invocation(item.invoked_function, item.invoked_run) if item.invoked_run is not None else None,
            signal=None if item.signal is None else Signal(item.signal, item.signal_id, _whole(item.signal_at)),
        )


def _add_wait(item: StepItem, wait: Wait, *, is_open: bool) -> None:
    item.event_name, item.expression = wait.event_name, wait.expression
    item.values = _json(wait.values) if wait.values else None
    item.since = wait.since.text()
    item.deadline, item.note = wait.deadline, wait.note
    if wait.others:
        item.others = _json([_other(other, is_open) for other in wait.others])
    if wait.unused:
        item.unused = _json(wait.unused)
    if wait.resolved_by is not None:
        item.resolved_by = wait.resolved_by.text()
    if is_open and wait.alternatives:
        first, *others = wait.alternatives
        item.shape, item.residual = first.shape, first.residual
        item.bindings = _json(first.bindings) if first.bindings else None
        item.also = _json([asdict(other) for other in others]) if others else None


def _place(item: StepItem, step: Step, wait_ref: str, wait: Wait) -> None:
    """Place the wait in the index: where events find it, or once it has ended, where receipts do."""
    key = wait.alternatives[0].key if wait.alternatives else None
    if step.status is Status.WAITING:
        item.match_key, item.wait_ref = key, wait_ref if key else None
    elif step.ended is not None and (past := ended_key(key) if key else wait.ended_key):
        item.match_key, item.wait_ref = past, ended_ref(step.ended, wait_ref)


def _wait(item: StepItem) -> Wait:
    alternatives: list[Alternative] = []
    if item.match_key is not None and item.shape is not None:
        bindings = json.loads(item.bindings) if item.bindings else {}
        alternatives.append(Alternative(item.shape, item.match_key, item.residual, bindings))
        alternatives += [Alternative(**other) for other in json.loads(item.also or "[]")]
    assert item.event_name is not None
    assert item.since is not None
    deadline = int(item.deadline or 0)
    wait = Wait(
        event_name=item.event_name,
        expression=item.expression,
        **json.loads(item.values or "{}"),
        since=Position.parse(item.since),
        deadline=deadline,
        alternatives=tuple(alternatives),
        note=item.note,
        ended_key=None if alternatives else item.match_key,
        others=tuple(_other_wait(other, deadline) for other in json.loads(item.others or "[]")),
        unused=tuple(json.loads(item.unused or "[]")),
    )
    return wait.resolved(Position.parse(item.resolved_by)) if item.resolved_by else wait


def _other(wait: Wait, is_open: bool) -> dict[str, Any]:
    return {
        "event_name": wait.event_name,
        "expression": wait.expression,
        **wait.values,
        "since": wait.since.text(),
        "note": wait.note,
        "alternatives": [asdict(each) for each in wait.alternatives] if is_open else [],
    }


def _other_wait(fields: dict[str, Any], deadline: int) -> Wait:
    alternatives = tuple(Alternative(**each) for each in fields.pop("alternatives"))
    since = Position.parse(fields.pop("since"))
    return Wait(**fields, since=since, deadline=deadline, alternatives=alternatives)


def _json(value: object) -> str:
    """Return the value as JSON that an attribute can hold: in ASCII if a text in it has half of a surrogate pair."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))
    return text


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)

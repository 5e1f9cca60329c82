"""Runs as items, and back."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tarry_backend.model.cancellation import Cancellation, Reason
from tarry_backend.model.run import Run, RunStatus
from tarry_backend.model.step import Failure
from tarry_backend.store.event_json import batch_of, batch_text, event_of, event_text
from tarry_backend.store.large_values import INLINE, INLINE_BATCH
from tarry_backend.store.life_items import life_attributes, lives_of
from tarry_backend.store.models import RunItem
from tarry_backend.store.run_index import index_key
from tarry_backend.store.step_items import due_shard, run_pk

if TYPE_CHECKING:
    from tarry_backend.store.large_values import Values
    from tarry_backend.store.leases import Leases

__all__ = ["RunItems"]


class RunItems:
    """Runs as items. A running run is in the index of what is due, if its function is."""

    def __init__(self, values: Values, leases: Leases) -> None:
        self._values = values
        self._leases = leases

    def item(self, run: Run) -> RunItem:
        """Return the run as an item. An ended run has its time to live.

        What a chain knows lies in the item. So its event leaves room for that beside the output.
        """
        ended = run.ended
        room = INLINE if run.chain is None else INLINE - len(run.chain.stored())
        return RunItem(
            run_pk(run.id),
            "run",
            fn=run.function_id,
            status=run.status.value,
            fn_status=index_key(run.function_id, run.status, run.id),
            event=self._values.pack(event_text(run.event), f"runs/{run.id}/event", room),
            received_at=run.received_at,
            started=run.started,
            ended=ended,
            output=None if run.output is None else self._values.pack(run.output, f"runs/{run.id}/output"),
            error=None
            if run.error is None
            else self._values.pack(json.dumps(run.error.stored()), f"runs/{run.id}/error"),
            attempt=run.attempt,
            attempt_steps=run.attempt_steps,
            due=run.due,
            due_shard=None if run.due is None else due_shard(run.id),
            cancellation=None if run.cancellation is None else json.dumps(asdict(run.cancellation)),
            suspect=run.suspect,
            deaths=run.deaths,
            attempt_since=run.attempt_since,
            version=run.version,
            held=run.held,
            singleton=run.singleton,
            after=run.after,
            paced=run.paced,
            batch=self._values.pack(batch_text(run.batch), f"runs/{run.id}/batch", INLINE_BATCH) if run.batch else None,
            expires=None if ended is None else self._leases.of_run(ended),
            **life_attributes(run),
        )

    def run(self, item: RunItem) -> Run:
        """Return the item as a run."""
        return Run(
            id=item.pk.partition("#")[2],
            function_id=item.fn,
            event=event_of(self._values.unpack(item.event)),
            received_at=int(item.received_at),
            started=int(item.started or 0),
            status=RunStatus(item.status),
            ended=None if item.ended is None else int(item.ended),
            output=None if item.output is None else self._values.unpack(item.output),
            error=None if item.error is None else Failure.read(self._values.unpack(item.error)),
            attempt=int(item.attempt),
            attempt_steps=int(item.attempt_steps),
            due=None if item.due is None else int(item.due),
            suspect=item.suspect,
            deaths=int(item.deaths),
            attempt_since=None if item.attempt_since is None else int(item.attempt_since),
            version=item.version,
            held=None if item.held is None else int(item.held),
            singleton=item.singleton,
            after=item.after,
            paced=None if item.paced is None else int(item.paced),
            batch=() if item.batch is None else batch_of(self._values.unpack(item.batch)),
            cancellation=None if item.cancellation is None else _cancellation(json.loads(item.cancellation)),
            **lives_of(item),
        )


def _cancellation(fields: dict[str, Any]) -> Cancellation:
    return Cancellation(**{**fields, "reason": Reason(fields["reason"])})

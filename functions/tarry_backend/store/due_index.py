"""What is due: sleeps, deadlines and retries, by time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tarry_backend.store.models import DUE_SHARDS, CursorItem, Item

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SHARDS", "DueEntry", "between", "cursor", "move_cursor"]

SHARDS = range(DUE_SHARDS)


@dataclass(frozen=True, slots=True)
class DueEntry:
    """Something of a run that is due at ``at`` (Unix milliseconds): a step, or the function itself."""

    run_id: str
    step_key: str | None
    kind: str
    at: int


def between(shard: int, after: int, until: int, page: int | None = None) -> Iterator[DueEntry]:
    """What is due in ``(after, until]``, earliest first. Eventually consistent. A request brings ``page`` of them, or
    what is in 1 MB."""
    for item in Item.dues.query(shard, Item.due.between(after + 1, until), page_size=page):
        name, _, key = item.sk.partition("#")
        yield DueEntry(
            item.pk.partition("#")[2],
            key if name == "step" else None,
            getattr(item, "kind", "run"),
            int(item.due),
        )


def cursor() -> int:
    """Up to which time the sweep has put what is due into the timers queue; 0 at first."""
    try:
        return int(CursorItem.get("timers", "cursor", consistent_read=True).until)
    except CursorItem.DoesNotExist:
        return 0


def move_cursor(until: int) -> None:
    """Remembers how far the sweep has come."""
    CursorItem("timers", "cursor", until=until).save()
